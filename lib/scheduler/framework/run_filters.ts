/** The Filter plugins of a profile on one node. */
import { podPriority } from '../../api/pod.ts';
import type { Pod } from '../../api/types.ts';
import type { NodeInfo } from '../cache/node_info.ts';
import { podId } from '../cache/node_info.ts';
import type { NominatedPods } from '../queue/nominated_pods.ts';
import type { CycleState } from './cycle_state.ts';
import type { Profile } from './plugin.ts';
import type { Outcome, Status } from './status.ts';
import { errorStatus } from './status.ts';

/** Undefined when all filters let the pod onto the node; else what the first one said that did not. */
export function runFilters(
  pod: Pod,
  node: NodeInfo,
  profile: Profile,
  state: CycleState,
): Status | undefined {
  for (const plugin of profile.filter) {
    if (state.skippedFilters.has(plugin.name)) continue;
    let outcome: Outcome;
    try {
      outcome = plugin.filter(state, pod, node);
    } catch (err) {
      return thrown(plugin.name, 'Filter', err);
    }
    if (outcome !== undefined && outcome.code !== 'Success') return { ...outcome, plugin: plugin.name };
  }
  return undefined;
}

/**
 * As {@link runFilters}, with room left for the pods of at least the same priority that are nominated to the node. The
 * pod must fit with them and without them: they may never come, and affinity may count on them.
 */
export function runFiltersWithNominated(
  pod: Pod,
  node: NodeInfo,
  profile: Profile,
  state: CycleState,
  nominated: NominatedPods | undefined,
): Status | undefined {
  const others = (nominated?.on(node.name) ?? []).filter(
    (other) => podId(other) !== podId(pod) && podPriority(other) >= podPriority(pod),
  );
  if (others.length === 0) return runFilters(pod, node, profile, state);
  const crowded = node.clone();
  for (const other of others) addTo(crowded, other, pod, profile, state);
  const refused = runFilters(pod, crowded, profile, state);
  for (const other of others) removeFrom(crowded, other, pod, profile, state);
  return refused ?? runFilters(pod, node, profile, state);
}

/** Puts `other` onto the copy of a node, and into what the plugins found out for `pod`. */
export function addTo(node: NodeInfo, other: Pod, pod: Pod, profile: Profile, state: CycleState): void {
  node.addPod(other);
  for (const plugin of profile.preFilter)
    if (!state.skippedFilters.has(plugin.name)) plugin.addPod?.(state, pod, other, node);
}

/** The opposite of {@link addTo}. */
export function removeFrom(node: NodeInfo, other: Pod, pod: Pod, profile: Profile, state: CycleState): void {
  node.removePod(other);
  for (const plugin of profile.preFilter)
    if (!state.skippedFilters.has(plugin.name)) plugin.removePod?.(state, pod, other, node);
}

/** A plugin that throws fails this pod only. */
export function thrown(plugin: string, point: string, err: unknown): Status {
  return { ...errorStatus(`running ${point} plugin "${plugin}" failed`, err), plugin };
}
