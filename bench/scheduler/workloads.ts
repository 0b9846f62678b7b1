/** Workloads of upstream's scheduler_perf by name: which nodes there are, which pods run, and which are to be placed. */
import type { Node, Pod, PodSpec } from '../../lib/api/types.ts';

export interface Workload {
  readonly name: string;
  /** Pods per second on one core that issue 7 asks for, at 5,000 nodes. */
  readonly target: number;
  readonly node: (i: number) => Node;
  /** Placed before the measurement. */
  readonly initial: (i: number) => Pod;
  readonly measured: (i: number) => Pod;
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

function pod(name: string, labels: Readonly<Record<string, string>>, spec: Partial<PodSpec> = {}): Pod {
  const resources = { requests: { cpu: '100m', memory: '500Mi' } };
  return {
    metadata: { namespace: 'bench', name, uid: name, labels },
    spec: { containers: [{ name: 'pause', image: 'pause', resources }], ...spec },
  };
}

const term = (color: string, topologyKey: string) => ({
  topologyKey,
  labelSelector: { matchLabels: { color } },
});
const plain = (i: number): Pod => pod(`initial-${i}`, {});

export const WORKLOADS: readonly Workload[] = [
  { name: 'SchedulingBasic', target: 20_000, node, initial: plain, measured: (i) => pod(`p-${i}`, {}) },
  {
    name: 'NodeAffinity',
    target: 10_000,
    node,
    initial: plain,
    measured: (i) =>
      pod(
        `p-${i}`,
        {},
        {
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [
                  { matchExpressions: [{ key: ZONE, operator: 'In', values: ['zone-1', 'zone-2'] }] },
                ],
              },
            },
          },
        },
      ),
  },
  {
    name: 'TopologySpreading',
    target: 5000,
    node,
    initial: plain,
    measured: (i) =>
      pod(
        `p-${i}`,
        { color: 'blue' },
        {
          topologySpreadConstraints: [
            { maxSkew: 5, whenUnsatisfiable: 'DoNotSchedule', ...term('blue', ZONE) },
          ],
        },
      ),
  },
  {
    name: 'PodAntiAffinity',
    target: 5000,
    node,
    initial: plain,
    measured: (i) =>
      pod(
        `p-${i}`,
        { color: 'green' },
        {
          affinity: {
            podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term('green', HOST)] },
          },
        },
      ),
  },
  {
    name: 'PodAffinity',
    target: 3000,
    node,
    initial: (i) => pod(`initial-${i}`, { color: 'blue' }),
    measured: (i) =>
      pod(
        `p-${i}`,
        { color: 'blue' },
        {
          affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term('blue', ZONE)] } },
        },
      ),
  },
  {
    name: 'PreferredPodAntiAffinity',
    target: 3000,
    node,
    initial: plain,
    measured: (i) =>
      pod(
        `p-${i}`,
        { color: 'red' },
        {
          affinity: {
            podAntiAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [
                { weight: 1, podAffinityTerm: term('red', HOST) },
              ],
            },
          },
        },
      ),
  },
  {
    name: 'Unschedulable',
    target: 10_000,
    node,
    initial: plain,
    measured: (i) => pod(`p-${i}`, {}, { nodeSelector: { nowhere: 'to be found' } }),
  },
];
