/** Which of the pods that are to go would break a PodDisruptionBudget. */
import { labelSelector } from '../../api/selector.ts';
import type { Pod, PodDisruptionBudget } from '../../api/types.ts';

/**
 * Takes the pods in turn out of their budgets: those that find a budget used up are `violating`. Pods whose eviction a
 * budget has granted already do not count against it again.
 */
export function splitByBudgets(
  pods: readonly Pod[],
  budgets: readonly PodDisruptionBudget[],
): { readonly violating: readonly Pod[]; readonly others: readonly Pod[] } {
  const open = budgets.map((budget) => ({
    namespace: budget.metadata.namespace,
    selector: labelSelector(budget.spec?.selector),
    granted: budget.status?.disruptedPods ?? {},
    left: budget.status?.disruptionsAllowed ?? 0,
  }));
  const violating: Pod[] = [];
  const others: Pod[] = [];
  for (const pod of pods) {
    let violates = false;
    for (const budget of open) {
      // Pods without labels and budgets that choose everything do not meet here.
      if (budget.namespace !== pod.metadata.namespace || Object.keys(pod.metadata.labels ?? {}).length === 0)
        continue;
      if (budget.selector.isEverything || !budget.selector.matches(pod.metadata.labels)) continue;
      if (pod.metadata.name in budget.granted) continue;
      budget.left--;
      if (budget.left < 0) violates = true;
    }
    (violates ? violating : others).push(pod);
  }
  return { violating, others };
}
