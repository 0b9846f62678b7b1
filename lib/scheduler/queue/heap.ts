/** A binary heap of items with identity, so that one in the middle can be taken out or moved. */
export class KeyedHeap<T> {
  readonly #compare: (a: T, b: T) => number;
  readonly #keyOf: (item: T) => string;
  readonly #slots: Slot<T>[] = [];
  readonly #byKey = new Map<string, Slot<T>>();

  /** @param compare negative when `a` is nearer the top */
  constructor(keyOf: (item: T) => string, compare: (a: T, b: T) => number) {
    this.#keyOf = keyOf;
    this.#compare = compare;
  }

  get size(): number {
    return this.#slots.length;
  }

  values(): readonly T[] {
    return this.#slots.map((slot) => slot.item);
  }

  peek(): T | undefined {
    return this.#slots[0]?.item;
  }

  get(key: string): T | undefined {
    return this.#byKey.get(key)?.item;
  }

  /** Adds the item, or puts it in the place of the one of the same key. */
  put(item: T): void {
    const key = this.#keyOf(item);
    this.remove(key);
    const slot = { item, at: this.#slots.length };
    this.#slots.push(slot);
    this.#byKey.set(key, slot);
    this.#up(slot);
  }

  pop(): T | undefined {
    const top = this.#slots[0];
    if (top !== undefined) this.remove(this.#keyOf(top.item));
    return top?.item;
  }

  remove(key: string): T | undefined {
    const slot = this.#byKey.get(key);
    if (slot === undefined) return undefined;
    this.#byKey.delete(key);
    const last = this.#slots.pop();
    if (last !== undefined && last !== slot) {
      this.#slots[slot.at] = last;
      last.at = slot.at;
      this.#up(last);
      this.#down(last);
    }
    return slot.item;
  }

  #up(slot: Slot<T>): void {
    while (slot.at > 0) {
      const parent = this.#slots[(slot.at - 1) >> 1];
      if (parent === undefined || this.#compare(slot.item, parent.item) >= 0) return;
      this.#swap(slot, parent);
    }
  }

  #down(slot: Slot<T>): void {
    for (;;) {
      const left = this.#slots[slot.at * 2 + 1];
      const right = this.#slots[slot.at * 2 + 2];
      const child =
        left !== undefined && right !== undefined && this.#compare(right.item, left.item) < 0 ? right : left;
      if (child === undefined || this.#compare(child.item, slot.item) >= 0) return;
      this.#swap(child, slot);
    }
  }

  #swap(a: Slot<T>, b: Slot<T>): void {
    const { at } = a;
    this.#slots[b.at] = a;
    this.#slots[at] = b;
    a.at = b.at;
    b.at = at;
  }
}

/** An item and where it is. */
interface Slot<T> {
  readonly item: T;
  at: number;
}
