import type { Affinity, Pod } from '../../api/types.ts';
import { CycleState } from '../framework/cycle_state.ts';
import { findFeasible } from '../schedule_pod.ts';
import { testCluster } from '../testing/cluster.ts';
import { node, pod } from '../testing/objects.ts';

const ZONE = 'zone';
const web = { matchLabels: { app: 'web' } };
const inZone = { topologyKey: ZONE, labelSelector: web };
const required = (...terms: object[]): object => ({ requiredDuringSchedulingIgnoredDuringExecution: terms });
const preferred = (weight: number, podAffinityTerm: object): object => ({
  preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }],
});
const labelled = (
  name: string,
  labels: Record<string, string>,
  affinity?: Affinity,
  namespace = 'default',
): Pod =>
  pod(name, { metadata: { labels, namespace }, ...(affinity === undefined ? {} : { spec: { affinity } }) });

// a1 and a2 in zone a, b1 in zone b, x without zone
const nodes = [
  node('a1', { labels: { [ZONE]: 'a' } }),
  node('a2', { labels: { [ZONE]: 'a' } }),
  node('b1', { labels: { [ZONE]: 'b' } }),
  node('x'),
];
const namespaces = [
  { metadata: { name: 'default', labels: { team: 'd' } } },
  { metadata: { name: 'other', labels: { team: 'o' } } },
];
const NO_AFFINITY = "node(s) didn't match pod affinity rules";
const NO_ANTI = "node(s) didn't match pod anti-affinity rules";
const UNWANTED = "node(s) didn't satisfy existing pods anti-affinity rules";

describe('S4: required terms', () => {
  const placed = [[labelled('web', { app: 'web', v: '1' }), 'a1']] as const;
  test.each<{
    name: string;
    affinity: object;
    labels?: Record<string, string>;
    want: string[];
    why?: [string, string];
  }>([
    {
      name: 'affinity: the domain of the match',
      affinity: { podAffinity: required(inZone) },
      want: ['a1', 'a2'],
      why: ['b1', NO_AFFINITY],
    },
    {
      name: 'affinity: nodes without the key are out',
      affinity: { podAffinity: required(inZone) },
      want: ['a1', 'a2'],
      why: ['x', NO_AFFINITY],
    },
    {
      name: 'anti-affinity: nodes without the key are in',
      affinity: { podAntiAffinity: required(inZone) },
      want: ['b1', 'x'],
      why: ['a2', NO_ANTI],
    },
    {
      name: 'several affinity terms: one pod must match all',
      affinity: {
        podAffinity: required(inZone, { topologyKey: ZONE, labelSelector: { matchLabels: { tier: 'x' } } }),
      },
      want: [],
      why: ['a1', NO_AFFINITY],
    },
    {
      name: 'another namespace, by name',
      affinity: { podAffinity: required({ ...inZone, namespaces: ['other'] }) },
      want: [],
      why: ['a1', NO_AFFINITY],
    },
    {
      name: 'namespaces by label',
      affinity: {
        podAntiAffinity: required({ ...inZone, namespaceSelector: { matchLabels: { team: 'd' } } }),
      },
      want: ['b1', 'x'],
    },
    {
      name: 'all namespaces',
      affinity: { podAntiAffinity: required({ ...inZone, namespaceSelector: {} }) },
      want: ['b1', 'x'],
    },
    {
      name: 'the first of a group that wants to be together',
      affinity: {
        podAffinity: required({ topologyKey: ZONE, labelSelector: { matchLabels: { app: 'new' } } }),
      },
      labels: { app: 'new' },
      want: ['a1', 'a2', 'b1'],
      why: ['x', NO_AFFINITY],
    },
    {
      name: 'nobody to be with, and not of the group',
      affinity: {
        podAffinity: required({ topologyKey: ZONE, labelSelector: { matchLabels: { app: 'new' } } }),
      },
      labels: { app: 'old' },
      want: [],
      why: ['a1', NO_AFFINITY],
    },
    {
      name: 'no selector matches nothing',
      affinity: { podAntiAffinity: required({ topologyKey: ZONE }) },
      want: ['a1', 'a2', 'b1', 'x'],
    },
    {
      name: 'matchLabelKeys narrow to the own value',
      affinity: { podAntiAffinity: required({ ...inZone, matchLabelKeys: ['v'] }) },
      labels: { v: '2' },
      want: ['a1', 'a2', 'b1', 'x'],
    },
    {
      name: 'mismatchLabelKeys leave out the own value',
      affinity: { podAntiAffinity: required({ ...inZone, mismatchLabelKeys: ['v'] }) },
      labels: { v: '1' },
      want: ['a1', 'a2', 'b1', 'x'],
    },
  ])('$name', ({ affinity, labels = {}, want, why }) => {
    const cluster = testCluster({ nodes, namespaces, placed });
    const p = labelled('p', labels, affinity);
    expect(cluster.feasible(p)).toEqual(want);
    if (why !== undefined) expect(cluster.refusal(p, why[0])).toBe(why[1]);
  });
});

