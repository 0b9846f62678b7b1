/** A set of node rows that is emptied and filled again many times: adding costs one store, emptying nothing. */
export class RowSet {
  #stamps: Uint32Array;
  #list: Int32Array;
  #size = 0;
  #epoch = 1;
  /** All rows are meant, whatever was added one by one. */
  isAll = false;

  constructor(rows = 16) {
    this.#stamps = new Uint32Array(rows);
    this.#list = new Int32Array(rows);
  }

  /** Rows added one by one. */
  get size(): number {
    return this.#size;
  }

  /** The i-th row that was added. */
  at(i: number): number {
    return this.#list[i] ?? -1;
  }

  has(row: number): boolean {
    return this.isAll || this.#stamps[row] === this.#epoch;
  }

  add(row: number): void {
    if (row >= this.#stamps.length) this.#grow(row);
    if (this.#stamps[row] === this.#epoch) return;
    this.#stamps[row] = this.#epoch;
    this.#list[this.#size++] = row;
  }

  addAll(rows: Int32Array): void {
    for (let i = 0; i < rows.length; i++) this.add(rows[i] ?? 0);
  }

  clear(): void {
    this.#size = 0;
    this.isAll = false;
    if (++this.#epoch < 0xffffffff) return;
    this.#stamps.fill(0);
    this.#epoch = 1;
  }

  #grow(row: number): void {
    const length = Math.max(row + 1, this.#stamps.length * 2);
    const stamps = new Uint32Array(length);
    stamps.set(this.#stamps);
    this.#stamps = stamps;
    const list = new Int32Array(length);
    list.set(this.#list);
    this.#list = list;
  }
}
