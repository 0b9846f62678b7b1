import { nodeResourcesFit } from './node_resources_fit.ts';
import { node, pod } from '../testing/objects.ts';
import { testCluster } from '../testing/cluster.ts';

const GPU = 'example.com/gpu';
const nodes = [node('with', { allocatable: { [GPU]: '4' } }), node('without')];

describe('S4: scores of extended resources', () => {
  const resources = [
    { name: 'cpu', weight: 1 },
    { name: GPU, weight: 3 },
  ];
  const cluster = testCluster({
    nodes,
    placed: [[pod('other', { requests: { cpu: '1', [GPU]: '2' } }), 'with']],
    args: { NodeResourcesFit: { scoringStrategy: { type: 'MostAllocated', resources } } },
  });

  test('count where the pod requests them', () => {
    const wanted = pod('p', { requests: { cpu: '1', [GPU]: '1' } });
    expect(cluster.refusal(wanted, 'without')).toBe(`Insufficient ${GPU}`);
    const two = testCluster({ nodes: [...nodes, node('empty', { allocatable: { [GPU]: '4' } })] });
    expect(two.feasible(wanted)).toEqual(['empty', 'with']);
  });

  test('count for nothing where it does not, be it that the node is full of them', () => {
    expect(cluster.scores(pod('p', { requests: { cpu: '1' } }), 'NodeResourcesFit')).toEqual({
      with: 50,
      without: 25,
    });
  });
});

test('S4: balance of resources that the pod does not request is not looked at', () => {
  const args = { NodeResourcesBalancedAllocation: { resources: [{ name: 'cpu' }, { name: GPU }] } };
  const cluster = testCluster({
    nodes,
    placed: [[pod('other', { requests: { [GPU]: '4' } }), 'with']],
    args,
  });
  const scores = (requests: Readonly<Record<string, string>>) =>
    cluster.scores(pod('p', { requests }), 'NodeResourcesBalancedAllocation');
  expect(scores({ cpu: '2' })).toEqual({ with: 75, without: 75 });
  expect(scores({ memory: '1Gi' })).toEqual({ with: Number.NaN, without: Number.NaN });
});

test('S5: a placed pod that changes helps only where it gives something up: one on its way out keeps all until it is gone', () => {
  const hints = new Map(
    nodeResourcesFit()
      .eventsToRegister()
      .map((e) => (typeof e === 'string' ? [e, undefined] : [e.event, e.hint])),
  );
  const hint = hints.get('AssignedPodUpdate');
  const old = pod('other', { requests: { cpu: '2' } });
  const resized = { ...old, spec: pod('other', { requests: { cpu: '1' } }).spec };
  const leaving = { ...old, metadata: { ...old.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
  expect(hint?.(pod('p'), { old, new: resized })).toBe(true);
  expect(hint?.(pod('p'), { old: resized, new: old })).toBe(false);
  expect(hint?.(pod('p'), { old, new: leaving })).toBe(false);
});
