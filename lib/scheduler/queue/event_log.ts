import type { ClusterEvent, EventObjects } from '../framework/plugin.ts';

interface Entry {
  readonly event: ClusterEvent;
  readonly objects: EventObjects;
}

/** What happened in the cluster lately, kept once for all who want to know what has happened since they began. */
export class EventLog {
  readonly #capacity: number;
  #entries: Entry[] = [];
  /** Position of the first entry. */
  #first = 0;

  /** @param capacity more than that are not remembered */
  constructor(capacity = 4096) {
    this.#capacity = capacity;
  }

  /** How many events there have been. */
  get position(): number {
    return this.#first + this.#entries.length;
  }

  record(event: ClusterEvent, objects: EventObjects): void {
    if (this.#entries.length >= this.#capacity) this.#drop(this.#capacity / 2);
    this.#entries.push({ event, objects });
  }

  /** Whether any event since `position` is one of those; true when they are not all remembered. */
  someSince(position: number, isOne: (event: ClusterEvent, objects: EventObjects) => boolean): boolean {
    if (position < this.#first) return true;
    for (let at = position - this.#first; at < this.#entries.length; at++) {
      const entry = this.#entries[at];
      if (entry !== undefined && isOne(entry.event, entry.objects)) return true;
    }
    return false;
  }

  /** Nobody asks any more for what was before `position`. */
  forget(position: number): void {
    const count = Math.min(position - this.#first, this.#entries.length);
    // Not for a few: the others have to be moved.
    if (count === this.#entries.length || count >= 256) this.#drop(count);
  }

  #drop(count: number): void {
    this.#first += count;
    this.#entries = this.#entries.slice(count);
  }
}
