/** The best of many nodes, kept as single nodes change: a tournament over their totals. */

const OUT = Number.NEGATIVE_INFINITY;

/** Changing one row costs the logarithm of the rows; the best and how many are as good are at the root. */
export class BestTree {
  readonly #leaves: number;
  /** Per inner node and leaf, the highest total below it; -Infinity where there is none. */
  readonly #highest: Float64Array;
  /** How many leaves below have that total. */
  readonly #count: Int32Array;

  constructor(rows: number) {
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(2, rows)));
    this.#highest = new Float64Array(this.#leaves * 2).fill(OUT);
    this.#count = new Int32Array(this.#leaves * 2);
  }

  /** -Infinity when no row is in. */
  get highest(): number {
    return this.#highest[1] ?? OUT;
  }

  /** How many rows have the highest total. */
  get ties(): number {
    return this.#count[1] ?? 0;
  }

  /** @param total -Infinity takes the row out */
  set(row: number, total: number): void {
    let at = this.#leaves + row;
    this.#highest[at] = total;
    this.#count[at] = total === OUT ? 0 : 1;
    while (at > 1) {
      at >>= 1;
      if (!this.#play(at)) return;
    }
  }

  /** Sets all rows. @param isIn which rows are in: those where it is 0 */
  setAll(totals: Float64Array, isIn: Uint16Array): void {
    const { length } = totals;
    for (let row = 0; row < length; row++) {
      const inside = isIn[row] === 0;
      this.#highest[this.#leaves + row] = inside ? (totals[row] ?? OUT) : OUT;
      this.#count[this.#leaves + row] = inside ? 1 : 0;
    }
    for (let at = this.#leaves - 1; at > 0; at--) this.#play(at);
  }

  /** The k-th (from 0) of the rows that have the highest total; -1 where there are not so many. */
  tie(k: number): number {
    if (k >= this.ties) return -1;
    let left = k;
    let at = 1;
    while (at < this.#leaves) {
      at *= 2;
      if (this.#highest[at] !== this.#highest[at >> 1]) at++;
      else if (this.#highest[at] === this.#highest[at + 1] && left >= (this.#count[at] ?? 0)) {
        left -= this.#count[at] ?? 0;
        at++;
      }
    }
    return at - this.#leaves;
  }

  /** Up to `most` rows, the best first. */
  top(most: number): number[] {
    const rows: number[] = [];
    // Subtrees still to be looked into, the best last.
    const open: number[] = this.highest === OUT ? [] : [1];
    for (;;) {
      const at = open.pop();
      if (at === undefined) return rows;
      if (at >= this.#leaves) {
        rows.push(at - this.#leaves);
        if (rows.length === most) return rows;
        continue;
      }
      this.#insert(open, at * 2 + 1, most - rows.length);
      this.#insert(open, at * 2, most - rows.length);
    }
  }

  /** Into its place by total, before those that are as good. */
  #insert(open: number[], node: number, most: number): void {
    const total = this.#highest[node] ?? OUT;
    if (total === OUT) return;
    let at = open.length;
    while (at > 0 && (this.#highest[open[at - 1] ?? 0] ?? OUT) > total) at--;
    if (at === 0 && open.length >= most) return;
    open.splice(at, 0, node);
    if (open.length > most) open.shift();
  }

  /** @returns whether the winner above the two, or the number of winners, is another one now */
  #play(at: number): boolean {
    const left = this.#highest[at * 2] ?? OUT;
    const right = this.#highest[at * 2 + 1] ?? OUT;
    const highest = left > right ? left : right;
    const count =
      (left === highest ? (this.#count[at * 2] ?? 0) : 0) +
      (right === highest ? (this.#count[at * 2 + 1] ?? 0) : 0);
    if (this.#highest[at] === highest && this.#count[at] === count) return false;
    this.#highest[at] = highest;
    this.#count[at] = count;
    return true;
  }
}
