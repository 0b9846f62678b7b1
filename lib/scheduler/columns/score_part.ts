/** The scores of one plugin for the nodes that passed. */
import { RowSet } from '../cache/row_set.ts';
import type { ScoreColumn } from '../framework/plugin.ts';
import type { PlannedScore } from './column_plan.ts';
import { Extremes } from './extremes.ts';
import type { ScoreSources } from './score_sources.ts';
import type { VerdictColumn } from './verdict_column.ts';

export class ScorePart {
  readonly name: string;
  /** Where the score follows from other nodes as well. */
  readonly column: ScoreColumn | undefined;
  /** Per row, normalised and weighted; of any value where the node did not pass. */
  readonly weighted: Float64Array;
  /** Whether all scores so far were whole numbers. */
  isWhole = true;
  readonly #planned: PlannedScore;
  readonly #sources: ScoreSources;
  /** Per row, as the plugin gave it. */
  readonly #raw: Float64Array;
  /** Per row, whether `raw` still holds, be it that the node does not pass at present. */
  readonly #isKnown: Uint8Array;
  /** Of the nodes that passed; only where the plugin normalises. */
  readonly #extremes: Extremes | undefined;
  /** The extremes by which `weighted` was computed. */
  #lowest = Number.NaN;
  #highest = Number.NaN;
  readonly #touched: RowSet;

  constructor(planned: PlannedScore, column: ScoreColumn | undefined, sources: ScoreSources) {
    const { rows } = sources.cache;
    this.name = planned.plugin.name;
    this.column = column;
    this.#planned = planned;
    this.#sources = sources;
    this.#raw = new Float64Array(rows);
    this.#isKnown = new Uint8Array(rows);
    this.#extremes = planned.plugin.normalize === undefined ? undefined : new Extremes();
    this.weighted = new Float64Array(rows);
    this.#touched = new RowSet(column === undefined ? 0 : rows);
  }

  /** Whether explanations tell of it: PreScore did not say Skip. */
  get isShown(): boolean {
    return this.column?.isIdle !== true;
  }

  /** @param changed to be given the rows of which the score may be another one now, beside those in it */
  follow(dirty: RowSet, verdicts: VerdictColumn, changed: RowSet): void {
    const known = this.#isKnown;
    let stale = dirty;
    if (this.column !== undefined) {
      stale = this.#touched;
      stale.clear();
      stale.isAll = dirty.isAll;
      this.column.update(dirty, stale, verdicts, verdicts.flips);
    }
    if (stale.isAll) {
      known.fill(0);
      changed.isAll = true;
      return;
    }
    for (let i = 0; i < stale.size; i++) {
      const row = stale.at(i);
      known[row] = 0;
      changed.add(row);
    }
  }

  /** Scores one node. @param wasIn whether it passed before @param isIn whether it passes now */
  score(row: number, wasIn: boolean, isIn: boolean): void {
    const isKnown = this.#isKnown[row] === 1;
    if (wasIn && isIn && isKnown) return;
    const raw = this.#raw;
    const extremes = this.#extremes;
    if (wasIn) extremes?.remove(raw[row] ?? 0);
    if (!isIn) return;
    if (!isKnown) {
      raw[row] = this.#ask(row);
      this.#isKnown[row] = 1;
    }
    const score = raw[row] ?? 0;
    extremes?.add(score);
    this.#weigh(row, score);
  }

  /**
   * Weighs all scores anew where the extremes have become others, and corrects the totals by the difference.
   *
   * @returns whether they have
   */
  weighAll(scored: Uint8Array, totals: Float64Array): boolean {
    const extremes = this.#extremes;
    const { plugin, weight } = this.#planned;
    if (extremes === undefined || plugin.normalize === undefined) return false;
    const raw = this.#raw;
    const { weighted } = this;
    const { length } = raw;
    if (extremes.isStale) {
      extremes.clear();
      for (let row = 0; row < length; row++) if (scored[row] === 1) extremes.add(raw[row] ?? 0);
    }
    const { lowest, highest } = extremes;
    if (lowest === this.#lowest && highest === this.#highest) return false;
    this.#lowest = lowest;
    this.#highest = highest;
    for (let row = 0; row < length; row++) {
      if (scored[row] !== 1) continue;
      const before = weighted[row] ?? 0;
      const after = plugin.normalize(raw[row] ?? 0, lowest, highest) * weight + 0;
      if (after === before) continue;
      this.#note(after);
      weighted[row] = after;
      totals[row] = (totals[row] ?? 0) + (after - before);
    }
    return true;
  }

  #ask(row: number): number {
    if (this.column !== undefined) return this.column.score(row);
    const { cache, pod, state } = this.#sources;
    const node = cache.nodeAt(row);
    return node === undefined ? 0 : this.#planned.plugin.score(state, pod, node);
  }

  #weigh(row: number, score: number): void {
    const { plugin, weight } = this.#planned;
    const normal =
      plugin.normalize === undefined ? score : plugin.normalize(score, this.#lowest, this.#highest);
    this.#note(normal);
    this.weighted[row] = normal * weight + 0; // never -0, which would be shown
  }

  #note(score: number): void {
    // Before the extremes are known there is nothing to go by; all is weighed anew then.
    if (this.isWhole && !Number.isInteger(score) && !Number.isNaN(this.#lowest)) this.isWhole = false;
  }
}
