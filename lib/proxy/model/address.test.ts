import { AddressRange, hostPort, parseAddress, unroutableReason } from './address.ts';

test.each([
  ['10.0.0.1', 'IPv4', '10.0.0.1'],
  ['FD00:0:0::0001', 'IPv6', 'fd00::1'],
  ['::1', 'IPv6', '::1'],
  ['2001:db8:0:1:0:0:0:1', 'IPv6', '2001:db8:0:1::1'],
])('%s', (text, family, ip) => expect(parseAddress(text)).toEqual({ family, ip }));

test.each([
  '',
  '10.0.0',
  '010.0.0.1',
  '10.0.0.1/32',
  ' 10.0.0.1',
  '10.0.0.1\n',
  '::ffff:10.0.0.1',
  'fe80::1%eth0',
  '[::1]',
  'x',
])('%j is no address', (text) => expect(parseAddress(text)).toBeUndefined());

test.each([
  ['10.1.2.3/8', '10.0.0.0/8'],
  ['255.255.255.255/32', '255.255.255.255/32'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['fd00:1:2:3:4:5:6:7/48', 'fd00:1:2::/48'],
  ['::/0', '::/0'],
])('%s is the range %s', (text, range) => expect(String(AddressRange.parse(text))).toBe(range));

test.each(['10.0.0.0/33', '10.0.0.0', '10.0.0.0/', '10.0.0.0/-1', 'fd00::/129', '/8', '10.0.0.0/8/8'])(
  '%j is no range',
  (text) => expect(AddressRange.parse(text)).toBeUndefined(),
);

test.each([
  ['10.0.0.0/8', '10.255.255.255', true],
  ['10.0.0.0/8', '11.0.0.0', false],
  ['10.0.0.0/8', 'fd00::1', false],
  ['0.0.0.0/0', '1.2.3.4', true],
  ['fd00::/64', 'fd00::ffff', true],
  ['fd00::/64', 'fd00:0:0:1::', false],
])('%s contains %s: %s', (range, ip, expected) => {
  const address = parseAddress(ip);
  expect(address && AddressRange.parse(range)?.contains(address)).toBe(expected);
});

test.each([
  ['127.0.0.1', 'a loopback address'],
  ['::1', 'a loopback address'],
  ['169.254.169.254', 'a link-local address'],
  ['fe80::1', 'a link-local address'],
  ['224.0.0.1', 'a multicast address'],
  ['0.0.0.0', 'an unspecified address'],
  ['0.255.255.255', 'an unspecified address'],
  ['::', 'an unspecified address'],
  ['127.255.255.255', 'a loopback address'],
  ['febf:ffff::1', 'a link-local address'],
  ['239.255.255.255', 'a multicast address'],
  ['ff02::1', 'a multicast address'],
  ['ff00::', 'a multicast address'],
  ['255.255.255.255', 'a broadcast address'],
  ['10.0.0.1', undefined],
  ['128.0.0.1', undefined],
  ['169.253.255.255', undefined],
  ['169.255.0.0', undefined],
  ['223.255.255.255', undefined],
  ['240.0.0.1', undefined],
  ['255.255.255.254', undefined],
  ['::2', undefined],
  ['1::', undefined],
  ['fe8::1', undefined],
  ['fec0::1', undefined],
  ['ff::1', undefined],
  ['fd00::1', undefined],
])('%s is %s', (ip, reason) => {
  const address = parseAddress(ip);
  expect(address && unroutableReason(address)).toBe(reason);
});

test('IPv6 addresses stand in brackets before a port', () => {
  expect([hostPort('10.0.0.1', 80), hostPort('fd00::1', 80)]).toEqual(['10.0.0.1:80', '[fd00::1]:80']);
});
