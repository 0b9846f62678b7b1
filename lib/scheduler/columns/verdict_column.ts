/** The verdict on each node, with counts, and views of it that stay as they are when it changes. */
import type { SchedulerCache } from '../cache/cache.ts';
import { RowSet } from '../cache/row_set.ts';
import type { FeasibleRows } from '../framework/plugin.ts';
import type { Rejection } from '../framework/status.ts';
import { NO_NODE, PASSED, Verdicts } from './verdicts.ts';
import { VerdictSnapshot } from './verdict_snapshot.ts';

export class VerdictColumn implements FeasibleRows {
  /** Per row, {@link PASSED}, {@link NO_NODE} or the number of a refusal. */
  readonly numbers: Uint16Array;
  /** Rows that came to pass, or pass no more, since {@link VerdictColumn.begin}. */
  readonly flips: RowSet;
  readonly #verdicts = new Verdicts();
  readonly #cache: SchedulerCache;
  /** Per number, on how many nodes. */
  #counts = new Int32Array(16);
  #snapshot: VerdictSnapshot | undefined;

  constructor(cache: SchedulerCache) {
    this.#cache = cache;
    this.numbers = new Uint16Array(cache.rows).fill(NO_NODE);
    this.flips = new RowSet(cache.rows);
  }

  /** Number of nodes that passed. */
  get count(): number {
    return this.#counts[PASSED] ?? 0;
  }

  has(row: number): boolean {
    return this.numbers[row] === PASSED;
  }

  numberOf(status: Rejection, plugin: string): number {
    const number = this.#verdicts.numberOf(status, plugin);
    if (number >= this.#counts.length) {
      const larger = new Int32Array(this.#counts.length * 2);
      larger.set(this.#counts);
      this.#counts = larger;
    }
    return number;
  }

  /** Changes are about to come. */
  begin(): void {
    this.flips.clear();
  }

  set(row: number, number: number): void {
    const before = this.numbers[row] ?? NO_NODE;
    if (before === number) return;
    this.#detach();
    this.numbers[row] = number;
    if (before !== NO_NODE) this.#counts[before] = (this.#counts[before] ?? 0) - 1;
    if (number !== NO_NODE) this.#counts[number] = (this.#counts[number] ?? 0) + 1;
    if (before === PASSED || number === PASSED) this.flips.add(row);
  }

  /** The refusals as they are now; the same object until one changes. */
  snapshot(): VerdictSnapshot {
    this.#snapshot ??= new VerdictSnapshot(this.numbers, this.#counts, this.#verdicts, this.#cache);
    return this.#snapshot;
  }

  /** No more changes will come. */
  retire(): void {
    this.#detach();
  }

  #detach(): void {
    this.#snapshot?.detach();
    this.#snapshot = undefined;
  }
}
