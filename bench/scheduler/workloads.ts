/** Workloads of upstream's scheduler_perf by name: which nodes there are, which pods run, and which are to be placed. */
import type { Node, Pod, PodSpec } from '../../lib/api/types.ts';
import type { MemoryCluster } from './memory_cluster.ts';

export interface Workload {
  readonly name: string;
  /** Pods per second on one core that issue 7 asks for, at 5,000 nodes (Daemonset: 15,000). */
  readonly target: number;
  readonly node: (i: number) => Node;
  /** Pods that are placed before, by the scheduler as well. */
  readonly initial: (nodes: number) => readonly Pod[];
  /** The i-th of the pods to be placed. */
  readonly measured: (i: number, nodes: number) => Pod;
  /** How many are to be placed, of those that the bench would like to. Default: 30 per node at most. */
  readonly count?: (wanted: number, nodes: number) => number;
  /** The measured pods find no node: their refusals are counted. */
  readonly isRefused?: true;
  /** Before the first pod is measured. */
  readonly before?: (cluster: MemoryCluster) => void;
  /** When the i-th of the measured pods was bound. */
  readonly during?: (cluster: MemoryCluster, i: number) => void;
}

const ZONES = 3;
const ZONE = 'topology.kubernetes.io/zone';
const HOST = 'kubernetes.io/hostname';

function node(i: number): Node {
  const name = `node-${i}`;
  return {
    metadata: { name, labels: { [HOST]: name, [ZONE]: `zone-${i % ZONES}` } },
    status: { allocatable: { cpu: '4', memory: '32Gi', pods: '110' } },
  };
}

/** As the apiserver hands pods out: with a service account's volume and the default tolerations. */
function pod(
  name: string,
  labels: Readonly<Record<string, string>> = {},
  spec: Partial<PodSpec> = {},
  requests: Readonly<Record<string, string>> = { cpu: '100m', memory: '500Mi' },
): Pod {
  const toleration = (key: string) => ({
    key: `node.kubernetes.io/${key}`,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: 300,
  });
  return {
    metadata: { namespace: 'bench', name, uid: `uid-${name}`, labels },
    spec: {
      containers: [{ name: 'pause', image: 'registry.k8s.io/pause:3.10', resources: { requests } }],
      tolerations: [toleration('not-ready'), toleration('unreachable')],
      volumes: [{ name: `kube-api-access-${name}`, projected: { sources: [] } }],
      schedulerName: 'default-scheduler',
      priority: 0,
      ...spec,
    },
    status: { phase: 'Pending' },
  };
}

const term = (color: string, topologyKey: string) => ({
  topologyKey,
  labelSelector: { matchLabels: { color } },
});
const antiAffinity: Partial<PodSpec> = {
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term('green', HOST)] } },
};
const affinity: Partial<PodSpec> = {
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term('blue', ZONE)] } },
};
const preferred = {
  preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term('red', HOST) }],
};
const preferredAnti: Partial<PodSpec> = { affinity: { podAntiAffinity: preferred } };
const preferredAffinity: Partial<PodSpec> = { affinity: { podAffinity: preferred } };
const spread = (whenUnsatisfiable: string): Partial<PodSpec> => ({
  topologySpreadConstraints: [{ maxSkew: 5, whenUnsatisfiable, ...term('blue', ZONE) }],
});
const zones: Partial<PodSpec> = {
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: ZONE, operator: 'In', values: ['zone-1', 'zone-2'] }] },
        ],
      },
    },
  },
};
const onNode = (i: number): Partial<PodSpec> => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          { matchFields: [{ key: 'metadata.name', operator: 'In', values: [`node-${i}`] }] },
        ],
      },
    },
  },
});

function first(count: (nodes: number) => number, make: (i: number) => Pod): Workload['initial'] {
  return (nodes) => Array.from({ length: count(nodes) }, (_, i) => make(i));
}
const none: Workload['initial'] = () => [];
const plain = (i: number): Pod => pod(`initial-${i}`);
const fifth = (nodes: number): number => Math.floor(nodes / 5);
const onePerNode = (nodes: number): number => nodes;
const large = { cpu: '9', memory: '500Mi' };

