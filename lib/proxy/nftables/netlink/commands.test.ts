import { encodeTransaction } from './commands.ts';
import { decodeMessages } from './message.ts';

const table = 'ip kube-proxy';

/** Of a transaction of one line: type and attributes, the latter as hexadecimal digits. */
function encoded(line: string, family: 'IPv4' | 'IPv6' = 'IPv4'): { type: number; attributes: string } {
  const [, message] = decodeMessages(encodeTransaction(family, `${line}\n`) ?? Buffer.alloc(0));
  return { type: (message?.type ?? 0) & 0xff, attributes: message?.payload.toString('hex', 4) ?? '' };
}

const KUBE_PROXY = '0f0001006b7562652d70726f78790000';
const ZZ = (type: string): string => `0700${type}007a7a0000`;
const NUMGEN =
  '340001800b0001006e756d67656e000024000280080001000000000108000200000000030800030000000001080004000000000' +
  '02c00018008000100636d700020000280080001000000000108000200000000000c0003800800010000000000';
const L4PROTO_TCP =
  '24000180090001006d657461000000001400028008000200000000100800010000000001' +
  '2c00018008000100636d700020000280080001000000000108000200000000000c0003800500010006000000';
const DNAT =
  '2c0001800e000100696d6d6564696174650000001800028008000100000000010c000280080001000a70752e' +
  '2c0001800e000100696d6d6564696174650000001800028008000100000000020c000280060001001f900000' +
  '38000180080001006e6174002c000280080001000000000108000200000000020800030000000001080005000000000208000700' +
  '00000002';

// Recorded from nft 1.0.6 with strace.
test.each([
  ['add chain', `add chain ${table} zz`, 3, KUBE_PROXY + ZZ('03')],
  ['flush chain', `flush chain ${table} zz`, 8, KUBE_PROXY + ZZ('02')],
  ['delete chain', `delete chain ${table} zz`, 5, KUBE_PROXY + ZZ('03')],
  [
    'the first of three endpoints',
    `add rule ${table} zz numgen random mod 3 0 meta l4proto tcp dnat to 10.112.117.46:8080`,
    6,
    `${KUBE_PROXY}${ZZ('02')}44010480${NUMGEN}${L4PROTO_TCP}${DNAT}`,
  ],
  [
    'the last endpoint',
    `add rule ${table} zz meta l4proto tcp dnat to 10.112.117.46:8080`,
    6,
    `${KUBE_PROXY}${ZZ('02')}e4000480${L4PROTO_TCP}${DNAT}`,
  ],
  [
    'an element without a value',
    `add element ${table} cluster-ips { 10.1.2.3 }`,
    12,
    `${KUBE_PROXY}10000200636c75737465722d6970730014000380100001800c000180080001000a010203`,
  ],
  [
    'an element with a comment',
    `add element ${table} no-endpoint-services { 10.1.2.5 . udp . 80 comment "a/b:p" : drop }`,
    12,
    `${KUBE_PROXY}190002006e6f2d656e64706f696e742d736572766963657300000000` +
      '38000380' +
      '3400018014000180100001000a0102051100000000500000100002800c00028008000100000000000c0006000006612f623a7000',
  ],
  [
    'an element that leads to a chain',
    `add element ${table} service-ips { 10.1.2.3 . tcp . 80 : goto zz }`,
    12,
    `${KUBE_PROXY}10000200736572766963652d69707300` +
      '34000380' +
      '3000018014000180100001000a0102030600000000500000180002801400028008000100fffffffc070002007a7a0000',
  ],
  [
    'an element that goes',
    `delete element ${table} hairpin-connections { 10.1.2.3 . 10.1.2.3 . tcp . 80 }`,
    14,
    `${KUBE_PROXY}180002006861697270696e2d636f6e6e656374696f6e7300` +
      '20000380' +
      '1c00018018000180140001000a0102030a0102030600000000500000',
  ],
])('as nft does: %s', (_what, line, type, attributes) => {
  expect(encoded(line)).toEqual({ type, attributes });
});

test('an IPv6 endpoint has 16 bytes', () => {
  const line = 'add rule ip6 kube-proxy zz meta l4proto udp dnat to [2001:db8::5]:53';
  expect(encoded(line, 'IPv6').attributes).toContain(`20010db8${'0'.repeat(23)}5`);
});

test('messages are numbered by lines, in one batch; the last is acknowledged', () => {
  const batch = encodeTransaction('IPv4', `add chain ${table} a\nflush chain ${table} a\n`);
  const messages = decodeMessages(batch ?? Buffer.alloc(0));
  expect(messages.map(({ type, sequence }) => [type & 0xff, sequence])).toEqual([
    [0x10, 0],
    [3, 1],
    [8, 2],
    [0x11, 3],
  ]);
  expect(messages.map(({ flags }) => (flags & 4) !== 0)).toEqual([false, false, true, false]);
});

test.each([
  ['a chain with a hook', `add chain ${table} zz { type nat hook output priority -100 ; }`],
  ['a rule with a comment', `add rule ${table} zz meta mark set meta mark | 0x00004000 comment "masquerade"`],
  ['a rule of affinity', `add rule ${table} zz update @affinity { ip saddr }`],
  ['an address that is none', `add rule ${table} zz meta l4proto tcp dnat to 10.0.0.256:80`],
  ['a protocol that is none', `add rule ${table} zz meta l4proto icmp dnat to 10.0.0.2:80`],
  ['a set of another name', `add element ${table} mine { 10.0.0.1 }`],
  ['a key of other parts', `add element ${table} cluster-ips { 10.0.0.1 . tcp . 80 }`],
  ['another verdict', `add element ${table} service-ips { 10.0.0.1 . tcp . 80 : accept }`],
  ['a set', `add set ${table} mine { type ipv4_addr ; }`],
  ['a table', `add table ${table}`],
  ['nonsense', 'flush ruleset'],
])('left to nft, with all that stands beside it: %s', (_what, line) => {
  expect(encodeTransaction('IPv4', `add chain ${table} a\n${line}\n`)).toBeUndefined();
});
