/** What making room on a node would cost, remembered for pods of the same signature until something on the node changes. */
import type { SchedulerCache } from '../cache/cache.ts';
import { RowSet } from '../cache/row_set.ts';
import type { Candidate } from '../framework/candidate.ts';
import type { Status } from '../framework/status.ts';

/** By row of the node. */
type Outcomes = (Candidate | Status | undefined)[];

interface Known {
  readonly outcomes: Outcomes;
  readonly structure: number;
  readonly budgets: number;
  position: number;
}

const MAX_SIGNATURES = 16;

export class KnownCandidates {
  readonly #cache: SchedulerCache;
  /** In the order of last use. */
  readonly #bySignature = new Map<string, Known>();
  readonly #dirty = new RowSet();

  constructor(cache: SchedulerCache) {
    this.#cache = cache;
  }

  /**
   * Outcomes by row, to read and to fill.
   *
   * @param signature from which, with the node, follows what the filters say
   * @param budgets revision of the disruption budgets
   */
  of(signature: string, budgets: number): Outcomes {
    const { changes, structure } = this.#cache;
    let known = this.#bySignature.get(signature);
    this.#bySignature.delete(signature);
    this.#dirty.clear();
    if (
      known === undefined ||
      known.structure !== structure ||
      known.budgets !== budgets ||
      !changes.since(known.position, this.#dirty)
    )
      known = { outcomes: [], structure, budgets, position: 0 };
    else for (let i = 0; i < this.#dirty.size; i++) known.outcomes[this.#dirty.at(i)] = undefined;
    known.position = changes.position;
    this.#bySignature.set(signature, known);
    const [oldest] = this.#bySignature.keys();
    if (this.#bySignature.size > MAX_SIGNATURES && oldest !== undefined) this.#bySignature.delete(oldest);
    return known.outcomes;
  }
}
