import * as fc from 'fast-check';
import { maxQuantity, parseQuantity, Quantity, QuantityError, tryParseQuantity } from './quantity.ts';
import type { QuantityFormat } from './quantity.ts';

// Canonical forms as apimachinery 0.36 gives them.
test.each([
  ['0', '0'],
  ['0Ki', '0'],
  ['-0', '0'],
  ['.5', '500m'],
  ['5.', '5'],
  ['+1', '1'],
  ['-1.5', '-1500m'],
  ['007', '7'],
  ['1000m', '1'],
  ['1500m', '1500m'],
  ['123456789m', '123456789m'],
  ['1000k', '1M'],
  ['0.001M', '1k'],
  ['1000', '1k'],
  ['1024', '1024'],
  ['1048576', '1048576'],
  ['1024Ki', '1Mi'],
  ['1023Ki', '1023Ki'],
  ['1000Ki', '1000Ki'],
  ['1.5Gi', '1536Mi'],
  ['0.5Ki', '512'],
  ['0.0001Ki', '102400u'],
  ['1.1Ki', '1126400m'],
  ['1.1Mi', '1153433600m'],
  ['0.1Gi', '107374182400m'],
  ['932.5Pi', '954880Ti'],
  ['1E', '1E'],
  ['100E', '100E'],
  ['7986E', '7986E'],
  ['7Ei', '7Ei'],
  ['8Ei', '9223372036854775807'],
  ['-16Ei', '-9223372036854775807'],
  ['467465489426Gi', '9223372036854775807'],
  ['9223372036854775807', '9223372036854775807'],
  ['9223372036854775808', '9223372036854775808'],
  ['99999999999999999999', '99999999999999999999'],
  ['0.1n', '1n'],
  ['-772.197n', '-773n'],
  ['0.0000000001', '1n'],
  ['1e-10', '1e-9'],
  ['-70680e-12', '-71e-9'],
  ['1e3', '1e3'],
  ['1E3', '1e3'],
  ['1e+2', '100'],
  ['100e1', '1e3'],
  ['1.5e3', '1500'],
  ['1e18', '1e18'],
  ['1e19', '10e18'],
  ['1.23e0', '1230e-3'],
  ['41746834.6E12', '41746834600e9'],
  ['4120543096.61754589Ki', '4219436130936366991360n'],
])('%s is canonically %s', (text, canonical) => {
  expect(parseQuantity(text).toString()).toBe(canonical);
  expect(parseQuantity(canonical).toString()).toBe(canonical);
});

test.each([
  ['0', 0n, 0n],
  ['100m', 1n, 100n],
  ['1', 1n, 1000n],
  ['1500m', 2n, 1500n],
  ['1n', 1n, 1n],
  ['1.0001', 2n, 1001n],
  ['-1500m', -2n, -1500n],
  ['64Gi', 68719476736n, 68719476736000n],
  ['9007199254740993', 9007199254740993n, 9007199254740993000n],
  ['7Ei', 8070450532247928832n, 8070450532247928832000n],
])('%s: value %s, milli %s, both rounded away from zero', (text, value, milli) => {
  expect(parseQuantity(text).value()).toBe(value);
  expect(parseQuantity(text).milliValue()).toBe(milli);
});

test.each([
  '',
  ' ',
  '.',
  '-',
  '+',
  'm',
  'Ki',
  'E',
  '1 Gi',
  ' 1',
  '1 ',
  '1gi',
  '1ki',
  '1K',
  '1i',
  '1mi',
  '1e',
  '1e+',
  '1e1.5',
  '1Ee3',
  '1Gi5',
  '--1',
  '1.2.3',
  '0x10',
  '1_000',
  '1,5',
  'Infinity',
  'NaN',
  '١',
])('refuses %p', (text) => {
  expect(() => parseQuantity(text)).toThrow(QuantityError);
  expect(() => parseQuantity(text)).toThrow(`${JSON.stringify(text)} is not a quantity`);
  expect(tryParseQuantity(text)).toBeUndefined();
});

