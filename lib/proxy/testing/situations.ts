/** The rows of the packet table, by configuration of the proxy. */
import type { Outcome, Situation } from './packet_cases.ts';

export type Mode = 'iptables' | 'nftables';

type Expect = Situation['expect'];
type BySource = NonNullable<Expect['vip']>;

/** Cluster policy: whoever is in `e`, pods seen as they are, others as the node. */
const cluster = (e: string): BySource => ({
  client: `${e} masq`,
  node: `${e} masq`,
  pod: `${e} own`,
  far: `${e} own`,
});
const masqueraded = (e: string): BySource => ({ all: `${e} masq` });
/** External policy Local: those outside get `local` alone and are seen as they are; pods and the node get all of `e`. */
const localOutside = (local: Outcome, e: string): BySource => ({
  client: local,
  node: `${e} masq`,
  pod: `${e} own`,
  far: `${e} own`,
});
const byCluster = (e: string): Expect => ({ vip: cluster(e), external: masqueraded(e) });

const E_LOCAL = { externalTrafficPolicy: 'Local', healthCheckNodePort: 0 };
const I_LOCAL = { internalTrafficPolicy: 'Local' };
const STICKY = { sessionAffinity: 'ClientIP' };
const RANGES = ['198.51.100.2/32', '198.51.100.2/31', 'fd00:51::2/128'];

