import type { PodSpec } from '../../api/types.ts';
import { nodeEvents } from '../cluster_events.ts';
import { unschedulableMessage } from '../diagnosis.ts';
import { implementsPoint } from '../framework/plugin.ts';
import { testCluster } from '../testing/cluster.ts';
import { node, pod } from '../testing/objects.ts';
import { pluginHandle } from '../testing/plugin_handle.ts';
import { nodeDeclaredFeatures } from './node_declared_features.ts';

const RESTART_ALL = 'RestartAllContainersOnContainerExits';
const USER_NAMESPACE = 'UserNamespacesHostNetworkSupport';

const rule = (action: string) => ({
  name: 'c',
  image: 'i',
  restartPolicy: 'Never',
  restartPolicyRules: [{ action, exitCodes: { operator: 'In', values: [42] } }],
});

const nodes = [
  node('none'),
  node('other', { declaredFeatures: ['Other'] }),
  node('restarts', { declaredFeatures: [RESTART_ALL] }),
  node('both', { declaredFeatures: [RESTART_ALL, USER_NAMESPACE] }),
];
const all = ['both', 'none', 'other', 'restarts'];

test.each<[string, Partial<PodSpec>, readonly string[]]>([
  ['nothing', {}, all],
  ['a restart of all containers', { containers: [rule('RestartAllContainers')] }, ['both', 'restarts']],
  ['one in an init container', { initContainers: [rule('RestartAllContainers')] }, ['both', 'restarts']],
  ['a restart of one container', { containers: [rule('Restart')] }, all],
  ['a user namespace', { hostUsers: false }, all],
  ['the network of the node', { hostNetwork: true }, all],
  ['both of these', { hostNetwork: true, hostUsers: false }, ['both']],
  [
    'everything',
    { hostNetwork: true, hostUsers: false, containers: [rule('RestartAllContainers')] },
    ['both'],
  ],
])('S4: a pod that asks for %s', (_, spec, want) => {
  expect(testCluster({ nodes }).feasible(pod('p', { spec }))).toEqual(want);
});

const needy = pod('p', { spec: { containers: [rule('RestartAllContainers')] } });

test('S4: refused as by the stock scheduler, and no preemption helps', () => {
  const { diagnosis, kind } = testCluster({ nodes: nodes.slice(0, 2) }).decide(needy);
  expect(kind).toBe('unschedulable');
  expect(unschedulableMessage(diagnosis)).toBe(
    "0/2 nodes are available: 2 node(s) didn't match Pod's required features.",
  );
  expect([...diagnosis.refusals.values()].map((r) => [r.plugin, r.resolvable])).toEqual([
    ['NodeDeclaredFeatures', false],
    ['NodeDeclaredFeatures', false],
  ]);
});

test('S4: without the gate there is no such plugin', () => {
  const gates = { enabled: (name: string) => name !== 'NodeDeclaredFeatures' };
  const cluster = testCluster({ nodes, handle: { gates } });
  expect(cluster.feasible(needy)).toEqual(all);
  expect(cluster.profile.filter.map((plugin) => plugin.name)).not.toContain('NodeDeclaredFeatures');
});

describe('S4: a refused pod is worth another try', () => {
  const hints = new Map(
    nodeDeclaredFeatures(pluginHandle())
      .eventsToRegister()
      .map((e) => (typeof e === 'string' ? [e, undefined] : [e.event, e.hint])),
  );

  test.each([
    ['NodeAdd', 'none', false],
    ['NodeAdd', 'other', false],
    ['NodeAdd', 'restarts', true],
    ['NodeDeclaredFeatureUpdate', 'other', false],
    ['NodeDeclaredFeatureUpdate', 'restarts', true],
  ] as const)('after %s of the node %s: %s', (event, name, want) => {
    const now = nodes.find(({ metadata }) => metadata.name === name);
    expect(hints.get(event)?.(needy, now === undefined ? {} : { new: now })).toBe(want);
  });

  test('after nothing else', () => {
    expect([...hints.keys()]).toEqual(['NodeAdd', 'NodeDeclaredFeatureUpdate']);
  });
});

test('S4: a node that declares something else is such an event', () => {
  const [before, after] = [node('n'), node('n', { declaredFeatures: [RESTART_ALL] })];
  expect(nodeEvents(before, after)).toEqual(['NodeDeclaredFeatureUpdate']);
  expect(nodeEvents(after, after)).toEqual([]);
});

test('S4: its answer can be used again for pods that need the same', () => {
  const plugin = nodeDeclaredFeatures(pluginHandle());
  expect(implementsPoint(plugin, 'columns')).toBe(true);
  expect(plugin.signPod(pod('q'))).toBe('');
  expect(plugin.signPod(needy)).toBe(RESTART_ALL);
});
