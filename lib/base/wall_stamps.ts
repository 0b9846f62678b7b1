/**
 * Ages of things that carry a wall-clock stamp of this machine (when a container began, when it ended), right also after the
 * wall clock was set: by an operator, by NTP at boot, by a machine that was suspended.
 */
import type { Clock } from './clock.ts';

/** A stretch of time in which the wall clock ran with the monotonic one. */
interface Stretch {
  /** Monotonic. */
  readonly fromMs: number;
  /** Wall clock less monotonic clock. */
  aheadMs: number;
}

/** What is slewed between two looks is no step. */
const STEP_MS = 500;
/** Stretches that are remembered. */
const MAX_STRETCHES = 32;

export class WallStamps {
  readonly #clock: Pick<Clock, 'monotonic' | 'now'>;
  readonly #bornMs: number;
  /** In order; the first reaches back to before this process. */
  #stretches: Stretch[];

  constructor(clock: Pick<Clock, 'monotonic' | 'now'>) {
    this.#clock = clock;
    this.#bornMs = clock.monotonic();
    this.#stretches = [{ fromMs: Number.NEGATIVE_INFINITY, aheadMs: clock.now() - this.#bornMs }];
  }

  /**
   * Notices whether the wall clock was set. To be called every second or so: a stamp of the time between a step and the look
   * that notices it may be taken for one of before.
   *
   * @returns by how much it was set, milliseconds; 0: it was not
   */
  look(): number {
    const { monotonic, aheadMs } = this.#read();
    const last = this.#last;
    const stepMs = aheadMs - last.aheadMs;
    if (Math.abs(stepMs) < STEP_MS) {
      last.aheadMs = aheadMs;
      return 0;
    }
    this.#stretches.push({ fromMs: monotonic, aheadMs });
    if (this.#stretches.length > MAX_STRETCHES) this.#stretches = this.#stretches.slice(-MAX_STRETCHES);
    return stepMs;
  }

  /**
   * What the stamp would read had the wall clock always been as it is now; `clock.now()` less that is the true age.
   * A stamp that lies ahead of every reading was made before this process began, by a clock that was set back since: it is
   * taken for the time at which this process began.
   *
   * @param stampMs milliseconds since the epoch; 0 and below is no stamp and comes back as it is
   */
  present(stampMs: number): number {
    if (stampMs <= 0) return stampMs;
    this.look();
    const last = this.#last;
    const nowMs = this.#clock.monotonic();
    const future = stampMs - last.aheadMs > nowMs + STEP_MS;
    if (!future && this.#stretches.length === 1) return stampMs;
    let best = last.aheadMs;
    let bestDistance = Number.POSITIVE_INFINITY;
    this.#stretches.forEach(({ fromMs, aheadMs }, i) => {
      const untilMs = this.#stretches[i + 1]?.fromMs ?? nowMs;
      const at = stampMs - aheadMs;
      const distance = Math.max(0, fromMs - at, at - untilMs);
      if (distance > bestDistance) return;
      best = aheadMs;
      bestDistance = distance;
    });
    const at = stampMs - best;
    return (at > nowMs + STEP_MS ? this.#bornMs : at) + last.aheadMs;
  }

  get #last(): Stretch {
    const last = this.#stretches.at(-1);
    if (last === undefined) throw new Error('there is no stretch of time');
    return last;
  }

  #read(): { readonly monotonic: number; readonly aheadMs: number } {
    const monotonic = this.#clock.monotonic();
    return { monotonic, aheadMs: this.#clock.now() - monotonic };
  }
}
