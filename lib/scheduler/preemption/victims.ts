/** Which pods would have to leave a node for another pod to fit, by trying it out. */
import { podPriority } from '../../api/pod.ts';
import type { Pod, PodDisruptionBudget } from '../../api/types.ts';
import type { NodeInfo } from '../cache/node_info.ts';
import type { Candidate } from '../framework/candidate.ts';
import type { CycleState } from '../framework/cycle_state.ts';
import type { Profile } from '../framework/plugin.ts';
import { addTo, removeFrom, runFiltersWithNominated } from '../framework/run_filters.ts';
import type { Status } from '../framework/status.ts';
import { unresolvable } from '../framework/status.ts';
import type { NominatedPods } from '../queue/nominated_pods.ts';
import { splitByBudgets } from './disruption_budgets.ts';

export interface DryRun {
  readonly profile: Profile;
  /** Of the pod's cycle, after PreFilter. Unchanged afterwards. */
  readonly state: CycleState;
  readonly nominated: NominatedPods;
  readonly budgets: readonly PodDisruptionBudget[];
}

/**
 * Takes all pods of lower priority off a copy of the node, sees whether `pod` fits then, and puts back as many as can
 * stay: those whose going would break a budget first, the more important before the others.
 *
 * @returns why the pod would not fit even so, or the pods that have to go
 */
export function victimsOn(
  pod: Pod,
  node: NodeInfo,
  { profile, state, nominated, budgets }: DryRun,
): Candidate | Status {
  const priority = podPriority(pod);
  const lower = [...node.pods()].filter((other) => podPriority(other) < priority).sort(byImportance);
  if (lower.length === 0) return unresolvable(NO_VICTIMS);
  const copy = node.clone();
  const gone = new Set<Pod>();
  const take = (victim: Pod): void => {
    removeFrom(copy, victim, pod, profile, state);
    gone.add(victim);
  };
  const giveBack = (victim: Pod): void => {
    addTo(copy, victim, pod, profile, state);
    gone.delete(victim);
  };
  try {
    for (const victim of lower) take(victim);
    const refused = runFiltersWithNominated(pod, copy, profile, state, nominated);
    if (refused !== undefined) return refused;
    const { violating, others } = splitByBudgets(lower, budgets);
    let violations = 0;
    for (const victim of violating) {
      giveBack(victim);
      if (runFiltersWithNominated(pod, copy, profile, state, nominated) === undefined) continue;
      take(victim);
      violations++;
    }
    for (const victim of others) {
      giveBack(victim);
      if (runFiltersWithNominated(pod, copy, profile, state, nominated) !== undefined) take(victim);
    }
    return { node: node.name, victims: lower.filter((victim) => gone.has(victim)), violations };
  } finally {
    for (const victim of lower) if (gone.has(victim)) giveBack(victim); // so that the state is as it was
  }
}

export const NO_VICTIMS = 'No preemption victims found for incoming pod';

/** Higher priority first; among equals, whoever runs longer. */
export function byImportance(a: Pod, b: Pod): number {
  return podPriority(b) - podPriority(a) || startTime(a) - startTime(b);
}

/** Milliseconds; infinite for a pod that has not started. */
export function startTime(pod: Pod): number {
  const text = pod.status?.startTime;
  return text === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(text);
}
