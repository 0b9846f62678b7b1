import type { Node, Pod } from '../api/types.ts';
import { CycleState } from './framework/cycle_state.ts';
import type { FilterPlugin } from './framework/plugin.ts';
import { createProfile } from './framework/profile.ts';
import type { EnabledPlugin } from './framework/plugin.ts';
import { defaultPlugins } from './plugins/registry.ts';
import type { Decision } from './diagnosis.ts';
import { schedulePod } from './schedule_pod.ts';
import { refusedBy, unschedulableMessage } from './diagnosis.ts';
import { node, pod } from './testing/objects.ts';
import { pluginHandle } from './testing/plugin_handle.ts';

function decide(
  subject: Pod,
  nodes: readonly Node[],
  placed: readonly (readonly [Pod, string])[] = [],
  plugins?: readonly EnabledPlugin[],
  random = 0,
): Decision {
  const handle = pluginHandle();
  const { cache } = handle;
  for (const n of nodes) cache.setNode(n);
  for (const [p, nodeName] of placed) cache.addPod({ ...p, spec: { ...p.spec, nodeName } });
  const profile = createProfile('default-scheduler', plugins ?? defaultPlugins(handle));
  return schedulePod(subject, cache.nodes(), profile, new CycleState(), { random: () => random });
}

const taint = (effect: string): NonNullable<Node['spec']> => ({ taints: [{ key: 'k', value: 'v', effect }] });
const hostPort = (port: number, extra: object = {}): Partial<Pod['spec']> => ({
  containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort: port, ...extra }] }],
});
const affinity = (terms: object[]): Partial<Pod['spec']> => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms },
    },
  },
});

describe('S4: the only fitting node is taken', () => {
  test.each<{ name: string; pod: Pod; nodes: Node[]; placed?: [Pod, string][]; want: string }>([
    {
      name: 'CPU',
      pod: pod('p', { requests: { cpu: '2' } }),
      nodes: [node('a', { allocatable: { cpu: '1' } }), node('b')],
      want: 'b',
    },
    {
      name: 'CPU, with pods counted',
      pod: pod('p', { requests: { cpu: '2' } }),
      nodes: [node('a'), node('b')],
      placed: [[pod('x', { requests: { cpu: '2500m' } }), 'a']],
      want: 'b',
    },
    {
      name: 'exactly what is left',
      pod: pod('p', { requests: { cpu: '1500m', memory: '8Gi' } }),
      nodes: [node('a'), node('b', { allocatable: { memory: '8191Mi' } })],
      placed: [[pod('x', { requests: { cpu: '2500m' } }), 'a']],
      want: 'a',
    },
    {
      name: 'extended resource',
      pod: pod('p', { requests: { 'example.com/gpu': '1' } }),
      nodes: [node('a'), node('b', { allocatable: { 'example.com/gpu': '1' } })],
      want: 'b',
    },
    {
      name: 'number of pods',
      pod: pod('p'),
      nodes: [node('a', { allocatable: { pods: '1' } }), node('b')],
      placed: [[pod('x'), 'a']],
      want: 'b',
    },
    {
      name: 'init container larger than the rest',
      pod: pod('p', {
        spec: {
          initContainers: [{ name: 'i', resources: { requests: { cpu: '3' } } }],
          containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }],
        },
      }),
      nodes: [node('a', { allocatable: { cpu: '2' } }), node('b')],
      want: 'b',
    },
    {
      name: 'overhead',
      pod: pod('p', { requests: { cpu: '1' }, spec: { overhead: { cpu: '1' } } }),
      nodes: [node('a', { allocatable: { cpu: '1500m' } }), node('b')],
      want: 'b',
    },
    {
      name: 'NoSchedule taint',
      pod: pod('p'),
      nodes: [node('a', { spec: taint('NoSchedule') }), node('b')],
      want: 'b',
    },
    {
      name: 'NoExecute taint',
      pod: pod('p'),
      nodes: [node('a', { spec: taint('NoExecute') }), node('b')],
      want: 'b',
    },
    {
      name: 'tolerated taint, tighter node',
      pod: pod('p', { spec: { tolerations: [{ key: 'k', operator: 'Exists' }] } }),
      nodes: [node('a', { spec: taint('NoSchedule') }), node('b', { allocatable: { pods: '0' } })],
      want: 'a',
    },
    {
      name: 'cordoned node',
      pod: pod('p'),
      nodes: [node('a', { spec: { unschedulable: true } }), node('b')],
      want: 'b',
    },
    {
      name: 'nodeSelector',
      pod: pod('p', { spec: { nodeSelector: { disk: 'ssd' } } }),
      nodes: [node('a', { labels: { disk: 'hdd' } }), node('b', { labels: { disk: 'ssd' } })],
      want: 'b',
    },
    {
      name: 'required affinity, any of the terms',
      pod: pod('p', {
        spec: affinity([
          { matchExpressions: [{ key: 'zone', operator: 'In', values: ['x'] }] },
          { matchExpressions: [{ key: 'cores', operator: 'Gt', values: ['8'] }] },
        ]),
      }),
      nodes: [node('a', { labels: { cores: '8' } }), node('b', { labels: { cores: '9' } })],
      want: 'b',
    },
    {
      name: 'affinity to a node by name (DaemonSet)',
      pod: pod('p', {
        spec: affinity([{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }]),
      }),
      nodes: [node('a'), node('b')],
      want: 'b',
    },
    {
      name: 'host port taken',
      pod: pod('p', { spec: hostPort(8080) }),
      nodes: [node('a'), node('b')],
      placed: [[pod('x', { spec: hostPort(8080) }), 'a']],
      want: 'b',
    },
    {
      name: 'host port taken on one address, asked for on all',
      pod: pod('p', { spec: hostPort(8080) }),
      nodes: [node('a'), node('b')],
      placed: [[pod('x', { spec: hostPort(8080, { hostIP: '10.0.0.1' }) }), 'a']],
      want: 'b',
    },
  ])('$name', ({ pod: subject, nodes, placed = [], want }) => {
    expect(decide(subject, nodes, placed)).toMatchObject({ kind: 'node', node: want });
  });
});

