/** The scores of the nodes that passed: per plugin as it gave them, and summed as the profile weighs them. */
import type { Pod } from '../../api/types.ts';
import type { SchedulerCache } from '../cache/cache.ts';
import { RowSet } from '../cache/row_set.ts';
import type { CycleState } from '../framework/cycle_state.ts';
import type { ScoreColumn } from '../framework/plugin.ts';
import type { NodeScore } from '../diagnosis.ts';
import type { BestTree } from './best_tree.ts';
import type { PlannedScore } from './column_plan.ts';
import { Extremes } from './extremes.ts';
import type { VerdictColumn } from './verdict_column.ts';

interface Part {
  readonly planned: PlannedScore;
  /** Where the score follows from other nodes as well. */
  readonly column: ScoreColumn | undefined;
  /** Per row, as the plugin gave it; of any value where the node did not pass. */
  readonly raw: Float64Array;
  /** Of the nodes that passed; only where the plugin normalises. */
  readonly extremes: Extremes | undefined;
  /** Per row, normalised and weighted. */
  readonly weighted: Float64Array;
  /** The extremes by which `weighted` was computed. */
  lowest: number;
  highest: number;
  /** Rows whose score may have changed, beside those of the verdicts. */
  readonly touched: RowSet;
}

export interface ScoreSources {
  readonly pod: Pod;
  readonly state: CycleState;
  readonly cache: SchedulerCache;
  readonly verdicts: VerdictColumn;
  readonly tree: BestTree;
}

export interface CapturedScores {
  readonly nodes: readonly string[];
  readonly plugins: readonly string[];
  /** Node by node, the total and then what the plugins gave. */
  readonly values: readonly number[];
}

export class ScoreTotals {
  readonly #o: ScoreSources;
  readonly #parts: readonly Part[];
  readonly #totals: Float64Array;
  /** Rows that passed when their scores were last computed. */
  readonly #scored: Uint8Array;
  readonly #changed: RowSet;
  #names: readonly string[] = [];
  /** Rows of which the scores that follow from the node alone hold, even where it does not pass at present. */
  readonly #isKnown: Uint8Array;

