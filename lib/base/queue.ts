import type { BackoffPolicy, Random } from './backoff.ts';
import { KeyedBackoff } from './backoff.ts';
import type { Clock, Timer } from './clock.ts';
import { systemClock } from './clock.ts';
import { abortReason, isAbort } from './errors.ts';

export interface KeyedQueueOptions {
  readonly clock?: Clock;
  /** Delays of {@link KeyedQueue.addRateLimited}. Default: 5 ms doubling up to 1000 s, as controllers of Kubernetes use. */
  readonly backoff?: BackoffPolicy;
  readonly random?: Random;
}

export interface KeyedQueueRun<K extends string> {
  /** How many keys are handled at the same time, at least 1. */
  readonly workers: number;
  /** Brings the thing named by `key` up to date. A rejection re-queues the key with a growing delay. */
  readonly handle: (key: K, signal: AbortSignal) => Promise<void>;
  /** Told of every rejection of `handle`, except those caused by `signal`. */
  readonly onError?: (err: unknown, key: K) => void;
  readonly signal: AbortSignal;
}

interface Waiter<K> {
  resolve(key: K): void;
}

/**
 * A queue of keys whose subjects need attention. Adding a key that waits already changes nothing; a key that is
 * added while it is being processed is handed out again once that is done, and never twice at once. First come,
 * first served.
 */
export class KeyedQueue<K extends string> {
  readonly #clock: Clock;
  readonly #backoff: KeyedBackoff<K>;
  readonly #ready = new Set<K>();
  readonly #processing = new Set<K>();
  /** Keys added while in process. */
  readonly #again = new Set<K>();
  readonly #delayed = new Map<K, { at: number; timer: Timer }>();
  readonly #waiters = new Set<Waiter<K>>();

  constructor(options: KeyedQueueOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    const policy = options.backoff ?? { initialMs: 5, maxMs: 1_000_000, factor: 2, jitter: 0 };
    this.#backoff = new KeyedBackoff(policy, this.#clock, options.random);
  }

  /** Keys ready to be handed out; neither delayed ones nor those in process count. */
  get length(): number {
    return this.#ready.size;
  }

  /** Keys whose delay runs. */
  get delayedCount(): number {
    return this.#delayed.size;
  }

  /** Makes `key` ready now. A delay that runs for it is dropped. */
  add(key: K): void {
    this.#cancelDelay(key);
    if (this.#processing.has(key)) {
      this.#again.add(key);
      return;
    }
    this.#ready.add(key);
    this.#serve();
  }

  /**
   * Makes `key` ready in `ms` milliseconds, or at once when `ms` is 0 or less. Of several delays for one key the
   * earliest counts; a key that is ready already stays so.
   */
  addAfter(key: K, ms: number): void {
    if (ms <= 0) {
      this.add(key);
      return;
    }
    if (this.#ready.has(key) || this.#again.has(key)) return;
    const at = this.#clock.monotonic() + ms;
    const running = this.#delayed.get(key);
    if (running !== undefined && running.at <= at) return;
    running?.timer.cancel();
    const timer = this.#clock.setTimer(ms, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { at, timer });
  }

  /** Counts a failure of `key` and makes it ready after the delay that its failures in a row have earned. */
  addRateLimited(key: K): void {
    this.addAfter(key, this.#backoff.next(key));
  }

  /** Forgets the failures of `key`; to be called after a success. The key stays queued if it is. */
  forget(key: K): void {
    this.#backoff.reset(key);
  }

  /** Takes `key` out of the queue, its delay and failures too. One that is in process is not handed out again. */
  remove(key: K): void {
    this.#cancelDelay(key);
    this.#backoff.reset(key);
    this.#ready.delete(key);
    this.#again.delete(key);
  }

  /**
   * Waits for a ready key and hands it out; {@link done} must be called with it.
   *
   * Rejects with the reason of `signal` when that aborts first.
   */
  get(signal: AbortSignal): Promise<K> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(abortReason(signal));
        return;
      }
      const waiter: Waiter<K> = {
        resolve: (key) => {
          signal.removeEventListener('abort', abort);
          resolve(key);
        },
      };
      const abort = (): void => {
        this.#waiters.delete(waiter);
        reject(abortReason(signal));
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#waiters.add(waiter);
      this.#serve();
    });
  }

  /** The work on `key` is over, well or not. A key added meanwhile becomes ready. */
  done(key: K): void {
    this.#processing.delete(key);
    if (this.#again.delete(key)) this.add(key);
  }

  /**
   * Handles keys until `signal` aborts; then waits for the handlers under way (which get the same signal) and
   * resolves. Delays that still run are dropped then. Never rejects.
   */
  async run(options: KeyedQueueRun<K>): Promise<void> {
    const { workers, signal } = options;
    if (!Number.isInteger(workers) || workers < 1) {
      throw new RangeError(`queue: workers is ${workers}, must be a whole number of at least 1`);
    }
    await Promise.all(Array.from({ length: workers }, () => this.#work(options)));
    if (signal.aborted) for (const key of this.#delayed.keys()) this.#cancelDelay(key);
  }

  async #work({ handle, onError, signal }: KeyedQueueRun<K>): Promise<void> {
    while (!signal.aborted) {
      let key: K;
      try {
        key = await this.get(signal);
      } catch (err) {
        if (isAbort(err, signal)) return;
        throw err;
      }
      try {
        await handle(key, signal);
        this.forget(key);
      } catch (err) {
        if (!isAbort(err, signal)) {
          onError?.(err, key);
          this.addRateLimited(key);
        }
      } finally {
        this.done(key);
      }
    }
  }

  #serve(): void {
    for (const waiter of this.#waiters) {
      const next = this.#ready.values().next();
      if (next.done === true) return;
      this.#ready.delete(next.value);
      this.#processing.add(next.value);
      this.#waiters.delete(waiter);
      waiter.resolve(next.value);
    }
  }

  #cancelDelay(key: K): void {
    this.#delayed.get(key)?.timer.cancel();
    this.#delayed.delete(key);
  }
}