test('what JSON may hold: numbers count, everything else does not', () => {
  expect(parseQuantity(1.5).toString()).toBe('1500m');
  expect(parseQuantity(1e21).toString()).toBe('1e21');
  expect([null, undefined, {}, true, ['1']].map(tryParseQuantity)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect(() => parseQuantity(Number.NaN)).toThrow(QuantityError);
});

test('absurd exponents neither hang nor fill the memory', () => {
  expect(parseQuantity('1e999999999').sign).toBe(1);
  expect(parseQuantity('1e-999999999').toString()).toBe('1e-9');
});

test('sums keep the notation; a zero takes on that of the other', () => {
  const q = parseQuantity;
  expect(q('1Gi').add(q('1G')).toString()).toBe('2073741824');
  expect(q('1G').add(q('1Gi')).toString()).toBe('2073741824');
  expect(Quantity.zero.add(q('1Gi')).add(q('1Gi')).toString()).toBe('2Gi');
  expect(q('1').sub(q('1100m')).toString()).toBe('-100m');
  expect(q('250m').mul(4).toString()).toBe('1');
  expect(q('5').neg().toString()).toBe('-5');
  expect(q('2Gi').sub(q('1Gi')).toJSON()).toBe('1Gi');
});

test('comparison regards the amount alone', () => {
  expect(parseQuantity('1024Mi').cmp(parseQuantity('1Gi'))).toBe(0);
  expect(parseQuantity('1024Mi').equals(parseQuantity('1Gi'))).toBe(true);
  expect(parseQuantity('1G').cmp(parseQuantity('1Gi'))).toBe(-1);
  expect(parseQuantity('-1').sign).toBe(-1);
  expect(maxQuantity(parseQuantity('1G'), parseQuantity('1Gi')).toString()).toBe('1Gi');
  expect(Quantity.ofMilli(1500).asNumber()).toBe(1.5);
  expect(Quantity.of(3).isZero).toBe(false);
});

describe('for any amount', () => {
  const formats: QuantityFormat[] = ['BinarySI', 'DecimalSI', 'DecimalExponent'];
  const limit = (2n ** 63n - 1n) * 1_000_000_000n;
  const quantity = fc
    .tuple(
      fc.bigInt({ min: -limit, max: limit }),
      fc.constantFrom(...formats),
      fc.integer({ min: 0, max: 12 }),
    )
    // Rounder numbers, so that larger suffixes are met as well.
    .map(
      ([nanos, format, zeros]) => new Quantity((nanos / 10n ** BigInt(zeros)) * 10n ** BigInt(zeros), format),
    );

  test('the canonical form parses to the same amount, and needs no fraction', () => {
    fc.assert(
      fc.property(quantity, (q) => {
        const again = parseQuantity(q.toString());
        expect(again.nanos).toBe(q.nanos);
        expect(q.toString()).not.toContain('.');
      }),
    );
  });

  test('adding and subtracting is exact, also beyond 2^53', () => {
    fc.assert(
      fc.property(quantity, quantity, (a, b) => {
        expect(a.add(b).sub(b).nanos).toBe(a.nanos);
        expect(a.add(b).cmp(b.add(a))).toBe(0);
        expect(a.cmp(b)).toBe(-b.cmp(a) + 0);
      }),
    );
  });

  test('value and milliValue are the least whole numbers that cover it', () => {
    fc.assert(
      fc.property(quantity, (q) => {
        const abs = q.sign < 0 ? q.neg() : q;
        expect(Quantity.of(abs.value()).cmp(abs)).toBeGreaterThanOrEqual(0);
        expect(Quantity.of(abs.value() - 1n).cmp(abs)).toBe(-1);
        expect(Quantity.ofMilli(abs.milliValue()).cmp(abs)).toBeGreaterThanOrEqual(0);
        expect(Quantity.ofMilli(abs.milliValue() - 1n).cmp(abs)).toBe(-1);
      }),
    );
  });
});
