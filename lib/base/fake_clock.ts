import type { Clock, Timer } from './clock.ts';
import { sleepOn } from './clock.ts';

interface Pending {
  at: number;
  order: number;
  fn: () => void;
}

/** A {@link Clock} for tests: time stands still until {@link FakeClock.advance} moves it. */
export class FakeClock implements Clock {
  #wall: number;
  #elapsed = 0;
  #order = 0;
  #pending: Pending[] = [];

  /** @param startMs wall-clock start, milliseconds since the epoch */
  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#wall = startMs;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  setTimer(ms: number, fn: () => void): Timer {
    const entry: Pending = { at: this.#elapsed + Math.max(0, ms), order: this.#order++, fn };
    this.#pending.push(entry);
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((p) => p !== entry);
      },
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  /** Number of timers (and sleeps) not yet due. */
  get pending(): number {
    return this.#pending.length;
  }

  /** Sets the wall clock alone, as an operator or NTP would; timers are not affected. */
  stepWall(ms: number): void {
    this.#wall += ms;
  }

  /**
   * Moves both clocks forward, firing due timers in order; after each one, pending promise callbacks run, so a
   * loop that sleeps again inside the interval is woken again.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await settle();
    for (;;) {
      const next = this.#pending
        .filter((p) => p.at <= end)
        .toSorted((a, b) => a.at - b.at || a.order - b.order)[0];
      if (next === undefined) break;
      this.#pending = this.#pending.filter((p) => p !== next);
      this.#move(next.at);
      next.fn();
      await settle();
    }
    this.#move(end);
    await settle();
  }

  #move(to: number): void {
    if (to <= this.#elapsed) return;
    this.#wall += to - this.#elapsed;
    this.#elapsed = to;
  }
}

// Several macrotask turns, so that chains of awaits (and setImmediate-based code) come to rest.
async function settle(): Promise<void> {
  for (let i = 0; i < 4; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
