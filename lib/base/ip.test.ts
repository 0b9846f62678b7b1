import * as fc from 'fast-check';
import { CIDR, compareCIDRs, compareIPs, IP, ipFamilyOf, IPSet, parseCIDR, parseIP } from './ip.ts';

function ip(text: string): IP {
  const parsed = parseIP(text);
  if (parsed === undefined) throw new Error(`not an IP: ${text}`);
  return parsed;
}
function cidr(text: string): CIDR {
  const parsed = parseCIDR(text);
  if (parsed === undefined) throw new Error(`not a CIDR: ${text}`);
  return parsed;
}

test.each([
  ['0.0.0.0', 4, '0.0.0.0'],
  ['255.255.255.255', 4, '255.255.255.255'],
  ['10.96.0.1', 4, '10.96.0.1'],
  ['::', 6, '::'],
  ['::1', 6, '::1'],
  ['1::', 6, '1::'],
  ['FE80::ABCD', 6, 'fe80::abcd'],
  ['2001:0db8:0000:0000:0001:0000:0000:0001', 6, '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', 6, '2001:db8:0:1:1:1:1:1'],
  ['1:0:0:2:0:0:0:3', 6, '1:0:0:2::3'],
  ['1:2:3:4:5:6:7::', 6, '1:2:3:4:5:6:7:0'],
  ['64:ff9b::10.0.0.1', 6, '64:ff9b::a00:1'],
  ['::ffff:10.0.0.1', 4, '10.0.0.1'],
  ['::ffff:a00:1', 4, '10.0.0.1'],
])('%s is IPv%d, canonically %s', (text, family, printed) => {
  expect(ip(text).family).toBe(family);
  expect(ip(text).toString()).toBe(printed);
  expect(JSON.stringify([ip(text)])).toBe(`["${printed}"]`);
});

test.each([
  '',
  '1',
  '1.2.3',
  '1.2.3.4.5',
  '1.2.3.256',
  '01.2.3.4',
  '1.2.3.-4',
  '1.2.3.4 ',
  ' 1.2.3.4',
  '1.2.3.0x4',
  ':',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4::5:6:7:8',
  ':1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:',
  '12345::',
  'g::',
  'fe80::1%eth0',
  '1.2.3.4::',
  '::1.2.3',
  '::1.2.3.4:5',
  '10.0.0.0/8',
])('%p is no address', (text) => {
  expect(parseIP(text)).toBeUndefined();
});

test.each([
  '',
  '10.0.0.0',
  '10.0.0.0/',
  '/8',
  '10.0.0.0/33',
  '10.0.0.0/08',
  '10.0.0.0/-1',
  '10.0.0.0/8/8',
  '::/129',
  '::/1000',
  '::ffff:10.0.0.0/104',
  '10.0.0/8',
  '10.0.0.0/ 8',
])('%p is no range', (text) => {
  expect(parseCIDR(text)).toBeUndefined();
});

test('every IPv6 and IPv4 number survives printing and parsing', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), (value) => {
      fc.pre(value >> 32n !== 0xffffn);
      expect(ip(new IP(6, value).toString())).toMatchObject({ family: 6, value });
    }),
  );
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), (value) => {
      expect(ip(new IP(4, value).toString())).toMatchObject({ family: 4, value });
    }),
  );
});

test('out of range', () => {
  expect(() => new IP(4, 2n ** 32n)).toThrow('no IPv4');
  expect(() => new IP(6, -1n)).toThrow('no IPv6');
  expect(() => new CIDR(ip('1.2.3.4'), 33)).toThrow('from 0 to 32');
});

test.each<[string, 'isLoopback' | 'isUnspecified' | 'isLinkLocal' | 'isMulticast', string[], string[]]>([
  ['loopback', 'isLoopback', ['127.0.0.1', '127.255.0.3', '::1'], ['128.0.0.1', '::2', '1.0.0.127']],
  ['unspecified', 'isUnspecified', ['0.0.0.0', '::'], ['0.0.0.1', '::1']],
  ['link-local', 'isLinkLocal', ['169.254.1.1', 'fe80::1', 'febf::1'], ['169.253.1.1', 'fec0::1', 'fe00::']],
  ['multicast', 'isMulticast', ['224.0.0.1', '239.1.1.1', 'ff02::1'], ['223.0.0.1', '240.0.0.1', 'fe00::']],
])('%s', (_, property, yes, no) => {
  for (const text of yes) expect([text, ip(text)[property]]).toEqual([text, true]);
  for (const text of no) expect([text, ip(text)[property]]).toEqual([text, false]);
});

