import {
  chooseNodeIPs,
  defaultRoutes,
  reportedAddresses,
  type AddressFacts,
  type ReportedAddressesInput,
} from './addresses.ts';

const facts: AddressFacts = {
  interfaces: [
    { interfaceName: 'lo', ip: '127.0.0.1', family: 4, local: true },
    { interfaceName: 'eth0', ip: 'fe80::1', family: 6, local: true },
    { interfaceName: 'eth0', ip: '192.0.2.7', family: 4, local: false },
    { interfaceName: 'eth0', ip: '2001:db8::7', family: 6, local: false },
    { interfaceName: 'eth1', ip: '198.51.100.3', family: 4, local: false },
  ],
  resolved: [],
  defaultInterfaces: ['eth0'],
};

test.each<{ what: string; requested: string[]; over?: Partial<AddressFacts>; want: string[] }>([
  { what: 'the default route', requested: [], want: ['192.0.2.7'] },
  { what: 'the resolved name', requested: [], over: { resolved: ['198.51.100.3'] }, want: ['198.51.100.3'] },
  {
    what: 'not a name that resolves to loopback',
    requested: [],
    over: { resolved: ['127.0.0.1'] },
    want: ['192.0.2.7'],
  },
  {
    what: 'as requested, both families',
    requested: ['2001:db8::7', '198.51.100.3'],
    want: ['2001:db8::7', '198.51.100.3'],
  },
  { what: 'any of a family', requested: ['::'], want: ['2001:db8::7'] },
  { what: 'any of IPv4', requested: ['0.0.0.0'], want: ['192.0.2.7'] },
])('K18: $what', ({ requested, over, want }) => {
  expect(chooseNodeIPs(requested, { ...facts, ...over })).toEqual(want);
});

test.each([
  {
    requested: ['203.0.113.1'],
    message: 'node IP: "203.0.113.1" not found in the host\'s network interfaces',
  },
  { requested: ['127.0.0.1'], message: 'nodeIP can\'t be loopback or link-local address: "127.0.0.1"' },
  { requested: ['node'], message: 'node IP "node" is not an IP address' },
])('K18: $requested is refused', ({ requested, message }) => {
  expect(() => chooseNodeIPs(requested, facts)).toThrow(message);
});

test('K18: no default route and no name', () => {
  expect(() => chooseNodeIPs([], { ...facts, defaultInterfaces: [] })).toThrow(/set --node-ip/);
});

test('K18: default routes by metric, IPv6 after IPv4, unreachable ones not', () => {
  const ipv4 = [
    'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
    'eth1\t00000000\t016433C6\t0003\t0\t0\t200\t00000000\t0\t0\t0',
    'eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0',
    'eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
  ].join('\n');
  const zero = '0'.repeat(32);
  const ipv6 = [
    `${zero} 00 ${zero} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth2`,
    `${zero} 00 ${zero} 00 ${zero} ffffffff 00000001 00000000 00200200       lo`,
  ].join('\n');
  expect(defaultRoutes(ipv4, ipv6)).toEqual(['eth0', 'eth1', 'eth2']);
});

const internal = (address: string) => ({ type: 'InternalIP', address });
const named = { type: 'Hostname', address: 'n' };

test.each<[string, Partial<ReportedAddressesInput>, ReportedAddressesInput['known']]>([
  ['its own', {}, [internal('192.0.2.7'), named]],
  ['its own in place of others', { known: [internal('192.0.2.1')] }, [internal('192.0.2.7'), named]],
  [
    'what it had, while none can be found',
    { ips: [], known: [internal('192.0.2.1')] },
    [internal('192.0.2.1')],
  ],
  ['none, until one can be found', { ips: [] }, []],
  [
    'those of a cloud provider outside',
    { flags: { cloudProvider: 'external', nodeIPs: ['192.0.2.7'] }, known: [internal('203.0.113.9')] },
    [internal('203.0.113.9')],
  ],
  ['none, until the cloud provider says them', { flags: { cloudProvider: 'external', nodeIPs: [] } }, []],
  [
    'those of --node-ip, until the cloud provider says others',
    { flags: { cloudProvider: 'external', nodeIPs: ['192.0.2.7'] } },
    [internal('192.0.2.7'), named],
  ],
])('K18: the node reports %s', (_, over, want) => {
  const input = { flags: { cloudProvider: '', nodeIPs: [] }, hostname: 'n', ips: ['192.0.2.7'], known: [] };
  expect(reportedAddresses({ ...input, ...over })).toEqual(want);
});
