/** The scores of the nodes that passed: per plugin as it gave them, and summed as the profile weighs them. */
import { RowSet } from '../cache/row_set.ts';
import type { NodeScore } from '../diagnosis.ts';
import { BestRows } from './best_rows.ts';
import { NumberSlab } from './number_slab.ts';
import type { PlannedScore } from './column_plan.ts';
import { ScorePart } from './score_part.ts';
import type { ScoreSources } from './score_sources.ts';

// Kept for thousands of pods: in blocks, which the collector need neither look into nor move.
const NUMBERS = new NumberSlab();

export interface CapturedScores {
  readonly nodes: readonly string[];
  readonly plugins: readonly string[];
  /** Node by node, the total and then what the plugins gave: from `at` on. */
  readonly values: Float64Array;
  readonly at: number;
}

export class ScoreTotals {
  readonly #o: ScoreSources;
  readonly #parts: readonly ScorePart[];
  readonly #totals: Float64Array;
  readonly best: BestRows;
  /** Rows that passed when their scores were last computed. */
  readonly #scored: Uint8Array;
  readonly #changed: RowSet;
  #names: readonly string[] = [];

  constructor(planned: readonly PlannedScore[], sources: ScoreSources) {
    const { cache, pod, verdicts } = sources;
    const { rows } = cache;
    this.#o = sources;
    this.#totals = new Float64Array(rows);
    this.best = new BestRows(this.#totals, verdicts.numbers);
    this.#scored = new Uint8Array(rows);
    this.#changed = new RowSet(rows);
    this.#parts = planned.flatMap((p): ScorePart[] => {
      const column = p.source?.columns(pod).score;
      return p.source !== undefined && column === undefined ? [] : [new ScorePart(p, column, sources)];
    });
  }

  /** Whether every score follows from its own node alone. */
  get isLocal(): boolean {
    return this.#parts.every((part) => part.column === undefined);
  }

  /** Brings scores and totals up to date. @param touched the rows of which the verdict was looked at */
  update(dirty: RowSet, touched: RowSet): void {
    const { verdicts } = this.#o;
    const changed = this.#changed;
    changed.clear();
    changed.isAll = touched.isAll;
    for (let i = 0; i < touched.size; i++) changed.add(touched.at(i));
    for (const part of this.#parts) part.follow(dirty, verdicts, changed);
    const { length } = this.#scored;
    if (changed.isAll) for (let row = 0; row < length; row++) this.#scoreOne(row);
    else for (let i = 0; i < changed.size; i++) this.#scoreOne(changed.at(i));
    let isWhole = true;
    let isNew = changed.isAll;
    for (const part of this.#parts) {
      isWhole &&= part.isWhole;
      // Sums of whole numbers can be corrected; others would pick up errors of rounding by and by.
      if (part.weighAll(this.#scored, this.#totals)) isNew = true;
    }
    if (changed.isAll || (isNew && !isWhole)) for (let row = 0; row < length; row++) this.#sumOne(row);
    else for (let i = 0; i < changed.size; i++) this.#sumOne(changed.at(i));
    if (isNew) this.best.allChanged();
  }

  /** One score as it is shown. */
  at(row: number): NodeScore {
    const byPlugin: Record<string, number> = {};
    for (const part of this.#parts) if (part.isShown) byPlugin[part.name] = part.weighted[row] ?? 0;
    return { node: this.#o.cache.nodeAt(row)?.name ?? '', total: this.#totals[row] ?? 0, byPlugin };
  }

  /** The scores of some rows as they are now, in little room. */
  capture(rows: readonly number[]): CapturedScores {
    const nodes: string[] = [];
    const plugins = this.#shown();
    const { values, at } = NUMBERS.take(rows.length * (plugins.length + 1));
    let to = at;
    for (const row of rows) {
      nodes.push(this.#o.cache.nodeAt(row)?.name ?? '');
      values[to++] = this.#totals[row] ?? 0;
      for (const part of this.#parts) if (part.isShown) values[to++] = part.weighted[row] ?? 0;
    }
    return { nodes, plugins, values, at };
  }

  /** The scores of all nodes that passed, best first. */
  all(): NodeScore[] {
    const scores: NodeScore[] = [];
    for (const { row } of this.#o.cache.nodes()) if (this.#o.verdicts.has(row)) scores.push(this.at(row));
    return scores.sort((a, b) => b.total - a.total);
  }

  /** Names of the plugins whose scores are shown; the same array while they are the same. */
  #shown(): readonly string[] {
    let count = 0;
    for (const part of this.#parts)
      if (part.isShown && this.#names[count++] !== part.name) count = Number.NaN;
    if (count !== this.#names.length)
      this.#names = this.#parts.filter((part) => part.isShown).map((part) => part.name);
    return this.#names;
  }

  #scoreOne(row: number): void {
    const wasIn = this.#scored[row] === 1;
    const isIn = this.#o.verdicts.has(row);
    if (!wasIn && !isIn) return;
    this.#scored[row] = isIn ? 1 : 0;
    for (const part of this.#parts) part.score(row, wasIn, isIn);
  }

  #sumOne(row: number): void {
    this.best.changed(row);
    if (this.#scored[row] !== 1) return;
    let total = 0;
    for (const part of this.#parts) total += part.weighted[row] ?? 0;
    this.#totals[row] = total;
  }
}