export const WORKLOADS: readonly Workload[] = [
  {
    name: 'SchedulingBasic',
    target: 20_000,
    node,
    initial: first(fifth, plain),
    measured: (i) => pod(`p-${i}`),
  },
  {
    name: 'NodeAffinity',
    target: 10_000,
    node,
    initial: first(onePerNode, plain),
    measured: (i) => pod(`p-${i}`, {}, zones),
    count: (wanted, nodes) => Math.min(wanted, nodes * 15),
  },
  {
    name: 'TopologySpreading',
    target: 5000,
    node,
    initial: first(onePerNode, plain),
    measured: (i) => pod(`p-${i}`, { color: 'blue' }, spread('DoNotSchedule')),
  },
  {
    name: 'PreferredTopologySpreading',
    target: 5000,
    node,
    initial: first(onePerNode, plain),
    measured: (i) => pod(`p-${i}`, { color: 'blue' }, spread('ScheduleAnyway')),
  },
  {
    name: 'PodAntiAffinity',
    target: 5000,
    node,
    initial: first(fifth, (i) => pod(`initial-${i}`, { color: 'green' }, antiAffinity)),
    measured: (i) => pod(`p-${i}`, { color: 'green' }, antiAffinity),
    count: (wanted, nodes) => Math.min(wanted, Math.floor(nodes * 0.7)),
  },
  {
    name: 'PodAffinity',
    target: 3000,
    node,
    initial: first(onePerNode, (i) => pod(`initial-${i}`, { color: 'blue' }, affinity)),
    measured: (i) => pod(`p-${i}`, { color: 'blue' }, affinity),
    // All of them go to the zone of the first, which is a third of the nodes.
    count: (wanted, nodes) => Math.min(wanted, nodes * 10),
  },
  {
    name: 'PreferredPodAffinity',
    target: 3000,
    node,
    initial: first(onePerNode, (i) => pod(`initial-${i}`, { color: 'red' }, preferredAffinity)),
    measured: (i) => pod(`p-${i}`, { color: 'red' }, preferredAffinity),
  },
  {
    name: 'PreferredPodAntiAffinity',
    target: 3000,
    node,
    initial: first(onePerNode, (i) => pod(`initial-${i}`, { color: 'red' }, preferredAnti)),
    measured: (i) => pod(`p-${i}`, { color: 'red' }, preferredAnti),
  },
  {
    // While nodes, services and large pods of high priority come and go.
    name: 'MixedChurn',
    target: 7000,
    node,
    initial: none,
    measured: (i) => pod(`p-${i}`),
    during(cluster, i) {
      if (i % 1000 === 0) churn(cluster, i / 1000);
    },
  },
  {
    // Four pods of low priority fill each node; those measured need the room of three.
    name: 'PreemptionAsync',
    target: 3000,
    node,
    initial: first(
      (nodes) => nodes * 4,
      (i) => ({
        ...pod(`low-${i}`, {}, {}, { cpu: '900m', memory: '500Mi' }),
        status: { phase: 'Running', startTime: '2026-01-01T00:00:00Z' },
      }),
    ),
    measured: (i) => pod(`p-${i}`, {}, { priority: 10 }, { cpu: '3', memory: '500Mi' }),
    count: (wanted, nodes) => Math.min(wanted, nodes),
  },
  {
    // While pods wait that fit nowhere, one for each ten measured.
    name: 'Unschedulable',
    target: 10_000,
    node,
    initial: first((nodes) => Math.ceil(nodes / 25), plain),
    measured: (i) => pod(`p-${i}`),
    before(cluster) {
      for (let i = 0; i < 200; i++) cluster.createPod(pod(`large-${i}`, {}, { priority: 1 }, large));
    },
    during(cluster, i) {
      if (i % 10 === 0) cluster.createPod(pod(`later-${i}`, {}, { priority: 1 }, large));
    },
  },
  {
    name: 'UnschedulableOnly',
    target: 10_000,
    node,
    initial: first(fifth, plain),
    measured: (i) => pod(`p-${i}`, {}, { nodeSelector: { nowhere: 'to be found' } }),
    isRefused: true,
  },
  {
    name: 'Daemonset',
    target: 10_000,
    node,
    initial: none,
    measured: (i, nodes) => pod(`p-${i}`, {}, onNode(i % nodes)),
  },
  {
    // While as many pods wait at their gates.
    name: 'Gated',
    target: 10_000,
    node,
    initial: first(fifth, plain),
    measured: (i) => pod(`p-${i}`),
    before(cluster) {
      for (let i = 0; i < 10_000; i++)
        cluster.createPod(pod(`gated-${i}`, {}, { schedulingGates: [{ name: 'example.com/wait' }] }));
    },
  },
];

/** One thing comes at a time, and goes the next time but two. */
function churn(cluster: MemoryCluster, turn: number): void {
  const round = Math.floor(turn / 6);
  const large = `bench/large-${round}`;
  switch (turn % 6) {
    case 0:
      cluster.addNode(node(1_000_000 + round));
      break;
    case 1:
      cluster.createPod(pod(`large-${round}`, {}, { priority: 1000 }, { cpu: '9', memory: '500Mi' }));
      break;
    case 2:
      cluster.objects.services.put({
        metadata: { namespace: 'bench', name: 'service' },
        spec: { selector: { app: 'other' } },
      });
      break;
    case 3:
      cluster.removeNode(`node-${1_000_000 + round}`);
      break;
    case 4:
      cluster.deletePod(large);
      break;
    default:
      cluster.objects.services.remove('bench/service');
  }
}
