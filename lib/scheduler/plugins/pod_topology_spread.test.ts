import type { Node, Pod } from '../../api/types.ts';
import { testCluster } from '../testing/cluster.ts';
import { node, pod } from '../testing/objects.ts';
import type { SpreadConstraint } from './topology_spread_constraints.ts';

const app = (value: string): { matchLabels: { app: string } } => ({ matchLabels: { app: value } });
const zone = (extra: Partial<SpreadConstraint> = {}): SpreadConstraint => ({
  topologyKey: 'zone',
  maxSkew: 1,
  whenUnsatisfiable: 'DoNotSchedule',
  labelSelector: app('web'),
  ...extra,
});
const web = (name: string, constraints: readonly SpreadConstraint[] = [], extra: object = {}): Pod =>
  pod(name, {
    metadata: { labels: { app: 'web' }, ...extra },
    ...(constraints.length > 0 ? { spec: { topologySpreadConstraints: constraints } } : {}),
  });
const inZone = (name: string, value: string, spec?: Node['spec']): Node =>
  node(name, { labels: { zone: value }, ...(spec === undefined ? {} : { spec }) });

const SKEW = "node(s) didn't match pod topology spread constraints";
const MISSING = `${SKEW} (missing required label)`;
// Two pods in zone a, none in b.
const nodes = [inZone('a1', 'a'), inZone('a2', 'a'), inZone('b1', 'b'), node('x')];
const placed: (readonly [Pod, string])[] = [
  [web('p1'), 'a1'],
  [web('p2'), 'a2'],
];

describe('S4: DoNotSchedule', () => {
  test.each<{
    name: string;
    subject: Pod;
    nodes?: Node[];
    placed?: (readonly [Pod, string])[];
    want: string[];
    why?: [string, string];
  }>([
    { name: 'only the emptier domain', subject: web('p', [zone()]), want: ['b1'], why: ['a1', SKEW] },
    { name: 'nodes without the label', subject: web('p', [zone()]), want: ['b1'], why: ['x', MISSING] },
    { name: 'a larger skew', subject: web('p', [zone({ maxSkew: 3 })]), want: ['a1', 'a2', 'b1'] },
    {
      name: 'pods that it does not match itself',
      subject: web('p', [zone({ labelSelector: app('db') })]),
      want: ['a1', 'a2', 'b1'],
    },
    {
      name: 'pods of other namespaces do not count',
      subject: web('p', [zone()], { namespace: 'other' }),
      want: ['a1', 'a2', 'b1'],
    },
    {
      name: 'pods on their way out do not count',
      subject: web('p', [zone()]),
      placed: [[web('p1', [], { deletionTimestamp: '2026-01-01T00:00:00Z' }), 'a1']],
      want: ['a1', 'a2', 'b1'],
    },
    {
      name: 'fewer domains than wanted: the emptiest counts as empty',
      subject: web('p', [zone({ minDomains: 3, maxSkew: 2 })]),
      placed: [
        [web('p1'), 'a1'],
        [web('p2'), 'a2'],
        [web('p3'), 'b1'],
      ],
      want: ['b1'],
    },
    {
      name: 'enough domains',
      subject: web('p', [zone({ minDomains: 2, maxSkew: 2 })]),
      placed: [
        [web('p1'), 'a1'],
        [web('p2'), 'a2'],
        [web('p3'), 'b1'],
      ],
      want: ['a1', 'a2', 'b1'],
    },
    {
      name: 'matchLabelKeys count the own revision',
      subject: web('p', [zone({ matchLabelKeys: ['rev'] })], { labels: { app: 'web', rev: '2' } }),
      want: ['a1', 'a2', 'b1'],
    },
    {
      name: 'an empty selector counts no placed pod',
      subject: web('p', [zone({ labelSelector: {} })]),
      want: ['a1', 'a2', 'b1'],
    },
    {
      name: 'two constraints',
      subject: web('p', [zone(), { ...zone(), topologyKey: 'kubernetes.io/hostname' }]),
      want: ['b1'],
    },
  ])('$name', ({ subject, nodes: own = nodes, placed: there = placed, want, why }) => {
    const cluster = testCluster({ nodes: own, placed: there });
    expect(cluster.feasible(subject)).toEqual(want);
    if (why !== undefined) expect(cluster.refusal(subject, why[0])).toBe(why[1]);
  });

  test.each<[string, Partial<SpreadConstraint>, string[]]>([
    // Zone c has one node, empty, which the pod cannot use.
    ['tainted nodes take part by default', {}, []],
    ['unless taints are honoured', { nodeTaintsPolicy: 'Honor' }, ['b1']],
  ])('%s', (_name, extra, want) => {
    const tainted = inZone('c1', 'c', { taints: [{ key: 'k', effect: 'NoSchedule' }] });
    const cluster = testCluster({
      nodes: [inZone('a1', 'a'), inZone('b1', 'b'), tainted],
      placed: [...placed.slice(0, 1), [web('p2'), 'b1'], [web('p3'), 'a1']],
    });
    expect(cluster.feasible(web('p', [zone(extra)]))).toEqual(want);
  });

  test.each<[string, Partial<SpreadConstraint>, string[]]>([
    ['nodes that the node selector leaves out take no part by default', {}, ['a1']],
    ['unless node affinity is ignored', { nodeAffinityPolicy: 'Ignore' }, []],
  ])('%s', (_name, extra, want) => {
    const cluster = testCluster({
      nodes: [node('a1', { labels: { zone: 'a', disk: 'ssd' } }), inZone('b1', 'b')],
      placed: [[web('p1'), 'a1']],
    });
    const p = web('p', [zone(extra)]);
    expect(cluster.feasible({ ...p, spec: { ...p.spec, nodeSelector: { disk: 'ssd' } } })).toEqual(want);
  });
});

