/** A cluster in memory with the default profile on it, for tests of decisions. */
import type { Namespace, Node, Pod } from '../../api/types.ts';
import { CycleState } from '../framework/cycle_state.ts';
import type { PluginHandle } from '../framework/plugin_handle.ts';
import type { Profile } from '../framework/plugin.ts';
import { createProfile } from '../framework/profile.ts';
import type { PluginArgs } from '../plugins/registry.ts';
import { defaultPlugins } from '../plugins/registry.ts';
import type { Decision } from '../diagnosis.ts';
import { schedulePod } from '../schedule_pod.ts';
import { pluginHandle } from './plugin_handle.ts';

export interface TestCluster {
  readonly handle: ReturnType<typeof pluginHandle>;
  readonly profile: Profile;
  /** The decision, and what the plugins found out for it. */
  decide(pod: Pod, random?: number): Decision & { readonly state: CycleState };
  /** The nodes that pass all filters, sorted by name. */
  feasible(pod: Pod): readonly string[];
  /** The first reason for which the node is refused; undefined when it passes. */
  refusal(pod: Pod, node: string): string | undefined;
  /** What a plugin gives each node, weighted. */
  scores(pod: Pod, plugin: string): Readonly<Record<string, number>>;
}

export function testCluster(
  given: {
    readonly nodes?: readonly Node[];
    readonly placed?: readonly (readonly [Pod, string])[];
    readonly namespaces?: readonly Namespace[];
    readonly args?: PluginArgs;
    readonly handle?: Partial<PluginHandle>;
  } = {},
): TestCluster {
  const handle = pluginHandle(given.handle);
  const { cache, objects, nominated } = handle;
  for (const namespace of given.namespaces ?? []) objects.namespaces.put(namespace);
  for (const node of given.nodes ?? []) cache.setNode(node);
  for (const [pod, nodeName] of given.placed ?? []) cache.addPod({ ...pod, spec: { ...pod.spec, nodeName } });
  const profile = createProfile('default-scheduler', defaultPlugins(handle, given.args));
  const decide: TestCluster['decide'] = (pod, random = 0) => {
    const state = new CycleState();
    const options = { random: () => random, nominated };
    return { ...schedulePod(pod, cache.nodes(), profile, state, options), state };
  };
  return {
    handle,
    profile,
    decide,
    feasible(pod) {
      const { kind, diagnosis } = decide(pod);
      if (kind !== 'node') return [];
      return cache
        .nodes()
        .map((n) => n.name)
        .filter((name) => !diagnosis.refusals.has(name))
        .sort();
    },
    refusal(pod, node) {
      const { refusals, refusedOutright } = decide(pod).diagnosis;
      return (refusedOutright ?? refusals.get(node))?.reasons[0];
    },
    scores: (pod, plugin) =>
      Object.fromEntries(
        decide(pod)
          .diagnosis.scores.map((s): [string, number] => [s.node, s.byPlugin[plugin] ?? Number.NaN])
          .sort(([a], [b]) => a.localeCompare(b)),
      ),
  };
}
