/** The best of many nodes, kept as single nodes change: the highest total of each block of rows, and the best of these. */
import { PASSED } from './verdicts.ts';

const OUT = Number.NEGATIVE_INFINITY;
const BITS = 6;
/** Rows of a block: about as many as there are blocks, where there are some thousand rows. */
const BLOCK = 1 << BITS;

export class BestRows {
  readonly #totals: Float64Array;
  readonly #verdicts: Uint16Array;
  /** Per block, the highest total of its rows that passed, and how many have it. */
  readonly #highest: Float64Array;
  readonly #count: Int32Array;
  readonly #isStale: Uint8Array;
  #anyStale = true;
  #best = OUT;
  #ties = 0;

  /**
   * @param totals per row
   * @param verdicts per row; only rows that passed count
   */
  constructor(totals: Float64Array, verdicts: Uint16Array) {
    const blocks = (totals.length + BLOCK - 1) >> BITS;
    this.#totals = totals;
    this.#verdicts = verdicts;
    this.#highest = new Float64Array(blocks);
    this.#count = new Int32Array(blocks);
    this.#isStale = new Uint8Array(blocks).fill(1);
  }

  /** The total or the verdict of the row is another one now. */
  changed(row: number): void {
    this.#isStale[row >> BITS] = 1;
    this.#anyStale = true;
  }

  allChanged(): void {
    this.#isStale.fill(1);
    this.#anyStale = true;
  }

  /** -Infinity when no row passed. */
  get highest(): number {
    this.#refresh();
    return this.#best;
  }

  /** How many rows have the highest total. */
  get ties(): number {
    this.#refresh();
    return this.#ties;
  }

  /** The k-th (from 0) of the rows that have the highest total; -1 where there are not so many. */
  tie(k: number): number {
    this.#refresh();
    let left = k;
    for (let block = 0; block < this.#count.length; block++) {
      if (this.#highest[block] !== this.#best) continue;
      const count = this.#count[block] ?? 0;
      if (left >= count) {
        left -= count;
        continue;
      }
      for (let row = block << BITS; ; row++)
        if (this.#totals[row] === this.#best && this.#verdicts[row] === PASSED && left-- === 0) return row;
    }
    return -1;
  }

  /** Up to `most` rows, the best first. */
  top(most: number): number[] {
    this.#refresh();
    const blocks = new Best(most);
    for (let block = 0; block < this.#highest.length; block++)
      if ((this.#count[block] ?? 0) > 0) blocks.offer(block, this.#highest[block] ?? OUT);
    const rows = new Best(most);
    for (const block of blocks.items) {
      // Blocks come best first: none after this one has any better.
      if (rows.isFull && (this.#highest[block] ?? OUT) <= rows.least) break;
      const end = Math.min((block + 1) << BITS, this.#totals.length);
      for (let row = block << BITS; row < end; row++)
        if (this.#verdicts[row] === PASSED) rows.offer(row, this.#totals[row] ?? OUT);
    }
    return rows.items;
  }

  #refresh(): void {
    if (!this.#anyStale) return;
    this.#anyStale = false;
    const highest = this.#highest;
    const counts = this.#count;
    let best = OUT;
    let ties = 0;
    for (let block = 0; block < highest.length; block++) {
      if (this.#isStale[block] === 1) this.#scan(block);
      const total = highest[block] ?? OUT;
      if (total > best) {
        best = total;
        ties = counts[block] ?? 0;
      } else if (total === best) ties += counts[block] ?? 0;
    }
    this.#best = best;
    this.#ties = best === OUT ? 0 : ties;
  }

  #scan(block: number): void {
    const totals = this.#totals;
    const verdicts = this.#verdicts;
    const end = Math.min((block + 1) << BITS, totals.length);
    let best = OUT;
    let count = 0;
    for (let row = block << BITS; row < end; row++) {
      if (verdicts[row] !== PASSED) continue;
      const total = totals[row] ?? OUT;
      if (total > best) {
        best = total;
        count = 1;
      } else if (total === best) count++;
    }
    this.#highest[block] = best;
    this.#count[block] = count;
    this.#isStale[block] = 0;
  }
}

/** The best few of many, those offered earlier before equals. */
class Best {
  readonly items: number[] = [];
  readonly #totals: number[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get isFull(): boolean {
    return this.items.length === this.#most;
  }

  /** The lowest total among them. */
  get least(): number {
    return this.#totals.at(-1) ?? OUT;
  }

  offer(item: number, total: number): void {
    let at = this.items.length;
    if (at === this.#most) {
      if (at === 0 || total <= (this.#totals[at - 1] ?? OUT)) return;
      at--;
    }
    for (; at > 0 && (this.#totals[at - 1] ?? OUT) < total; at--) {
      this.items[at] = this.items[at - 1] ?? -1;
      this.#totals[at] = this.#totals[at - 1] ?? OUT;
    }
    this.items[at] = item;
    this.#totals[at] = total;
  }
}
