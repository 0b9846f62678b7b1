/** What making room on a node would cost, remembered for pods of the same signature until something on the node changes. */
import type { SchedulerCache } from '../cache/cache.ts';
import { RowSet } from '../cache/row_set.ts';
import { CandidateBoard } from './candidate_board.ts';

interface Known {
  readonly board: CandidateBoard;
  readonly structure: number;
  readonly budgets: number;
  /** Of the journal of changes. */
  position: number;
}

/** What was found out of a pod is that from which these follow. */
export interface BoardKey {
  /** From which, with the node, follows what the filters say. */
  readonly signature: string;
  /** Of the journal of changes, when the filters were asked. */
  readonly position: number;
  /** Revision of the disruption budgets. */
  readonly budgets: number;
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

  /** The board of the signature, on which nothing is that does not hold any more. */
  of({ signature, position, budgets }: BoardKey): CandidateBoard {
    const { changes, structure } = this.#cache;
    let known = this.#bySignature.get(signature);
    this.#bySignature.delete(signature);
    this.#dirty.clear();
    if (
      known === undefined ||
      known.structure !== structure ||
      known.budgets !== budgets ||
      !changes.since(known.position, this.#dirty)
    ) {
      const board = new CandidateBoard(this.#cache.nodes(), this.#cache.rows);
      known = { board, structure, budgets, position };
    } else for (let i = 0; i < this.#dirty.size; i++) known.board.changed(this.#dirty.at(i));
    // Nodes that changed since the filters were asked are tried out again the next time.
    known.position = position;
    this.#bySignature.set(signature, known);
    const [oldest] = this.#bySignature.keys();
    if (this.#bySignature.size > MAX_SIGNATURES && oldest !== undefined) this.#bySignature.delete(oldest);
    return known.board;
  }
}
