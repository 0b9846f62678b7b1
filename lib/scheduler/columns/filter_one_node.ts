/** The filters that look at one node alone, on one node. */
import { podPriority } from '../../api/pod.ts';
import type { Pod } from '../../api/types.ts';
import type { NodeInfo } from '../cache/node_info.ts';
import type { CycleState } from '../framework/cycle_state.ts';
import type { FilterPlugin } from '../framework/plugin.ts';
import { thrown } from '../framework/run_filters.ts';
import type { Outcome, Status } from '../framework/status.ts';
import type { NominatedPods } from '../queue/nominated_pods.ts';

/**
 * Undefined when all of them let the pod onto the node, with room left for the pods of at least its priority that are
 * nominated to it, of which `pod` itself must not be one.
 */
export function filterOneNode(
  pod: Pod,
  node: NodeInfo,
  filters: readonly FilterPlugin[],
  state: CycleState,
  nominated: NominatedPods,
): Status | undefined {
  if (nominated.size > 0) {
    const others = nominated.on(node.name).filter((other) => podPriority(other) >= podPriority(pod));
    if (others.length > 0) {
      const crowded = node.clone();
      for (const other of others) crowded.addPod(other);
      const refused = ask(pod, crowded, filters, state);
      if (refused !== undefined) return refused;
    }
  }
  return ask(pod, node, filters, state);
}

function ask(
  pod: Pod,
  node: NodeInfo,
  filters: readonly FilterPlugin[],
  state: CycleState,
): Status | undefined {
  for (const plugin of filters) {
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
