import type { Node } from '../api/types.ts';
import { decodeConfig } from '../component/config/document.ts';
import { PROXY_CONFIG_KIND } from './config/proxy_config.ts';
import type { IPAddress } from './model/address.ts';
import { familyPolicy, nodeNameOf, nodeState } from './node_state.ts';

const node = (spec: Node['spec'] = {}, metadata: Partial<Node['metadata']> = {}): Node => ({
  metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'za' }, ...metadata },
  spec: { podCIDRs: ['10.1.0.0/24', 'fd00:1::/64'], ...spec },
  status: {
    addresses: [
      { type: 'Hostname', address: 'n1' },
      { type: 'ExternalIP', address: '203.0.113.1' },
      { type: 'InternalIP', address: '192.0.2.1' },
      { type: 'InternalIP', address: '2001:db8::1' },
    ],
  },
});
const MACHINE: IPAddress[] = [
  { family: 'IPv4', ip: '127.0.0.1' },
  { family: 'IPv4', ip: '192.0.2.1' },
  { family: 'IPv4', ip: '10.1.0.1' },
  { family: 'IPv6', ip: '2001:db8::1' },
];

const policy = (fields: Record<string, unknown>, family: 'IPv4' | 'IPv6' = 'IPv4', routeLocalnet = true) => {
  const { apiVersion, kind } = PROXY_CONFIG_KIND;
  const config = decodeConfig({ apiVersion, kind, ...fields }, 'test', [PROXY_CONFIG_KIND]);
  return familyPolicy(family, config, nodeState(node()), MACHINE, { randomFully: true, routeLocalnet });
};

test.each([
  ['', 'Machine-1', 'machine-1'],
  [' Other ', 'machine-1', 'other'],
])('P13: the name of the node with hostnameOverride %j on %s: %s', (hostnameOverride, hostname, name) =>
  expect(nodeNameOf({ hostnameOverride }, hostname)).toBe(name),
);

test('P13: a node without a name is no node', () =>
  expect(() => nodeNameOf({ hostnameOverride: ' ' }, 'n1')).toThrow('hostname-override'));

test('what rules need of a Node', () => {
  const state = nodeState(node());
  expect(state.addresses.map((a) => a.ip)).toEqual(['192.0.2.1', '2001:db8::1', '203.0.113.1']);
  expect(state).toMatchObject({ zone: 'za', eligible: true });
});

test.each([
  ['being deleted', node({}, { deletionTimestamp: '2026-01-01T00:00:00Z' })],
  [
    'about to be removed by the autoscaler',
    node({ taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] }),
  ],
])('P12: a node %s is not eligible for load balancers', (_name, n) =>
  expect(nodeState(n).eligible).toBe(false),
);

test.each([
  [{ clusterCIDR: '10.0.0.0/8,fd00::/8' }, 'IPv4', '10.0.0.0/8'],
  [{ clusterCIDR: '10.0.0.0/8,fd00::/8' }, 'IPv6', 'fd00::/8'],
  [{ detectLocalMode: 'NodeCIDR' }, 'IPv4', '10.1.0.0/24'],
  [{ clusterCIDR: '10.0.0.0/8' }, 'IPv6', undefined],
  [{}, 'IPv4', undefined],
] as const)('P5: pods are known by their address: %j %s', (fields, family, range) => {
  const detector = policy(fields, family).localDetector;
  expect(detector?.kind === 'sourceRange' ? String(detector.range) : undefined).toBe(range);
});

test('P5: or by the interface they come from', () => {
  const detectLocal = { bridgeInterface: 'cni0', interfaceNamePrefix: 'veth' };
  expect(policy({ detectLocalMode: 'BridgeInterface', detectLocal }).localDetector).toEqual({
    kind: 'interface',
    name: 'cni0',
  });
  expect(policy({ detectLocalMode: 'InterfaceNamePrefix', detectLocal }).localDetector).toEqual({
    kind: 'interfacePrefix',
    prefix: 'veth',
  });
});

test.each([
  ['all', [], undefined, true],
  ['everything by range', ['0.0.0.0/0'], undefined, true],
  ['a range', ['192.0.2.0/24'], ['192.0.2.1'], false],
  ['a range and loopback', ['192.0.2.0/24', '127.0.0.0/8'], ['127.0.0.1', '192.0.2.1'], true],
  ['nothing of this node', ['198.51.100.0/24'], [], false],
  ['only the other family', ['fd00::/8'], undefined, true],
  ['primary', ['primary'], ['192.0.2.1'], false],
])('P5: node ports answer at: %s', (_name, nodePortAddresses, addresses, guard) => {
  expect(policy({ nodePortAddresses })).toMatchObject({ nodePortAddresses: addresses, guardLocalnet: guard });
});

test('P5: without route_localnet node ports are not offered on loopback', () => {
  expect(policy({}, 'IPv4', false)).toMatchObject({ localhostNodePorts: false, guardLocalnet: false });
  expect(policy({}, 'IPv6')).toMatchObject({ localhostNodePorts: false, guardLocalnet: false });
});

test.each([
  ['what the Node says', '0.0.0.0', ['192.0.2.1', '203.0.113.1'], ['2001:db8::1']],
  ['what the Node says', '::', ['192.0.2.1', '203.0.113.1'], ['2001:db8::1']],
  ['bindAddress first', '203.0.113.1', ['203.0.113.1', '192.0.2.1'], ['2001:db8::1']],
  [
    'bindAddress that the Node has not',
    '198.51.100.9',
    ['198.51.100.9', '192.0.2.1', '203.0.113.1'],
    ['2001:db8::1'],
  ],
  ['bindAddress of IPv6', '2001:db8::9', ['192.0.2.1', '203.0.113.1'], ['2001:db8::9', '2001:db8::1']],
])('P13: addresses of the node: %s (%s)', (_what, bindAddress, four, six) => {
  const primary = { bindAddress, nodePortAddresses: ['primary'] };
  expect(policy(primary)).toMatchObject({ nodeIPs: four, nodePortAddresses: four.slice(0, 1) });
  expect(policy(primary, 'IPv6')).toMatchObject({ nodeIPs: six, nodePortAddresses: six.slice(0, 1) });
});
