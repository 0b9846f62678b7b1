/** Disruption budgets, kept in step with the pods of the simulation as their controller would. */
import { labelSelector } from '../../api/selector.ts';
import type { Selector } from '../../api/selector.ts';
import type { Pod, PodDisruptionBudget } from '../../api/types.ts';
import { keyOf } from '../../api/types.ts';
import type { Store } from '../../client/store.ts';

interface Budget {
  readonly object: PodDisruptionBudget;
  readonly selector: Selector;
  /** Healthy pods beyond those that must be; below 0 when there are too few. */
  spare: number;
}

export class Budgets {
  readonly #store: Store<PodDisruptionBudget>;
  readonly #budgets: readonly Budget[];

  /** @param pods all of them, with and without a node */
  constructor(
    store: Store<PodDisruptionBudget>,
    budgets: readonly PodDisruptionBudget[],
    pods: readonly Pod[],
  ) {
    this.#store = store;
    this.#budgets = budgets.map((object) => {
      const selector = labelSelector(object.spec?.selector);
      return { object, selector, spare: spareOf(object, selector, pods) };
    });
    for (const budget of this.#budgets) this.#write(budget);
  }

  /** The pod runs on a node from now on. */
  started(pod: Pod): void {
    this.#change(pod, 1);
  }

  /** The pod ran and is gone. */
  ended(pod: Pod): void {
    this.#change(pod, -1);
  }

  /** In words, which budget does not allow the eviction of the pod; undefined: none. */
  whyNot(pod: Pod): string | undefined {
    const budgets = this.#budgets.filter((budget) => covers(budget, pod));
    // The eviction API answers so too: it could not take from both at once.
    if (budgets.length > 1)
      return `more than one PodDisruptionBudget covers it: ${budgets.map((b) => keyOf(b.object)).join(', ')}`;
    const used = budgets.find((budget) => budget.spare <= 0);
    return used === undefined ? undefined : `PodDisruptionBudget ${keyOf(used.object)} allows no disruption`;
  }

  #change(pod: Pod, by: 1 | -1): void {
    for (const budget of this.#budgets) {
      if (!covers(budget, pod)) continue;
      budget.spare += by;
      this.#write(budget);
    }
  }

  #write({ object, spare }: Budget): void {
    const status = { currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, ...object.status };
    this.#store.put({ ...object, status: { ...status, disruptionsAllowed: Math.max(0, spare) } });
  }
}

function covers({ object, selector }: Budget, pod: Pod): boolean {
  return (
    object.metadata.namespace === pod.metadata.namespace &&
    object.spec?.selector !== undefined &&
    selector.matches(pod.metadata.labels)
  );
}

/** From the status where a controller has written one, else from the pods. */
function spareOf(object: PodDisruptionBudget, selector: Selector, pods: readonly Pod[]): number {
  const { status, spec } = object;
  if (status !== undefined) {
    const { currentHealthy, desiredHealthy, disruptionsAllowed = 0 } = status;
    if (disruptionsAllowed > 0 || currentHealthy === undefined || desiredHealthy === undefined)
      return disruptionsAllowed;
    return Math.min(0, currentHealthy - desiredHealthy);
  }
  const covered = pods.filter((pod) => covers({ object, selector, spare: 0 }, pod));
  const healthy = covered.filter((pod) => (pod.spec.nodeName ?? '') !== '').length;
  const expected = covered.length;
  const desired =
    spec?.minAvailable === undefined
      ? expected - amount(spec?.maxUnavailable ?? 1, expected)
      : amount(spec.minAvailable, expected);
  return healthy - desired;
}

/** A number, or a share of `of` rounded up. */
function amount(given: unknown, of: number): number {
  const text = String(given);
  return text.endsWith('%') ? Math.ceil((Number(text.slice(0, -1)) * of) / 100) : Number(text);
}
