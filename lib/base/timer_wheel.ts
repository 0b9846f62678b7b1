import type { Clock, Timer } from './clock.ts';

export interface TimerWheelOptions {
  /** Resolution: a timer fires up to this much late, never early. Default 10 ms. */
  readonly tickMs?: number;
  /** Number of slots; timers further away than `slots * tickMs` are looked at once per turn. Default 1024. */
  readonly slots?: number;
  /** Told of a callback that threw; the others of the same tick run all the same. */
  readonly onError: (err: unknown) => void;
}

interface Entry {
  readonly tick: number;
  readonly fn: () => void;
}

/**
 * Thousands of timers on one timer of the {@link Clock}: setting and cancelling cost the same whatever their number,
 * and timers due within one tick are fired by one wake-up. Timers of the same tick fire in the order they were set.
 */
export class TimerWheel implements Pick<Clock, 'setTimer'> {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #slots: readonly Set<Entry>[];
  readonly #onError: (err: unknown) => void;
  readonly #origin: number;
  /** Last tick whose slot was emptied. */
  #done = 0;
  #size = 0;
  #armed: { readonly tick: number; readonly timer: Timer } | undefined;

  constructor(clock: Clock, options: TimerWheelOptions) {
    this.#clock = clock;
    this.#tickMs = options.tickMs ?? 10;
    this.#slots = Array.from({ length: options.slots ?? 1024 }, () => new Set<Entry>());
    this.#onError = options.onError;
    this.#origin = clock.monotonic();
  }

  /** Timers that have not fired yet. */
  get size(): number {
    return this.#size;
  }

  setTimer(ms: number, fn: () => void): Timer {
    const due = this.#clock.monotonic() - this.#origin + Math.max(0, ms);
    const tick = Math.max(this.#done + 1, Math.ceil(due / this.#tickMs));
    const entry: Entry = { tick, fn };
    const slot = this.#slot(tick);
    slot.add(entry);
    this.#size++;
    if (this.#armed === undefined || tick < this.#armed.tick) this.#arm(tick);
    return {
      cancel: () => {
        if (slot.delete(entry)) this.#size--;
      },
    };
  }

  /** Drops all timers. */
  clear(): void {
    for (const slot of this.#slots) slot.clear();
    this.#size = 0;
    this.#armed?.timer.cancel();
    this.#armed = undefined;
  }

  #slot(tick: number): Set<Entry> {
    const slot = this.#slots[tick % this.#slots.length];
    if (slot === undefined) throw new RangeError(`no slot for tick ${tick}`);
    return slot;
  }

  #arm(tick: number): void {
    this.#armed?.timer.cancel();
    const wait = this.#origin + tick * this.#tickMs - this.#clock.monotonic();
    this.#armed = { tick, timer: this.#clock.setTimer(wait, () => this.#fire()) };
  }

  #fire(): void {
    this.#armed = undefined;
    const now = Math.floor((this.#clock.monotonic() - this.#origin) / this.#tickMs + 1e-6);
    const due: Entry[] = [];
    // After a long sleep of the process one turn over all slots is enough: what is due is told by its tick.
    const from = Math.max(this.#done + 1, now - this.#slots.length + 1);
    for (let tick = from; tick <= now; tick++) {
      const slot = this.#slot(tick);
      if (slot.size > 0) for (const entry of slot) if (entry.tick <= now) due.push(entry);
    }
    this.#done = Math.max(this.#done, now);
    due.sort((a, b) => a.tick - b.tick);
    for (const entry of due) {
      // A callback before it may have cancelled this one.
      if (!this.#slot(entry.tick).delete(entry)) continue;
      this.#size--;
      try {
        entry.fn();
      } catch (err) {
        this.#onError(err);
      }
    }
    const next = this.#nextTick();
    if (next !== undefined) {
      const armed = this.#armedTick();
      if (armed === undefined || next < armed) this.#arm(next);
    }
  }

  // A method, because callbacks of `#fire` may have armed the wheel behind the compiler's back.
  #armedTick(): number | undefined {
    return this.#armed?.tick;
  }

  /** The next tick whose slot has something in it, be it for a later turn. */
  #nextTick(): number | undefined {
    if (this.#size === 0) return undefined;
    for (let tick = this.#done + 1; tick <= this.#done + this.#slots.length; tick++) {
      if (this.#slot(tick).size > 0) return tick;
    }
    return undefined;
  }
}
