import type { Node, Pod } from '../../api/types.ts';
import { node, pod } from '../testing/objects.ts';
import { testCluster } from '../testing/cluster.ts';
import { findRemedies } from './remedies.ts';

const tainted = (name: string): Node =>
  node(name, { spec: { taints: [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }] } });
const cordoned = (name: string): Node =>
  node(name, {
    spec: {
      unschedulable: true,
      taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }],
    },
  });
const asking = (cpu: string, spec: Partial<Pod['spec']> = {}): Pod => pod('p', { requests: { cpu }, spec });
const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } };

async function remedies(
  wanted: Pod,
  nodes: readonly Node[],
  placed: readonly (readonly [Pod, string])[] = [],
): Promise<readonly string[]> {
  const cluster = testCluster({ nodes, placed });
  const found = await findRemedies(wanted, cluster.handle.cache.nodes(), cluster.profile);
  return found.map((r) => `${r.steps.join('; ')} (${r.nodes}, ${r.example})`);
}

test.each<[string, Pod, readonly Node[], readonly string[]]>([
  [
    'a smaller request, by what is free on the roomiest node',
    asking('6'),
    [node('n1'), node('n2', { allocatable: { cpu: '5' } })],
    ['Request 5 cpu or less instead of 6 (container c) (1, n2)'],
  ],
  [
    'a toleration',
    asking('1'),
    [tainted('n1'), tainted('n2')],
    ['Tolerate the taint dedicated=db:NoSchedule, or remove it from the node (2, n1)'],
  ],
  ['an uncordoned node', asking('1'), [cordoned('n1')], ['Uncordon node n1 (1, n1)']],
  [
    'two things at once, where one is not enough',
    asking('6'),
    [tainted('n1')],
    [
      'Tolerate the taint dedicated=db:NoSchedule, or remove it from the node; Request 4 cpu or less instead of 6 (container c) (1, n1)',
    ],
  ],
  [
    'one thing only, where it is enough',
    asking('6'),
    [tainted('n1'), node('n2')],
    ['Request 4 cpu or less instead of 6 (container c) (1, n2)'],
  ],
  [
    'a label that no node has',
    asking('1', { nodeSelector: { disk: 'nvme' } }),
    [node('n1', { labels: { disk: 'ssd' } })],
    ['Drop disk=nvme from the nodeSelector, or label a node so (1, n1)'],
  ],
  [
    'gates, and what else there is',
    asking('1', { schedulingGates: [{ name: 'g' }] }),
    [node('n1')],
    ['Remove the scheduling gates g (1, n1)'],
  ],
  [
    'nothing for a node that is not well',
    asking('1'),
    [node('n1', { spec: { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] } })],
    [],
  ],
  [
    'nothing where a claim is missing',
    asking('1', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'none' } }] }),
    [node('n1')],
    [],
  ],
])('S8: %s', async (_name, wanted, nodes, expected) => {
  expect(await remedies(wanted, nodes)).toEqual(expected);
});

test('S8: a full cluster: one more node of the kind', async () => {
  const full = pod('full', { requests: { cpu: '4' } });
  expect(await remedies(asking('2'), [node('n1')], [[full, 'n1']])).toEqual([
    'Add a node like n1, or free one of its kind (1, n1)',
  ]);
});

test.each<[string, Partial<Pod['spec']>, string]>([
  [
    'anti-affinity',
    { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } },
    'Make the required pod anti-affinity a preferred one (1, n1)',
  ],
  [
    'spread',
    {
      topologySpreadConstraints: [{ ...term, maxSkew: 1, minDomains: 2, whenUnsatisfiable: 'DoNotSchedule' }],
    },
    'Let the spread over kubernetes.io/hostname be ScheduleAnyway instead of DoNotSchedule (1, n1)',
  ],
])('S8: %s made soft', async (_name, spec, expected) => {
  const web = pod('web', { metadata: { labels: { app: 'web' } } });
  const wanted = { ...asking('1', spec), metadata: { ...pod('p').metadata, labels: { app: 'web' } } };
  expect(await remedies(wanted, [node('n1')], [[web, 'n1']])).toEqual([expected]);
});

test('S8: what is proposed is true: the changed pod passes, and the cluster is as it was', async () => {
  const cluster = testCluster({ nodes: [cordoned('n1'), tainted('n2')] });
  const before = cluster.refusal(asking('1'), 'n1');
  await findRemedies(asking('1'), cluster.handle.cache.nodes(), cluster.profile);
  expect(cluster.refusal(asking('1'), 'n1')).toBe(before);
  const tolerations = [{ key: 'dedicated', operator: 'Equal', value: 'db', effect: 'NoSchedule' }];
  expect(cluster.feasible(asking('1', { tolerations }))).toEqual(['n2']);
});