/** With the default configuration and `clusterCIDR`. The node is in zone za. */
export function defaultSituations(mode: Mode): Situation[] {
  const iptables = mode === 'iptables';
  // iptables mode does not refuse what the node itself sends to external addresses: it follows the default route.
  const refused: Expect = {
    vip: { all: 'refused' },
    nodePort: { all: 'refused' },
    externalIP: { all: 'refused', ...(iptables ? { node: 'timeout' } : {}) },
    lbIP: { all: 'refused', ...(iptables ? { node: 'timeout' } : {}) },
  };
  return [
    {
      name: 'two local endpoints',
      endpoints: ['pod1', 'pod2'],
      expect: {
        ...byCluster('pod1,pod2'),
        // iptables mode has no rule for ports that the Service has not: the packet follows the default route.
        unusedPort: { all: iptables ? 'timeout' : 'refused' },
        // nftables mode takes node ports at the node's main addresses only, and never at loopback.
        nodePortAtPods: { all: iptables ? 'pod1,pod2 masq' : 'refused' },
        nodePortAtLoopback: { node: iptables ? 'pod1,pod2 masq' : 'refused' },
      },
    },
    { name: 'one endpoint', endpoints: ['pod1'], expect: byCluster('pod1') },
    { name: 'here and elsewhere', endpoints: ['pod1', 'far'], expect: byCluster('pod1,far') },
    { name: 'three endpoints', endpoints: ['pod1', 'pod2', 'far'], expect: byCluster('pod1,pod2,far') },
    { name: 'elsewhere only', endpoints: ['far'], expect: byCluster('far') },
    { name: 'no endpoints', endpoints: [], expect: refused },
    {
      name: 'no endpoints, both Local',
      spec: { ...E_LOCAL, ...I_LOCAL },
      endpoints: [],
      expect: refused,
    },
    { name: 'unready only', endpoints: ['pod1 unready'], expect: refused },
    { name: 'terminating and done only', endpoints: ['pod1 gone'], expect: refused },
    { name: 'ready and unready', endpoints: ['pod1', 'pod2 unready'], expect: byCluster('pod1') },
    { name: 'ready and draining', endpoints: ['pod1', 'pod2 draining'], expect: byCluster('pod1') },
    { name: 'draining only', endpoints: ['pod1 draining', 'pod2 gone'], expect: byCluster('pod1') },
    { name: 'all draining', endpoints: ['pod1 draining', 'pod2 draining'], expect: byCluster('pod1,pod2') },
    {
      name: 'external Local',
      spec: E_LOCAL,
      endpoints: ['pod1', 'far'],
      expect: { vip: cluster('pod1,far'), external: localOutside('pod1 own', 'pod1,far') },
    },
    {
      name: 'external Local, two local endpoints',
      spec: E_LOCAL,
      endpoints: ['pod1', 'pod2'],
      expect: { vip: cluster('pod1,pod2'), external: localOutside('pod1,pod2 own', 'pod1,pod2') },
    },
    {
      name: 'external Local, none here',
      spec: E_LOCAL,
      endpoints: ['far'],
      expect: { vip: cluster('far'), external: localOutside('timeout', 'far') },
    },
    {
      name: 'external Local, only unready here',
      spec: E_LOCAL,
      endpoints: ['pod1 unready', 'far'],
      expect: { vip: cluster('far'), external: localOutside('timeout', 'far') },
    },
    {
      name: 'external Local, draining here',
      spec: E_LOCAL,
      endpoints: ['pod1 draining', 'far'],
      expect: { vip: cluster('far'), external: { ...localOutside('pod1 own', 'far') } },
    },
    {
      name: 'external Local, draining elsewhere only',
      spec: E_LOCAL,
      endpoints: ['far draining'],
      expect: { vip: cluster('far'), external: localOutside('timeout', 'far') },
    },
    {
      name: 'external Local, ready and draining here',
      spec: E_LOCAL,
      endpoints: ['pod1', 'pod2 draining'],
      expect: { vip: cluster('pod1'), external: localOutside('pod1 own', 'pod1') },
    },
    {
      name: 'internal Local',
      spec: I_LOCAL,
      endpoints: ['pod1', 'far'],
      expect: { vip: cluster('pod1'), external: masqueraded('pod1,far') },
    },
    {
      name: 'internal Local, none here',
      spec: I_LOCAL,
      endpoints: ['far'],
      expect: { vip: { all: 'timeout' }, external: masqueraded('far') },
    },
    {
      name: 'internal Local, draining here',
      spec: I_LOCAL,
      endpoints: ['pod1 draining', 'far'],
      expect: { vip: cluster('pod1'), external: masqueraded('far') },
    },
    {
      name: 'internal Local, unready here',
      spec: I_LOCAL,
      endpoints: ['pod1 unready', 'far'],
      expect: { vip: { all: 'timeout' }, external: masqueraded('far') },
    },
    {
      name: 'both Local',
      spec: { ...E_LOCAL, ...I_LOCAL },
      endpoints: ['pod1', 'far'],
      expect: { vip: cluster('pod1'), external: localOutside('pod1 own', 'pod1,far') },
    },
    {
      name: 'both Local, none here',
      spec: { ...E_LOCAL, ...I_LOCAL },
      endpoints: ['far'],
      expect: { vip: { all: 'timeout' }, external: localOutside('timeout', 'far') },
    },
    {
      name: 'session affinity',
      spec: STICKY,
      endpoints: ['pod1', 'pod2'],
      expect: {
        vip: {
          client: 'pod1,pod2 masq sticky',
          node: 'pod1,pod2 masq sticky',
          pod: 'pod1,pod2 own sticky',
          far: 'pod1,pod2 own sticky',
        },
        external: { all: 'pod1,pod2 masq sticky' },
      },
    },
    {
      name: 'session affinity, external Local',
      spec: { ...STICKY, ...E_LOCAL },
      endpoints: ['pod1', 'pod2', 'far'],
      expect: { external: { client: 'pod1,pod2 own sticky' } },
    },
    {
      name: 'source ranges',
      spec: { loadBalancerSourceRanges: RANGES },
      endpoints: ['pod1'],
      expect: {
        vip: cluster('pod1'),
        nodePort: masqueraded('pod1'),
        externalIP: masqueraded('pod1'),
        lbIP: { all: 'timeout', client: 'pod1 masq' },
      },
    },
    {
      name: 'source ranges with the node in one',
      spec: { loadBalancerSourceRanges: ['198.51.100.0/24', '198.51.100.0/25', 'fd00:51::/64'] },
      endpoints: ['pod1'],
      expect: {
        lbIP: { all: 'timeout', client: 'pod1 masq', clientB: 'pod1 masq', node: 'pod1 masq' },
        nodePort: masqueraded('pod1'),
      },
    },
    {
      name: 'source ranges, second address of the client not in them',
      spec: { loadBalancerSourceRanges: ['198.51.100.2/32', 'fd00:51::2/128'], ...E_LOCAL },
      endpoints: ['pod1', 'far'],
      expect: {
        lbIP: { all: 'timeout', client: 'pod1 own', clientB: 'timeout' },
        externalIP: { client: 'pod1 own', clientB: 'pod1 own' },
      },
    },
    {
      name: 'source ranges of everything',
      spec: { loadBalancerSourceRanges: ['0.0.0.0/0', '::/0'] },
      endpoints: ['pod1'],
      expect: byCluster('pod1'),
    },
    {
      name: 'hints for zones',
      endpoints: ['pod1', 'far'],
      zones: { pod1: ['zb'], far: ['za'] },
      expect: byCluster('far'),
    },
    {
      name: 'hints for several zones',
      endpoints: ['pod1', 'pod2', 'far'],
      zones: { pod1: ['za', 'zb'], pod2: ['zc'], far: ['zb'] },
      expect: byCluster('pod1'),
    },
    {
      name: 'hints that one endpoint lacks',
      endpoints: ['pod1', 'pod2'],
      zones: { pod1: ['za'] },
      expect: byCluster('pod1,pod2'),
    },
    {
      name: 'hints for other zones only',
      endpoints: ['pod1', 'pod2'],
      zones: { pod1: ['zb'], pod2: ['zb'] },
      expect: byCluster('pod1,pod2'),
    },
    {
      name: 'hints, and the endpoint for this zone is draining',
      endpoints: ['pod1', 'pod2 draining'],
      zones: { pod1: ['zb'], pod2: ['za'] },
      expect: byCluster('pod1'),
    },
    {
      name: 'hints with external Local',
      spec: E_LOCAL,
      endpoints: ['pod1', 'far'],
      zones: { pod1: ['zb'], far: ['za'] },
      expect: { vip: cluster('far'), external: localOutside('pod1 own', 'far') },
    },
    {
      name: 'hints for nodes',
      endpoints: ['pod1', 'far'],
      nodes: { pod1: ['n1'], far: ['n2'] },
      expect: byCluster('pod1'),
    },
    {
      name: 'hints for other nodes, and for zones',
      endpoints: ['pod1', 'far'],
      nodes: { pod1: ['n2'], far: ['n2'] },
      zones: { pod1: ['za'], far: ['zb'] },
      expect: byCluster('pod1'),
    },
    {
      name: 'hints for nodes and zones that do not agree',
      endpoints: ['pod1', 'pod2', 'far'],
      nodes: { pod1: ['n1'], pod2: ['n2'], far: ['n2'] },
      zones: { pod1: ['zb'], pod2: ['za'], far: ['za'] },
      expect: byCluster('pod1'),
    },
    {
      name: 'no node ports allocated',
      spec: { allocateLoadBalancerNodePorts: false },
      endpoints: ['pod1'],
      expect: {
        vip: cluster('pod1'),
        nodePort: { all: 'refused' },
        externalIP: masqueraded('pod1'),
        lbIP: masqueraded('pod1'),
      },
    },
    {
      name: 'ipMode Proxy',
      ipMode: 'Proxy',
      endpoints: ['pod1'],
      expect: { vip: cluster('pod1'), nodePort: masqueraded('pod1'), lbIP: { all: 'timeout' } },
    },
    {
      name: 'type ClusterIP',
      spec: { type: 'ClusterIP' },
      endpoints: ['pod1'],
      expect: { vip: cluster('pod1'), externalIP: { all: 'timeout' }, lbIP: { all: 'timeout' } },
    },
    {
      name: 'another proxy is responsible',
      labels: { 'service.kubernetes.io/service-proxy-name': 'other' },
      endpoints: ['pod1'],
      expect: { vip: { all: 'timeout' }, nodePort: { all: 'refused' }, lbIP: { all: 'timeout' } },
    },
    {
      name: 'slices of a headless Service',
      sliceLabels: { 'service.kubernetes.io/headless': '' },
      endpoints: ['pod1'],
      expect: refused,
    },
    {
      name: 'headless label on the Service alone',
      labels: { 'service.kubernetes.io/headless': '' },
      endpoints: ['pod1'],
      expect: byCluster('pod1'),
    },
  ];
}

