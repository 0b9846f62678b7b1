/**
 * What every back end has to know between two commits: Services whose rules changed since the kernel last got them, and
 * those that the kernel refused. Finds out which Service is refused when the kernel does not say so.
 */
import { toError } from '../base/errors.ts';
import type { RejectedService } from './backend.ts';
import { UnsafeTokenError } from './iptables/rule_text.ts';
import type { ServicePlan } from './model/plan.ts';
import type { PlanChange } from './model/planner.ts';

/** The rules that the kernel shall have, by Service port; each back end has its own form of them. */
export interface RuleStore {
  /** The plans whose rules it has. */
  readonly plans: ReadonlyMap<string, ServicePlan>;
  /**
   * Replaces the rules of a Service port; `undefined` removes them.
   * @throws UnsafeTokenError when they cannot be written; then the Service port has none
   */
  setPlan(id: string, plan: ServicePlan | undefined): void;
  /** The kernel has everything: nothing is pending any more. */
  committed(): void;
}

/** How {@link ServiceLedger.isolate} reaches the kernel. */
export interface Commits {
  /** Brings the kernel to what the store has, whatever the kernel has. */
  readonly whole: () => Promise<void>;
  /** Sends what is pending in the store. */
  readonly changes: () => Promise<void>;
  /** After a failed {@link Commits.changes}, with the store set back: what of it the kernel took nevertheless goes out. */
  readonly undo: () => Promise<void>;
  readonly signal: AbortSignal | undefined;
}

export class ServiceLedger {
  #store: RuleStore;
  // Service ports that changed since the last commit, with the plan whose rules the kernel has.
  readonly #dirty = new Map<string, ServicePlan | undefined>();
  // Those without rules although they have a plan.
  readonly #rejected = new Map<string, { readonly plan: ServicePlan | undefined; readonly error: Error }>();

  constructor(store: RuleStore) {
    this.#store = store;
  }

  /** Number of Service ports that changed since the last commit. */
  get pending(): number {
    return this.#dirty.size;
  }

  /** Takes over plans; their rules are pending in the store. */
  apply(changes: readonly PlanChange[]): void {
    for (const { id, after } of changes) {
      this.#touch(id, this.#store.plans.get(id));
      this.#rejected.delete(id);
      this.#render(id, after);
    }
  }

  /** Moves all plans to a store for other settings. */
  moveTo(store: RuleStore): void {
    const before = this.#store;
    this.#store = store;
    for (const [id, plan] of before.plans) this.#render(id, plan);
    for (const [id, { plan, error }] of this.#rejected)
      if (error instanceof UnsafeTokenError) this.#render(id, plan);
  }

  /** Services that the kernel refused are pending again: by now it may take them (a kernel module was loaded). */
  retryRejected(): void {
    for (const [id, { plan, error }] of Array.from(this.#rejected)) {
      if (error instanceof UnsafeTokenError) continue;
      this.#touch(id, undefined);
      this.#rejected.delete(id);
      this.#render(id, plan);
    }
  }

  /** The kernel refuses this one: its rules go. Those of an earlier state would send traffic to the wrong place. */
  reject(id: string, err: unknown): RejectedService {
    return this.#reject(id, this.#store.plans.get(id), toError(err));
  }

  /** All is in force. @returns what could not even be written of that which changed */
  committed(): RejectedService[] {
    this.#store.committed();
    const rejected = [...this.#rejected].filter(([id]) => this.#dirty.has(id));
    this.#dirty.clear();
    return rejected.map(([id, { error }]) => ({ id, error }));
  }

  /**
   * Finds the Services that the kernel refuses: everything is set back to what it had, then the changed Services go in by
   * halves, and a half that fails is halved again. Costs about 2·log2(n) commits for each bad one.
   *
   * @throws Error of the kernel when not even what it had goes in: no Service is to blame, and all stays pending
   */
  async isolate({ whole, changes, undo, signal }: Commits): Promise<RejectedService[]> {
    const wanted = new Map([...this.#dirty.keys()].map((id) => [id, this.#store.plans.get(id)]));
    const setBack = (ids: Iterable<string>): void => {
      for (const id of ids) this.#store.setPlan(id, this.#dirty.get(id));
    };
    setBack(wanted.keys());
    try {
      await whole();
    } catch (err) {
      for (const [id, plan] of wanted) this.#render(id, plan);
      throw err;
    }
    this.#store.committed();

    const refused: RejectedService[] = [];
    const bring = async (ids: readonly string[]): Promise<void> => {
      for (const id of ids) this.#render(id, wanted.get(id));
      try {
        await changes();
        this.#store.committed();
        return;
      } catch (err) {
        if (signal?.aborted === true) throw err;
        setBack(ids);
        await undo();
        this.#store.committed();
        const [only] = ids;
        if (ids.length === 1 && only !== undefined) {
          refused.push(this.#reject(only, wanted.get(only), toError(err)));
          await changes();
          this.#store.committed();
          return;
        }
      }
      const middle = ids.length >> 1;
      await bring(ids.slice(0, middle));
      await bring(ids.slice(middle));
    };
    await bring([...wanted.keys()].filter((id) => !this.#rejected.has(id)));
    return refused;
  }

  #reject(id: string, plan: ServicePlan | undefined, error: Error): RejectedService {
    this.#rejected.set(id, { plan, error });
    this.#dirty.delete(id);
    this.#store.setPlan(id, undefined);
    return { id, error };
  }

  #touch(id: string, before: ServicePlan | undefined): void {
    if (!this.#dirty.has(id)) this.#dirty.set(id, before);
  }

  #render(id: string, plan: ServicePlan | undefined): void {
    try {
      this.#store.setPlan(id, plan);
    } catch (err) {
      if (!(err instanceof UnsafeTokenError)) throw err;
      this.#rejected.set(id, { plan, error: err });
    }
  }
}
