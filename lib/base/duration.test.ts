import { DurationError, formatDuration, parseDuration } from './duration.ts';

test.each([
  ['0', 0, '0s'],
  ['-0', 0, '0s'],
  ['0s', 0, '0s'],
  ['300ms', 300, '300ms'],
  ['1m30s', 90_000, '1m30s'],
  ['+90s', 90_000, '1m30s'],
  ['-1.5h', -5_400_000, '-1h30m0s'],
  ['1h', 3_600_000, '1h0m0s'],
  ['2h45m', 9_900_000, '2h45m0s'],
  ['1.5s', 1500, '1.5s'],
  ['.5s', 500, '500ms'],
  ['5.s', 5000, '5s'],
  ['100us', 0.1, '100µs'],
  ['1.5µs', 0.0015, '1.5µs'],
  ['2μs', 0.002, '2µs'],
  ['7ns', 0.000007, '7ns'],
  ['1s1ms', 1001, '1.001s'],
  ['30s1m', 90_000, '1m30s'],
  ['87600h', 315_360_000_000, '87600h0m0s'],
  ['0.1234567891s', 123.456789, '123.456789ms'],
])('%s is %d ms and prints as %s', (text, ms, printed) => {
  expect(parseDuration(text)).toBe(ms);
  expect(formatDuration(ms)).toBe(printed);
});

test.each([
  '',
  ' ',
  '5',
  '1.5',
  's',
  '.s',
  '-',
  '1x',
  '1s ',
  ' 1s',
  '1 s',
  '1m30',
  '--1s',
  '1e3s',
  '1S',
  '٣s',
])('refuses %p', (text) => {
  expect(() => parseDuration(text)).toThrow(DurationError);
});

test('refuses more than 64-bit nanoseconds', () => {
  expect(parseDuration('2562047h47m16.854775807s')).toBeGreaterThan(9e12);
  expect(() => parseDuration('2562047h47m16.854775808s')).toThrow('too long');
  expect(() => parseDuration('3000000h')).toThrow('292 years');
});

test('refuses to print what is no number', () => {
  expect(() => formatDuration(Number.NaN)).toThrow('NaN');
});
