/** Time in a simulation: it stands still while there is something to do, and leaps to the next timer then. */
import type { Clock, Timer } from '../../base/clock.ts';
import { sleepOn } from '../../base/clock.ts';

interface Entry {
  readonly at: number;
  readonly fn: () => void;
}

/** The same in every run, so that nothing depends on the day. */
const START = Date.UTC(2026, 0, 1);

export class SimulatedClock implements Clock {
  #elapsed = 0;
  readonly #timers = new Set<Entry>();

  now(): number {
    return START + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  setTimer(ms: number, fn: () => void): Timer {
    const entry = { at: this.#elapsed + Math.max(0, ms), fn };
    this.#timers.add(entry);
    return { cancel: () => void this.#timers.delete(entry) };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  /** When the next timer is due, on the monotonic clock. */
  get nextTimer(): number | undefined {
    let next: number | undefined;
    for (const { at } of this.#timers) if (next === undefined || at < next) next = at;
    return next;
  }

  /** Moves on without looking at timers. */
  tick(ms: number): void {
    this.#elapsed += ms;
  }

  /** Moves to the next timer and fires it, with all that are due at the same time. */
  leap(): void {
    const at = this.nextTimer;
    if (at === undefined) return;
    this.#elapsed = Math.max(this.#elapsed, at);
    for (const entry of Array.from(this.#timers)) {
      if (entry.at > this.#elapsed || !this.#timers.delete(entry)) continue;
      entry.fn();
    }
  }
}