describe('S4: what does not collide', () => {
  test.each([
    ['another port', hostPort(8081)],
    ['another protocol', hostPort(8080, { protocol: 'UDP' })],
    ['another address', hostPort(8080, { hostIP: '10.0.0.2' })],
  ])('%s', (_name, spec) => {
    const taken = pod('x', { spec: hostPort(8080, { hostIP: '10.0.0.1' }) });
    const other = decide(pod('p', { spec }), [node('a')], [[taken, 'a']]);
    expect(other).toMatchObject({ kind: 'node', node: 'a' });
  });
});

describe('S4: the better node is taken', () => {
  test.each<{ name: string; pod: Pod; nodes: Node[]; placed?: [Pod, string][]; want: string }>([
    {
      name: 'the less allocated one',
      pod: pod('p', { requests: { cpu: '100m', memory: '100Mi' } }),
      nodes: [node('a'), node('b')],
      placed: [[pod('x', { requests: { cpu: '1', memory: '2Gi' } }), 'a']],
      want: 'b',
    },
    {
      name: 'the one with fewer pods that request nothing',
      pod: pod('p'),
      nodes: [node('a'), node('b')],
      placed: [[pod('x'), 'a']],
      want: 'b',
    },
    {
      name: 'the one without a PreferNoSchedule taint',
      pod: pod('p'),
      nodes: [node('a', { spec: taint('PreferNoSchedule') }), node('b')],
      placed: [[pod('x'), 'b']],
      want: 'b',
    },
    {
      name: 'the one of preferred affinity, though fuller',
      pod: pod('p', {
        spec: {
          affinity: {
            nodeAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [
                {
                  weight: 1,
                  preference: { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] },
                },
              ],
            },
          },
        },
      }),
      nodes: [node('a'), node('b', { labels: { disk: 'ssd' } })],
      placed: [[pod('x', { requests: { cpu: '1' } }), 'b']],
      want: 'b',
    },
    {
      name: 'the one that has the image',
      pod: pod('p', { spec: { containers: [{ name: 'c', image: 'big:1' }] } }),
      nodes: [node('a'), node('b', { images: [{ names: ['big:1'], sizeBytes: 2e9 }] })],
      want: 'b',
    },
  ])('$name', ({ pod: subject, nodes, placed = [], want }) => {
    // Whatever the choice among equals: the better one is not a matter of chance.
    for (const random of [0, 0.999])
      expect(decide(subject, nodes, placed, undefined, random)).toMatchObject({ node: want });
  });
});

