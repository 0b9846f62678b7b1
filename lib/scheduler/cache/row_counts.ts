/** A count per node row that grows with the rows. */
export class RowCounts {
  #counts: Int32Array;
  #total = 0;

  constructor(rows = 16) {
    this.#counts = new Int32Array(Math.max(16, rows));
  }

  /** Sum over all rows. */
  get total(): number {
    return this.#total;
  }

  at(row: number): number {
    return this.#counts[row] ?? 0;
  }

  add(row: number, by: number): void {
    if (row >= this.#counts.length) {
      const larger = new Int32Array(Math.max(row + 1, this.#counts.length * 2));
      larger.set(this.#counts);
      this.#counts = larger;
    }
    this.#counts[row] = this.at(row) + by;
    this.#total += by;
  }
}
