/**
 * Items with identity in an order, so that one in the middle can be taken out or moved. Items that come in order, as most
 * do, wait in a line, to which adding and from whose front taking costs the same however long it is; the others are in a
 * binary heap beside it.
 */
export class KeyedHeap<T> {
  readonly #compare: (a: T, b: T) => number;
  readonly #keyOf: (item: T) => string;
  readonly #slots: Slot<T>[] = [];
  readonly #byKey = new Map<string, Slot<T>>();
  readonly #line: Line<T>;

  /** @param compare negative when `a` is nearer the top */
  constructor(keyOf: (item: T) => string, compare: (a: T, b: T) => number) {
    this.#keyOf = keyOf;
    this.#compare = compare;
    this.#line = new Line(compare);
  }

  get size(): number {
    return this.#byKey.size;
  }

  values(): readonly T[] {
    return Array.from(this.#byKey.values(), (slot) => slot.item);
  }

  peek(): T | undefined {
    return this.#top()?.item;
  }

  get(key: string): T | undefined {
    return this.#byKey.get(key)?.item;
  }

  /** Adds the item, or puts it in the place of the one of the same key. */
  put(item: T): void {
    const key = this.#keyOf(item);
    this.remove(key);
    const slot = { item, at: this.#slots.length, inLine: false };
    this.#byKey.set(key, slot);
    if (this.#line.append(slot)) return;
    this.#slots.push(slot);
    this.#up(slot);
  }

  pop(): T | undefined {
    const top = this.#top();
    if (top !== undefined) this.remove(this.#keyOf(top.item));
    return top?.item;
  }

  remove(key: string): T | undefined {
    const slot = this.#byKey.get(key);
    if (slot === undefined) return undefined;
    this.#byKey.delete(key);
    if (slot.inLine) this.#line.remove(slot);
    else this.#takeOut(slot);
    return slot.item;
  }

  #top(): Slot<T> | undefined {
    const [slot] = this.#slots;
    const { first } = this.#line;
    if (slot === undefined || first === undefined) return slot ?? first;
    return this.#compare(slot.item, first.item) < 0 ? slot : first;
  }

  #takeOut(slot: Slot<T>): void {
    const last = this.#slots.pop();
    if (last === undefined || last === slot) return;
    this.#slots[slot.at] = last;
    last.at = slot.at;
    this.#up(last);
    this.#down(last);
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
  /** Index in the heap, or counted from the first that ever stood in the line. */
  at: number;
  inLine: boolean;
}

/** Gaps at the front of the line are closed when there are more than these, and more of them than of items. */
const MAX_GAPS = 1024;

/** Items in order; who leaves from the middle leaves a gap. */
class Line<T> {
  readonly #compare: (a: T, b: T) => number;
  #slots: (Slot<T> | undefined)[] = [];
  /** How many places were dropped from the front of the array. */
  #dropped = 0;
  #first = 0;

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  get first(): Slot<T> | undefined {
    return this.#slots[this.#first];
  }

  /** False when the item would have to stand before the last one. */
  append(slot: Slot<T>): boolean {
    const last = this.#slots.at(-1);
    if (last !== undefined && this.#compare(last.item, slot.item) > 0) return false;
    slot.at = this.#dropped + this.#slots.length;
    slot.inLine = true;
    this.#slots.push(slot);
    return true;
  }

  remove(slot: Slot<T>): void {
    const slots = this.#slots;
    slots[slot.at - this.#dropped] = undefined;
    // Neither the first nor the last place is ever a gap.
    while (slots.length > this.#first && slots.at(-1) === undefined) slots.pop();
    while (this.#first < slots.length && slots[this.#first] === undefined) this.#first++;
    if (this.#first < slots.length && (this.#first <= MAX_GAPS || this.#first * 2 <= slots.length)) return;
    this.#dropped += this.#first;
    this.#slots = slots.slice(this.#first);
    this.#first = 0;
  }
}
