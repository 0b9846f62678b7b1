/**
 * Decides when to bring changes into force: at once when it was quiet, at intervals under load (so that many changes make
 * one commit), again after failures with growing delay, and from time to time without any change.
 */
import type { BackoffPolicy } from '../base/backoff.ts';
import { Backoff } from '../base/backoff.ts';
import type { Clock, Timer } from '../base/clock.ts';

export interface SyncRunnerOptions {
  readonly clock: Clock;
  /**
   * Time between the starts of two syncs; 0: none. Up to {@link EARLY_MS} less while syncing takes no more than a tenth of
   * the time: the interval is there to bound what syncs cost.
   */
  readonly minIntervalMs: number;
  /** `periodic` is called that often, whatever else happens. */
  readonly periodMs: number;
  /** Brings changes into force. A rejection makes it run again with back-off. */
  readonly sync: () => Promise<void>;
  /** Looks after what changes without our doing; may request a sync. */
  readonly periodic: () => Promise<void>;
  readonly onError: (err: unknown, retryInMs: number) => void;
  readonly random?: () => number;
}

const EARLY_MS = 500;

const RETRY: BackoffPolicy = { initialMs: 250, maxMs: 30_000, factor: 2, jitter: 0.2 };

export class SyncRunner {
  readonly #options: SyncRunnerOptions;
  readonly #backoff: Backoff;
  #requested = false;
  #periodDue = false;
  #notBefore = -Infinity;
  #wake: (() => void) | undefined;
  #timer: Timer | undefined;

  constructor(options: SyncRunnerOptions) {
    this.#options = options;
    this.#backoff = new Backoff(RETRY, options.random);
  }

  /** A sync is needed; cheap, call it for every change. */
  request(): void {
    this.#requested = true;
    this.#wake?.();
  }

  /** Runs syncs one after the other until the signal aborts; the one under way is finished. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, periodMs } = this.#options;
    const abort = (): void => this.#wake?.();
    signal.addEventListener('abort', abort, { once: true });
    let periodTimer: Timer | undefined;
    const armPeriod = (): void => {
      periodTimer = clock.setTimer(periodMs, () => {
        this.#periodDue = true;
        this.#wake?.();
        armPeriod();
      });
    };
    armPeriod();
    try {
      for (;;) {
        await this.#due(signal);
        if (signal.aborted) return;
        await this.#once();
      }
    } finally {
      periodTimer?.cancel();
      this.#timer?.cancel();
      signal.removeEventListener('abort', abort);
    }
  }

  async #once(): Promise<void> {
    const { clock, minIntervalMs, sync, periodic, onError } = this.#options;
    const started = clock.monotonic();
    try {
      if (this.#periodDue) {
        this.#periodDue = false;
        await periodic();
      }
      if (this.#requested && this.#isDue()) {
        this.#requested = false;
        await sync();
        const took = clock.monotonic() - started;
        this.#notBefore = started + Math.max(minIntervalMs - EARLY_MS, Math.min(minIntervalMs, 10 * took));
        this.#backoff.reset();
      }
    } catch (err) {
      const delay = this.#backoff.next();
      this.#requested = true;
      this.#notBefore = clock.monotonic() + delay;
      onError(err, delay);
    }
  }

  #isDue(): boolean {
    return this.#options.clock.monotonic() >= this.#notBefore;
  }

  // Resolves when there is something to do, or the signal aborted.
  #due(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (signal.aborted || this.#periodDue || (this.#requested && this.#isDue())) {
          this.#wake = undefined;
          this.#timer?.cancel();
          this.#timer = undefined;
          resolve();
        } else if (this.#requested && this.#timer === undefined) {
          const wait = this.#notBefore - this.#options.clock.monotonic();
          this.#timer = this.#options.clock.setTimer(wait, () => {
            this.#timer = undefined;
            check();
          });
        }
      };
      this.#wake = check;
      check();
    });
  }
}