/** How the endpoints see packets under a configuration, for the three Services of {@link configuredSituations}. */
interface Seen {
  /** To the cluster IP. */
  readonly vip: (e: string) => BySource;
  /** To external addresses with policy Local; `pod1` is the local endpoint. */
  readonly local: (local: Outcome, e: string) => BySource;
  readonly more?: (mode: Mode, e: string) => Expect;
  /** Node port at the node's main address. */
  readonly nodePort?: BySource;
}

function three(mode: Mode, { vip, local, more, nodePort }: Seen): Situation[] {
  const at = nodePort === undefined ? {} : { nodePort };
  return [
    {
      name: 'Cluster',
      endpoints: ['pod1', 'far'],
      expect: { vip: vip('pod1,far'), external: masqueraded('pod1,far'), ...at, ...more?.(mode, 'pod1,far') },
    },
    {
      name: 'external Local',
      spec: E_LOCAL,
      endpoints: ['pod1', 'far'],
      expect: { vip: vip('pod1,far'), external: local('pod1 own', 'pod1,far'), ...at },
    },
    {
      name: 'internal Local',
      spec: I_LOCAL,
      endpoints: ['pod1', 'pod2', 'far'],
      expect: { vip: vip('pod1,pod2'), external: masqueraded('pod1,pod2,far'), ...at },
    },
  ];
}