  constructor(planned: readonly PlannedScore[], sources: ScoreSources) {
    const { cache, pod } = sources;
    const { rows } = cache;
    this.#o = sources;
    this.#totals = new Float64Array(rows);
    this.#scored = new Uint8Array(rows);
    this.#changed = new RowSet(rows);
    this.#isKnown = new Uint8Array(rows);
    this.#parts = planned.flatMap((p): Part[] => {
      const column = p.source?.columns(pod).score;
      if (p.source !== undefined && column === undefined) return [];
      return [
        {
          planned: p,
          column,
          raw: new Float64Array(rows),
          extremes: p.plugin.normalize === undefined ? undefined : new Extremes(),
          weighted: new Float64Array(rows),
          lowest: Number.NaN,
          highest: Number.NaN,
          touched: new RowSet(rows),
        },
      ];
    });
  }

  /** Whether every score follows from its own node alone. */
  get isLocal(): boolean {
    return this.#parts.every((part) => part.column === undefined);
  }

  /** Brings scores, totals and the tree up to date. @param touched the rows of which the verdict was looked at */
  update(dirty: RowSet, touched: RowSet): void {
    const { verdicts } = this.#o;
    if (dirty.isAll) this.#isKnown.fill(0);
    else for (let i = 0; i < dirty.size; i++) this.#isKnown[dirty.at(i)] = 0;
    const changed = this.#changed;
    changed.clear();
    changed.isAll = touched.isAll;
    for (let i = 0; i < touched.size; i++) changed.add(touched.at(i));
    for (const { column, touched: own } of this.#parts) {
      if (column === undefined) continue;
      own.clear();
      own.isAll = dirty.isAll;
      column.update(dirty, own, verdicts, verdicts.flips);
      changed.isAll ||= own.isAll;
      for (let i = 0; i < own.size; i++) changed.add(own.at(i));
    }
    if (changed.isAll) this.#scoreAll();
    else {
      for (let i = 0; i < changed.size; i++) this.#scoreOne(changed.at(i));
    }
    let isNew = changed.isAll;
    for (const part of this.#parts) if (this.#normalizeAll(part)) isNew = true;
    if (isNew) this.#sumAll();
    else for (let i = 0; i < changed.size; i++) this.#sumOne(changed.at(i));
  }

  /** One score as it is shown. */
  at(row: number): NodeScore {
    const byPlugin: Record<string, number> = {};
    for (const { planned, column, weighted } of this.#parts)
      if (column?.isIdle !== true) byPlugin[planned.plugin.name] = weighted[row] ?? 0;
    return { node: this.#o.cache.nodeAt(row)?.name ?? '', total: this.#totals[row] ?? 0, byPlugin };
  }

  /** The scores of some rows as they are now, in little room. */
  capture(rows: readonly number[]): CapturedScores {
    const nodes: string[] = [];
    const values: number[] = [];
    const plugins = this.#shown();
    for (const row of rows) {
      nodes.push(this.#o.cache.nodeAt(row)?.name ?? '');
      values.push(this.#totals[row] ?? 0);
      for (const part of this.#parts) if (part.column?.isIdle !== true) values.push(part.weighted[row] ?? 0);
    }
    return { nodes, plugins, values };
  }

  /** Names of the plugins whose scores are shown; the same array while they are the same. */
  #shown(): readonly string[] {
    let count = 0;
    for (const part of this.#parts)
      if (part.column?.isIdle !== true && this.#names[count++] !== part.planned.plugin.name)
        count = Number.NaN;
    if (count !== this.#names.length)
      this.#names = this.#parts
        .filter(({ column }) => column?.isIdle !== true)
        .map(({ planned }) => planned.plugin.name);
    return this.#names;
  }

  /** The scores of all nodes that passed, best first. */
  all(): NodeScore[] {
    const scores: NodeScore[] = [];
    for (const { row } of this.#o.cache.nodes()) if (this.#o.verdicts.has(row)) scores.push(this.at(row));
    return scores.sort((a, b) => b.total - a.total);
  }

  #scoreAll(): void {
    const { verdicts } = this.#o;
    const { length } = this.#totals;
    for (let row = 0; row < length; row++) this.#scored[row] = verdicts.has(row) ? 1 : 0;
    for (const part of this.#parts) {
      const { column, extremes, planned, raw, weighted } = part;
      for (let row = 0; row < length; row++)
        if (this.#scored[row] === 1 && (column !== undefined || this.#isKnown[row] === 0))
          raw[row] = this.#raw(part, row);
      part.lowest = Number.NaN; // so that everything is weighed anew
      if (extremes !== undefined) extremes.isStale = true;
      else
        for (let row = 0; row < length; row++)
          if (this.#scored[row] === 1) weighted[row] = (raw[row] ?? 0) * planned.weight;
    }
    for (let row = 0; row < length; row++) if (this.#scored[row] === 1) this.#isKnown[row] = 1;
  }

  #scoreOne(row: number): void {
    const wasIn = this.#scored[row] === 1;
    const isIn = this.#o.verdicts.has(row);
    if (!wasIn && !isIn) return;
    this.#scored[row] = isIn ? 1 : 0;
    const isKnown = this.#isKnown[row] === 1;
    for (const part of this.#parts) {
      const { extremes, column, raw } = part;
      const keeps = column === undefined && isKnown;
      if (wasIn && isIn && keeps) continue;
      if (wasIn) extremes?.remove(raw[row] ?? 0);
      if (!isIn) continue;
      if (!keeps) raw[row] = this.#raw(part, row);
      extremes?.add(raw[row] ?? 0);
      part.weighted[row] = this.#weighted(part, raw[row] ?? 0);
    }
    if (isIn) this.#isKnown[row] = 1;
  }

  #raw({ planned, column }: Part, row: number): number {
    if (column !== undefined) return column.score(row);
    const { cache, pod, state } = this.#o;
    const node = cache.nodeAt(row);
    return node === undefined ? 0 : planned.plugin.score(state, pod, node);
  }

  #weighted({ planned, lowest, highest }: Part, raw: number): number {
    const { plugin, weight } = planned;
    return (plugin.normalize === undefined ? raw : plugin.normalize(raw, lowest, highest)) * weight;
  }

  /** Weighs all scores of the plugin anew where the extremes have become others. @returns whether they have */
  #normalizeAll(part: Part): boolean {
    const { extremes, planned, raw, weighted } = part;
    const { plugin, weight } = planned;
    if (extremes === undefined || plugin.normalize === undefined) return false;
    const { length } = raw;
    if (extremes.isStale) {
      extremes.clear();
      for (let row = 0; row < length; row++) if (this.#scored[row] === 1) extremes.add(raw[row] ?? 0);
    }
    const { lowest, highest } = extremes;
    if (lowest === part.lowest && highest === part.highest) return false;
    part.lowest = lowest;
    part.highest = highest;
    for (let row = 0; row < length; row++)
      if (this.#scored[row] === 1) weighted[row] = plugin.normalize(raw[row] ?? 0, lowest, highest) * weight;
    return true;
  }

  #sumAll(): void {
    const { length } = this.#totals;
    this.#totals.fill(0);
    for (const { weighted } of this.#parts)
      for (let row = 0; row < length; row++)
        this.#totals[row] = (this.#totals[row] ?? 0) + (weighted[row] ?? 0);
    this.#o.tree.setAll(this.#totals, this.#o.verdicts.numbers);
  }

  #sumOne(row: number): void {
    if (this.#scored[row] !== 1) {
      this.#o.tree.set(row, Number.NEGATIVE_INFINITY);
      return;
    }
    let total = 0;
    for (const { weighted } of this.#parts) total += weighted[row] ?? 0;
    this.#totals[row] = total;
    this.#o.tree.set(row, total);
  }
}
