/** Room for a few numbers at a time, out of blocks that go when nobody holds any number of them any more. */
export class NumberSlab {
  readonly #size: number;
  #block = new Float64Array(0);
  #used = 0;

  /** @param size numbers of a block */
  constructor(size = 8192) {
    this.#size = size;
  }

  /** Room for `count` numbers, all 0: in `values` from `at` on. */
  take(count: number): { readonly values: Float64Array; readonly at: number } {
    if (this.#used + count > this.#block.length) {
      this.#block = new Float64Array(Math.max(this.#size, count));
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += count;
    return { values: this.#block, at };
  }
}