describe('S4: ScheduleAnyway', () => {
  const soft = zone({ whenUnsatisfiable: 'ScheduleAnyway' });

  test('the emptier domain scores higher; a node without the label gets nothing', () => {
    const cluster = testCluster({ nodes, placed });
    const scores = cluster.scores(web('p', [soft]), 'PodTopologySpread');
    expect(scores).toEqual({ a1: 0, a2: 0, b1: 200, x: 0 });
  });

  test('hosts are counted one by one', () => {
    const cluster = testCluster({ nodes: nodes.slice(0, 2), placed: placed.slice(0, 1) });
    const scores = cluster.scores(
      web('p', [{ ...soft, topologyKey: 'kubernetes.io/hostname' }]),
      'PodTopologySpread',
    );
    expect(scores).toEqual({ a1: 0, a2: 200 });
  });

  test('by default, pods of one service spread over hosts', () => {
    const cluster = testCluster({ nodes: nodes.slice(0, 2), placed: placed.slice(0, 1) });
    expect(cluster.scores(web('p'), 'PodTopologySpread')).toEqual({ a1: Number.NaN, a2: Number.NaN });
    cluster.handle.objects.services.put({
      metadata: { namespace: 'default', name: 's' },
      spec: { selector: { app: 'web' } },
    });
    const { a1 = 0, a2 = 0 } = cluster.scores(web('q'), 'PodTopologySpread');
    expect(a2).toBeGreaterThan(a1);
  });

  test('defaults from the configuration are kept like those of the pod', () => {
    const cluster = testCluster({
      nodes,
      placed,
      args: {
        PodTopologySpread: {
          defaultingType: 'List',
          defaultConstraints: [{ topologyKey: 'zone', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }],
        },
      },
    });
    cluster.handle.objects.services.put({
      metadata: { namespace: 'default', name: 's' },
      spec: { selector: { app: 'web' } },
    });
    expect(cluster.feasible(web('p'))).toEqual(['b1']);
  });
});
