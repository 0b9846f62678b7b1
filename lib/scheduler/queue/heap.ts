/** A binary heap of items with identity, so that one in the middle can be taken out or moved. */
export class KeyedHeap<T> {
  readonly #compare: (a: T, b: T) => number;
  readonly #keyOf: (item: T) => string;
  readonly #items: T[] = [];
  readonly #position = new Map<string, number>();

  /** @param compare negative when `a` is nearer the top */
  constructor(keyOf: (item: T) => string, compare: (a: T, b: T) => number) {
    this.#keyOf = keyOf;
    this.#compare = compare;
  }

  get size(): number {
    return this.#items.length;
  }

  values(): readonly T[] {
    return this.#items;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  get(key: string): T | undefined {
    const at = this.#position.get(key);
    return at === undefined ? undefined : this.#items[at];
  }

  /** Adds the item, or puts it in the place of the one of the same key. */
  put(item: T): void {
    this.remove(this.#keyOf(item));
    this.#items.push(item);
    this.#place(item, this.#items.length - 1);
    this.#up(this.#items.length - 1);
  }

  pop(): T | undefined {
    const top = this.#items[0];
    if (top !== undefined) this.remove(this.#keyOf(top));
    return top;
  }

  remove(key: string): T | undefined {
    const at = this.#position.get(key);
    if (at === undefined) return undefined;
    const item = this.#items[at];
    const last = this.#items.pop();
    this.#position.delete(key);
    if (last !== undefined && at < this.#items.length) {
      this.#place(last, at);
      this.#up(at);
      this.#down(this.#position.get(this.#keyOf(last)) ?? at);
    }
    return item;
  }

  #place(item: T, at: number): void {
    this.#items[at] = item;
    this.#position.set(this.#keyOf(item), at);
  }

  #up(from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfAbove(at, parent)) return;
      at = parent;
    }
  }

  #down(from: number): void {
    let at = from;
    for (;;) {
      const left = at * 2 + 1;
      const right = left + 1;
      const child = this.#isAbove(right, left) ? right : left;
      if (!this.#swapIfAbove(child, at)) return;
      at = child;
    }
  }

  #isAbove(a: number, b: number): boolean {
    const x = this.#items[a];
    const y = this.#items[b];
    return x !== undefined && y !== undefined && this.#compare(x, y) < 0;
  }

  #swapIfAbove(lower: number, upper: number): boolean {
    const x = this.#items[lower];
    const y = this.#items[upper];
    if (x === undefined || y === undefined || this.#compare(x, y) >= 0) return false;
    this.#place(x, upper);
    this.#place(y, lower);
    return true;
  }
}