test('S4: equal nodes are chosen by chance', () => {
  const nodes = [node('a'), node('b')];
  const chosen = [0, 0.999].map((random) => decide(pod('p'), nodes, [], undefined, random));
  expect(chosen.map((d) => (d.kind === 'node' ? d.node : ''))).toEqual(['a', 'b']);
});

describe('S4: messages of refusals', () => {
  test.each<{ name: string; pod: Pod; nodes: Node[]; placed?: [Pod, string][]; want: string; by: string[] }>([
    { name: 'no nodes', pod: pod('p'), nodes: [], want: 'no nodes available to schedule pods', by: [] },
    {
      name: 'several reasons, counted and sorted',
      pod: pod('p', { requests: { cpu: '3', memory: '9Gi' } }),
      nodes: [node('a'), node('b', { spec: taint('NoSchedule') }), node('c', { allocatable: { cpu: '2' } })],
      want: '0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), 2 Insufficient memory.',
      by: ['NodeResourcesFit', 'TaintToleration'],
    },
    {
      name: 'too many pods',
      pod: pod('p'),
      nodes: [node('a', { allocatable: { pods: '0' } })],
      want: '0/1 nodes are available: 1 Too many pods.',
      by: ['NodeResourcesFit'],
    },
    {
      name: 'selector',
      pod: pod('p', { spec: { nodeSelector: { a: 'b' } } }),
      nodes: [node('a'), node('b')],
      want: "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
      by: ['NodeAffinity'],
    },
    {
      name: 'affinity to a node that is not there',
      pod: pod('p', {
        spec: affinity([{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['gone'] }] }]),
      }),
      nodes: [node('a')],
      want: "0/1 nodes are available: 1 node(s) didn't satisfy plugin(s) [NodeAffinity].",
      by: ['NodeAffinity'],
    },
    {
      name: 'affinity that contradicts itself',
      pod: pod('p', {
        spec: affinity([
          {
            matchFields: [
              { key: 'metadata.name', operator: 'In', values: ['a'] },
              { key: 'metadata.name', operator: 'In', values: ['b'] },
            ],
          },
        ]),
      }),
      nodes: [node('a'), node('b')],
      want: '0/2 nodes are available: pod affinity terms conflict.',
      by: ['NodeAffinity'],
    },
    {
      name: 'ports',
      pod: pod('p', { spec: hostPort(80) }),
      nodes: [node('a')],
      placed: [[pod('x', { spec: hostPort(80) }), 'a']],
      want: "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
      by: ['NodePorts'],
    },
    {
      name: 'cordoned',
      pod: pod('p'),
      nodes: [node('a', { spec: { unschedulable: true } })],
      want: '0/1 nodes are available: 1 node(s) were unschedulable.',
      by: ['NodeUnschedulable'],
    },
  ])('$name', ({ pod: subject, nodes, placed = [], want, by }) => {
    const decision = decide(subject, nodes, placed);
    expect(decision.kind).toBe('unschedulable');
    expect(unschedulableMessage(decision.diagnosis)).toBe(want);
    expect([...refusedBy(decision.diagnosis)].sort()).toEqual(by);
  });
});

test('S4: a plugin that throws fails the pod with an error that names it', () => {
  const broken: FilterPlugin = {
    name: 'Broken',
    filter() {
      throw new Error('boom');
    },
  };
  const decision = decide(
    pod('p'),
    [node('a')],
    [],
    [...defaultPlugins(pluginHandle()), { plugin: broken, weight: 0 }],
  );
  expect(decision).toMatchObject({
    kind: 'error',
    status: { plugin: 'Broken', reasons: ['running Filter plugin "Broken" failed'] },
  });
});
