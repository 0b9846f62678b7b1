/** The least of many counts, kept as they change one at a time. */
export class LeastCount {
  /** How many have each count. */
  readonly #having = new Map<number, number>();
  #least = Number.POSITIVE_INFINITY;
  #size = 0;

  /** How many counts there are. */
  get size(): number {
    return this.#size;
  }

  /** Infinite when there are none. */
  get least(): number {
    return this.#least;
  }

  add(count: number): void {
    this.#size++;
    this.#having.set(count, (this.#having.get(count) ?? 0) + 1);
    if (count < this.#least) this.#least = count;
  }

  change(before: number, after: number): void {
    if (before === after) return;
    const left = (this.#having.get(before) ?? 0) - 1;
    if (left > 0) this.#having.set(before, left);
    else this.#having.delete(before);
    this.#having.set(after, (this.#having.get(after) ?? 0) + 1);
    if (after < this.#least) this.#least = after;
    else if (before === this.#least && left <= 0) {
      this.#least = Number.POSITIVE_INFINITY;
      for (const count of this.#having.keys()) if (count < this.#least) this.#least = count;
    }
  }
}
