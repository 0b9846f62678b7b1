/** Which rows changed, in the order in which they did, so that whoever keeps something per row need not look at all. */
import type { RowSet } from './row_set.ts';

/** Remembers the last `capacity` changes; who has fallen behind further starts anew. */
export class ChangeJournal {
  readonly #rows: Int32Array;
  #position = 0;

  /** @param capacity a power of two */
  constructor(capacity = 32_768) {
    this.#rows = new Int32Array(capacity);
  }

  /** Number of changes so far. */
  get position(): number {
    return this.#position;
  }

  record(row: number): void {
    this.#rows[this.#position++ & (this.#rows.length - 1)] = row;
  }

  /**
   * Adds the rows that changed since the journal was at `position`.
   *
   * @returns false when it does not remember them all any more
   */
  since(position: number, into: RowSet): boolean {
    if (this.#position - position > this.#rows.length) return false;
    for (let at = position; at < this.#position; at++)
      into.add(this.#rows[at & (this.#rows.length - 1)] ?? 0);
    return true;
  }
}
