/** Weighted numbers of pods per domain of a topology key, followed up row by row. */
import type { RowCounts } from './row_counts.ts';
import type { RowSet } from './row_set.ts';
import type { TopologyColumn } from './topology.ts';

/** Pods that count, per row of their node. */
export interface DomainSource {
  readonly counts: RowCounts;
  readonly weight: number;
}

/** A source as it was when it was last looked at. */
interface Followed extends DomainSource {
  readonly last: Int32Array;
}

export class DomainSums {
  readonly column: TopologyColumn;
  readonly #sources: readonly Followed[];
  /** Rows that count; undefined for all of them. */
  readonly #takesPart: Uint8Array | undefined;
  readonly #sums: Float64Array;
  /** Per source, the rows with a domain that have pods. */
  #filled = 0;
  #positive = 0;

  constructor(column: TopologyColumn, sources: readonly DomainSource[], takesPart?: Uint8Array) {
    const rows = column.domainOf.length;
    this.column = column;
    this.#takesPart = takesPart;
    this.#sums = new Float64Array(column.values.length);
    this.#sources = sources.map((source) => ({ ...source, last: new Int32Array(rows) }));
    for (let row = 0; row < rows; row++) this.#follow(row);
  }

  /** Whether no pod counts in any domain. */
  get isEmpty(): boolean {
    return this.#filled === 0;
  }

  /** Number of domains with a sum above zero. */
  get positive(): number {
    return this.#positive;
  }

  ofDomain(domain: number): number {
    return this.#sums[domain] ?? 0;
  }

  /** 0 for a node without the label. */
  at(row: number): number {
    return this.#sums[this.column.domainOf[row] ?? -1] ?? 0;
  }

  /**
   * Counts the rows anew.
   *
   * @param changed called with each domain whose sum changed, and with what it was
   */
  update(dirty: RowSet, changed: (domain: number, before: number) => void): void {
    if (dirty.isAll) for (let row = 0; row < this.column.domainOf.length; row++) this.#update(row, changed);
    else for (let i = 0; i < dirty.size; i++) this.#update(dirty.at(i), changed);
  }

  #update(row: number, changed: (domain: number, before: number) => void): void {
    const domain = this.column.domainOf[row] ?? -1;
    if (domain < 0) return;
    const before = this.#sums[domain] ?? 0;
    this.#follow(row);
    if (this.#sums[domain] !== before) changed(domain, before);
  }

  #follow(row: number): void {
    const domain = this.column.domainOf[row] ?? -1;
    if (domain < 0 || (this.#takesPart !== undefined && this.#takesPart[row] === 0)) return;
    const before = this.#sums[domain] ?? 0;
    let sum = before;
    for (const { counts, weight, last } of this.#sources) {
      const count = counts.at(row);
      const was = last[row] ?? 0;
      if (count === was) continue;
      last[row] = count;
      sum += weight * (count - was);
      if (was === 0) this.#filled++;
      else if (count === 0) this.#filled--;
    }
    this.#sums[domain] = sum;
    if (before <= 0 && sum > 0) this.#positive++;
    else if (before > 0 && sum <= 0) this.#positive--;
  }
}