test('ranges: canonical text, ends, size, members', () => {
  const range = cidr('10.244.1.77/24');
  expect(range.toString()).toBe('10.244.1.0/24');
  expect(range.address.toString()).toBe('10.244.1.77');
  expect([range.size, range.last.toString(), range.at(10)?.toString()]).toEqual([
    256n,
    '10.244.1.255',
    '10.244.1.10',
  ]);
  expect([range.at(256), range.at(-1)]).toEqual([undefined, undefined]);
  expect(cidr('2001:db8::5/32').toString()).toBe('2001:db8::/32');
  expect(cidr('0.0.0.0/0').contains(ip('255.1.2.3'))).toBe(true);
  expect(cidr('0.0.0.0/0').contains(ip('::1'))).toBe(false);
  expect(cidr('1.2.3.4/32').contains(ip('1.2.3.4'))).toBe(true);
  expect(cidr('1.2.3.4/32').contains(ip('1.2.3.5'))).toBe(false);
});

test.each([
  ['10.0.0.0/8', '10.1.0.0/16', true, false, true],
  ['10.1.0.0/16', '10.0.0.0/8', false, true, true],
  ['10.0.0.0/9', '10.128.0.0/9', false, false, false],
  ['10.0.0.5/8', '10.9.9.9/8', true, true, true],
  ['::/0', '0.0.0.0/0', false, false, false],
])('%s and %s', (a, b, aHasB, bHasA, overlap) => {
  expect(cidr(a).containsCIDR(cidr(b))).toBe(aHasB);
  expect(cidr(b).containsCIDR(cidr(a))).toBe(bHasA);
  expect([cidr(a).overlaps(cidr(b)), cidr(b).overlaps(cidr(a))]).toEqual([overlap, overlap]);
  expect(cidr(a).equals(cidr(b))).toBe(aHasB && bHasA);
});

test('order', () => {
  expect(['::1', '10.0.0.2', '9.0.0.1', '10.0.0.1'].map(ip).sort(compareIPs).join()).toBe(
    '9.0.0.1,10.0.0.1,10.0.0.2,::1',
  );
  expect(['::/8', '10.0.0.0/16', '10.0.0.0/8'].map(cidr).sort(compareCIDRs).join()).toBe(
    '10.0.0.0/8,10.0.0.0/16,::/8',
  );
});

test('family of a text', () => {
  expect(['1.2.3.4', '::', '10.0.0.0/8', 'fd00::/8', 'x', ''].map(ipFamilyOf)).toEqual([
    4,
    6,
    4,
    6,
    undefined,
    undefined,
  ]);
});

test('set: addresses and ranges, duplicates, removal', () => {
  const set = new IPSet([ip('1.2.3.4'), cidr('10.0.0.0/8'), ip('fd00::1'), cidr('10.0.0.9/8')]);
  expect(set.size).toBe(3);
  expect(
    ['1.2.3.4', '10.200.1.1', 'fd00::1', '1.2.3.5', '11.0.0.0', 'fd00::2', '::1.2.3.4'].map((t) =>
      set.has(ip(t)),
    ),
  ).toEqual([true, true, true, false, false, false, false]);
  expect(set.members().join()).toBe('1.2.3.4/32,10.0.0.0/8,fd00::1/128');
  expect(set.delete(cidr('10.0.0.0/9'))).toBe(false);
  expect(set.delete(cidr('10.0.0.0/8'))).toBe(true);
  expect(set.delete(cidr('1.2.3.4/32'))).toBe(true);
  expect([set.has(ip('10.200.1.1')), set.has(ip('1.2.3.4')), set.size]).toEqual([false, false, 1]);
});