/** A configuration of the proxy, besides mode and kubeconfig, and what it makes of packets. */
export interface Configuration {
  readonly name: string;
  readonly config: (mode: Mode) => Readonly<Record<string, unknown>>;
  readonly situations: (mode: Mode) => Situation[];
}

const CLUSTER_CIDR = '10.66.0.0/16,fd00:66::/31';
// Packets of pods of other nodes are not told from those of strangers.
const onlyThisNode: Seen = {
  vip: (e) => ({ client: `${e} masq`, node: `${e} masq`, pod: `${e} own`, far: `${e} masq` }),
  local: (local, e) => ({ client: local, far: local, node: `${e} masq`, pod: `${e} own` }),
};

export const CONFIGURATIONS: readonly Configuration[] = [
  { name: 'default', config: () => ({ clusterCIDR: CLUSTER_CIDR }), situations: defaultSituations },
  {
    name: 'masqueradeAll',
    config: (mode) => ({ clusterCIDR: CLUSTER_CIDR, [mode]: { masqueradeAll: true, masqueradeBit: 7 } }),
    situations: (mode) => three(mode, { vip: masqueraded, local: localOutside }),
  },
  {
    name: 'detectLocalMode BridgeInterface',
    config: () => ({ detectLocalMode: 'BridgeInterface', detectLocal: { bridgeInterface: 'cni0' } }),
    situations: (mode) => three(mode, onlyThisNode),
  },
  {
    name: 'detectLocalMode InterfaceNamePrefix',
    config: () => ({ detectLocalMode: 'InterfaceNamePrefix', detectLocal: { interfaceNamePrefix: 'cni' } }),
    situations: (mode) => three(mode, onlyThisNode),
  },
  {
    name: 'detectLocalMode NodeCIDR',
    config: () => ({ detectLocalMode: 'NodeCIDR' }),
    situations: (mode) => three(mode, onlyThisNode),
  },
  {
    name: 'no clusterCIDR',
    config: () => ({}),
    situations: (mode) =>
      three(mode, {
        vip: (e) => ({ all: `${e} own` }),
        local: (local, e) => ({ client: local, far: local, pod: local, node: `${e} masq` }),
      }),
  },
  {
    name: 'nodePortAddresses primary',
    config: () => ({ clusterCIDR: CLUSTER_CIDR, nodePortAddresses: ['primary'] }),
    situations: (mode) =>
      three(mode, {
        vip: cluster,
        local: localOutside,
        more: () => ({ nodePortAtPods: { all: 'refused' }, nodePortAtLoopback: { node: 'refused' } }),
      }),
  },
  {
    name: 'nodePortAddresses of the pod network',
    config: () => ({ clusterCIDR: CLUSTER_CIDR, nodePortAddresses: ['10.66.0.0/24', 'fd00:66::/64'] }),
    situations: (mode) =>
      three(mode, {
        vip: cluster,
        local: localOutside,
        nodePort: { all: 'refused' },
        more: (_mode, e) => ({ nodePortAtPods: masqueraded(e), nodePortAtLoopback: { node: 'refused' } }),
      }),
  },
  {
    name: 'nodePortAddresses of everything, not at loopback',
    config: () => ({
      clusterCIDR: CLUSTER_CIDR,
      nodePortAddresses: ['0.0.0.0/0', '::/0'],
      iptables: { localhostNodePorts: false },
    }),
    situations: (mode) =>
      three(mode, {
        vip: cluster,
        local: localOutside,
        more: (_mode, e) => ({ nodePortAtPods: masqueraded(e), nodePortAtLoopback: { node: 'refused' } }),
      }),
  },
];
