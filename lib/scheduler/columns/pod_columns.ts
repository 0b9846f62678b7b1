/** What the plugins of a profile say of every node for the pods of one signature, followed up as the cluster changes. */
import type { Pod } from '../../api/types.ts';
import type { SchedulerCache } from '../cache/cache.ts';
import { RowSet } from '../cache/row_set.ts';
import { CycleState } from '../framework/cycle_state.ts';
import type { FilterColumn, FilterPlugin, PreScorePlugin, ReadAt } from '../framework/plugin.ts';
import type { Outcome } from '../framework/status.ts';
import { isRejected } from '../framework/status.ts';
import type { NominatedPods } from '../queue/nominated_pods.ts';
import type { BestRows } from './best_rows.ts';
import type { ColumnPlan } from './column_plan.ts';
import { filterOneNode } from './filter_one_node.ts';
import { ScoreTotals } from './score_totals.ts';
import type { VerdictSnapshot } from './verdict_snapshot.ts';
import { VerdictColumn } from './verdict_column.ts';
import { NO_NODE, PASSED } from './verdicts.ts';

/** The columns cannot answer for this pod: it has to be tried on every node. */
export class NotColumnarError extends Error {
  override readonly name = 'NotColumnarError';
}

export interface ColumnSources {
  readonly plan: ColumnPlan;
  readonly cache: SchedulerCache;
  readonly nominated: NominatedPods;
}

export class PodColumns {
  readonly signature: string;
  readonly #pod: Pod;
  readonly #o: ColumnSources;
  readonly #state = new CycleState();
  readonly #filters: readonly FilterPlugin[];
  readonly #columns: readonly { readonly column: FilterColumn; readonly plugin: string }[];
  readonly #local: Uint16Array;
  readonly #verdicts: VerdictColumn;
  readonly #totals: ScoreTotals;
  readonly #structure: number;
  #position = -1;
  #version = 0;
  readonly #dirty: RowSet;
  readonly #touched: RowSet;

  /**
   * @param pod any pod of the signature
   * @throws NotColumnarError, and whatever plugins throw
   */
  constructor(pod: Pod, signature: string, sources: ColumnSources) {
    this.signature = signature;
    const { plan, cache } = sources;
    const { rows } = cache;
    this.#pod = pod;
    this.#o = sources;
    this.#structure = cache.structure;
    this.#local = new Uint16Array(rows);
    this.#dirty = new RowSet(rows);
    this.#touched = new RowSet(rows);
    this.#verdicts = new VerdictColumn(cache);
    const nodes = cache.nodes();
    for (const plugin of plan.preFilters) {
      const outcome = plugin.preFilter(this.#state, pod, nodes);
      if (outcome === undefined) continue;
      if (!('code' in outcome)) throw new NotColumnarError(`${plugin.name} names the nodes`);
      if (outcome.code === 'Skip') this.#state.skippedFilters.add(plugin.name);
      else if (outcome.code !== 'Success') throw new NotColumnarError(`${plugin.name} refused the pod`);
    }
    this.#filters = plan.filters.filter((plugin) => !this.#state.skippedFilters.has(plugin.name));
    this.#columns = plan.columnFilters.flatMap((plugin) => {
      const { filter } = plugin.columns(pod);
      return filter === undefined ? [] : [{ column: filter, plugin: plugin.name }];
    });
    const skipped = new Set<string>();
    for (const plugin of plan.preScores)
      if (isSkip(plugin, this.#state, pod, nodes)) skipped.add(plugin.name);
    this.#totals = new ScoreTotals(
      plan.scores.filter(({ plugin }) => !skipped.has(plugin.name)),
      { pod, state: this.#state, cache, verdicts: this.#verdicts },
    );
  }

  /** Whether the columns still have the shape of the cluster. */
  get isCurrent(): boolean {
    return this.#structure === this.#o.cache.structure;
  }

  /** Whether a filter looks at several nodes for this pod. */
  get hasColumnFilters(): boolean {
    return this.#columns.some(({ column }) => !column.isIdle);
  }

  /** Number of nodes that passed. */
  get feasible(): number {
    return this.#verdicts.count;
  }

  /** Changes whenever anything in the columns may have. */
  get version(): number {
    return this.#version;
  }

  get readAt(): ReadAt {
    return { signature: this.signature, position: this.#position };
  }

  get best(): BestRows {
    return this.#totals.best;
  }

  get totals(): ScoreTotals {
    return this.#totals;
  }

  /** Why nodes were refused. */
  refusals(): VerdictSnapshot {
    return this.#verdicts.snapshot();
  }

  /** The columns are followed up no more: what was read off them is kept apart. */
  retire(): void {
    this.#verdicts.retire();
  }

  /** The first row that passed, or -1. */
  firstFeasible(): number {
    return this.#verdicts.numbers.indexOf(PASSED);
  }

  /**
   * Takes over what has changed since the last call.
   *
   * @throws NotColumnarError, and whatever plugins throw; the columns are of no use afterwards
   */
  update(): void {
    const { changes } = this.#o.cache;
    const dirty = this.#dirty;
    const touched = this.#touched;
    dirty.clear();
    touched.clear();
    if (this.#position < 0 || !changes.since(this.#position, dirty)) {
      dirty.clear();
      dirty.isAll = true;
    }
    this.#position = changes.position;
    if (dirty.isAll) touched.isAll = true;
    else for (let i = 0; i < dirty.size; i++) touched.add(dirty.at(i));
    if (dirty.size === 0 && !dirty.isAll && this.#columns.length === 0 && this.#totals.isLocal) return;
    this.#version++;
    for (const { column } of this.#columns) column.update(dirty, touched);
    this.#verdicts.begin();
    if (dirty.isAll) {
      for (let row = 0; row < this.#local.length; row++) this.#localVerdict(row);
    } else for (let i = 0; i < dirty.size; i++) this.#localVerdict(dirty.at(i));
    if (touched.isAll) {
      for (let row = 0; row < this.#local.length; row++) this.#verdict(row);
    } else for (let i = 0; i < touched.size; i++) this.#verdict(touched.at(i));
    this.#totals.update(dirty, touched);
  }

  /** By the plugins that look at one node alone. */
  #localVerdict(row: number): void {
    const { cache, nominated } = this.#o;
    const node = cache.nodeAt(row);
    if (node === undefined) {
      this.#local[row] = NO_NODE;
      return;
    }
    const status = filterOneNode(this.#pod, node, this.#filters, this.#state, nominated);
    if (status === undefined) this.#local[row] = PASSED;
    else if (isRejected(status)) this.#local[row] = this.#verdicts.numberOf(status, status.plugin ?? '');
    else throw new NotColumnarError(`${status.plugin ?? ''} failed`, { cause: status.cause });
  }

  #verdict(row: number): void {
    let number = this.#local[row] ?? NO_NODE;
    if (number === PASSED) {
      for (const { column, plugin } of this.#columns) {
        const status = column.verdict(row);
        if (status === undefined) continue;
        if (!isRejected(status)) throw new NotColumnarError(`${plugin} failed`);
        number = this.#verdicts.numberOf(status, plugin);
        break;
      }
    }
    this.#verdicts.set(row, number);
  }
}

function isSkip(
  plugin: PreScorePlugin,
  state: CycleState,
  pod: Pod,
  nodes: Parameters<PreScorePlugin['preScore']>[2],
): boolean {
  const outcome: Outcome = plugin.preScore(state, pod, nodes);
  if (outcome !== undefined && outcome.code !== 'Skip' && outcome.code !== 'Success')
    throw new NotColumnarError(`${plugin.name} failed`);
  return outcome?.code === 'Skip';
}