describe('S4: what placed pods do not want beside them', () => {
  const shy = labelled('shy', {}, { podAntiAffinity: required(inZone) });

  test('keeps a match out of their domain', () => {
    const cluster = testCluster({ nodes, namespaces, placed: [[shy, 'a1']] });
    const p = labelled('p', { app: 'web' });
    expect(cluster.feasible(p)).toEqual(['b1', 'x']);
    expect(cluster.refusal(p, 'a2')).toBe(UNWANTED);
    expect(cluster.feasible(labelled('q', { app: 'db' }))).toHaveLength(4);
    expect(cluster.feasible(labelled('r', { app: 'web' }, undefined, 'other'))).toHaveLength(4);
  });

  test('ends when they go, when they change and when their node goes', () => {
    const cluster = testCluster({ nodes, namespaces, placed: [[shy, 'a1']] });
    const { cache } = cluster.handle;
    const p = labelled('p', { app: 'web' });
    cache.removeNode('a1');
    expect(cluster.feasible(p)).toEqual(['a2', 'b1', 'x']);
    cache.setNode(node('a1', { labels: { [ZONE]: 'b' } })); // back, elsewhere
    expect(cluster.feasible(p)).toEqual(['a2', 'x']);
    cache.setNode(node('a1', { labels: { [ZONE]: 'a' } }));
    expect(cluster.feasible(p)).toEqual(['b1', 'x']);
    cache.removePod(shy);
    expect(cluster.feasible(p)).toHaveLength(4);
  });
});

test('S4: trying out without a pod and with it again leaves all as it was', () => {
  const shy = labelled('shy', { app: 'web' }, { podAntiAffinity: required(inZone) });
  const cluster = testCluster({ nodes, namespaces, placed: [[shy, 'a1']] });
  const { cache } = cluster.handle;
  const p = labelled('p', { app: 'web' }, { podAntiAffinity: required(inZone) });
  const plugin = cluster.profile.preFilter.find((x) => x.name === 'InterPodAffinity');
  const filter = cluster.profile.filter.find((x) => x.name === 'InterPodAffinity');
  const state = new CycleState();
  findFeasible(p, cache.nodes(), cluster.profile, state);
  const a2 = cache.node('a2');
  const a1 = cache.node('a1');
  if (plugin === undefined || filter === undefined || a1 === undefined || a2 === undefined)
    throw new Error('set up wrongly');
  const code = (): string | undefined => filter.filter(state, p, a2)?.code;
  expect(code()).toBe('Unschedulable');
  plugin.removePod?.(state, p, shy, a1);
  expect(code()).toBeUndefined();
  plugin.addPod?.(state, p, shy, a1);
  expect(code()).toBe('Unschedulable');
});

describe('S4: preferences', () => {
  const two = nodes.slice(0, 3);
  test.each<{ name: string; affinity?: object; existing: Affinity | undefined; want: object; hard?: number }>(
    [
      {
        name: 'own affinity',
        affinity: { podAffinity: preferred(10, inZone) },
        existing: undefined,
        want: { a1: 200, a2: 200, b1: 0 },
      },
      {
        name: 'own anti-affinity',
        affinity: { podAntiAffinity: preferred(10, inZone) },
        existing: undefined,
        want: { a1: 0, a2: 0, b1: 200 },
      },
      {
        name: 'of a placed pod',
        existing: { podAffinity: preferred(10, inZone) },
        want: { a1: 200, a2: 200, b1: 0 },
      },
      {
        name: 'required affinity of a placed pod',
        existing: { podAffinity: required(inZone) },
        want: { a1: 200, a2: 200, b1: 0 },
      },
      {
        name: 'the same, weighed with nothing',
        existing: { podAffinity: required(inZone) },
        hard: 0,
        want: { a1: Number.NaN, a2: Number.NaN, b1: Number.NaN },
      },
    ],
  )('$name', ({ affinity, existing, want, hard = 1 }) => {
    const cluster = testCluster({
      nodes: two,
      namespaces,
      placed: [[labelled('web', { app: 'web' }, existing), 'a1']],
      args: { InterPodAffinity: { hardPodAffinityWeight: hard } },
    });
    expect(cluster.scores(labelled('p', { app: 'web' }, affinity), 'InterPodAffinity')).toEqual(want);
  });
});
