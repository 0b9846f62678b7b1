import type { Clock } from './clock.ts';

/** How delays grow from one failure to the next. */
export interface BackoffPolicy {
  /** Delay after the first failure, milliseconds, at least 0. */
  readonly initialMs: number;
  /** No delay is longer (jitter included), milliseconds. */
  readonly maxMs: number;
  /** Each delay is this many times the one before it, at least 1. */
  readonly factor: number;
  /** Share of a delay, 0 to 1, that is chosen at random: with 0.2 a delay of 10 s becomes 8 to 10 s. */
  readonly jitter: number;
}

/** Source of randomness: uniform in [0, 1). */
export type Random = () => number;

/**
 * The delay after `failures` failures in a row (1 is the first), without jitter.
 *
 * @returns milliseconds; 0 when nothing failed
 */
export function backoffDelay(policy: BackoffPolicy, failures: number): number {
  if (failures <= 0) return 0;
  // The power overflows to Infinity on long failure streaks, which the cap takes care of; 0 * Infinity does not.
  const delay = policy.initialMs === 0 ? 0 : policy.initialMs * policy.factor ** (failures - 1);
  return Math.min(delay, policy.maxMs);
}

/** Delays of one repeated attempt. */
export class Backoff {
  readonly #policy: BackoffPolicy;
  readonly #random: Random;
  #failures = 0;

  constructor(policy: BackoffPolicy, random: Random = Math.random) {
    checkPolicy(policy);
    this.#policy = policy;
    this.#random = random;
  }

  /** Counts a failure and returns how long to wait before the next attempt, milliseconds. */
  next(): number {
    const delay = backoffDelay(this.#policy, ++this.#failures);
    return delay * (1 - this.#policy.jitter * this.#random());
  }

  /** Forgets all failures; to be called after a success. */
  reset(): void {
    this.#failures = 0;
  }

  /** Failures since the last success. */
  get failures(): number {
    return this.#failures;
  }
}

interface Entry {
  failures: number;
  /** Delay that the last failure earned, milliseconds. */
  delay: number;
  /** Monotonic time of the last failure. */
  at: number;
}

/**
 * Delays of many attempts, each with a key of its own. A key that did not fail for twice the longest delay starts
 * afresh.
 */
export class KeyedBackoff<K> {
  readonly #policy: BackoffPolicy;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #random: Random;
  readonly #entries = new Map<K, Entry>();
  #collectAt: number;

  constructor(policy: BackoffPolicy, clock: Pick<Clock, 'monotonic'>, random: Random = Math.random) {
    checkPolicy(policy);
    this.#policy = policy;
    this.#clock = clock;
    this.#random = random;
    this.#collectAt = clock.monotonic() + this.#memoryMs;
  }

  /** Counts a failure of `key` and returns how long to wait before its next attempt, milliseconds. */
  next(key: K): number {
    const now = this.#clock.monotonic();
    if (now >= this.#collectAt) this.gc();
    const failures = (this.#live(key, now)?.failures ?? 0) + 1;
    const delay = backoffDelay(this.#policy, failures) * (1 - this.#policy.jitter * this.#random());
    this.#entries.set(key, { failures, delay, at: now });
    return delay;
  }

  /** What is left of the delay that the last failure of `key` earned, milliseconds; 0 when it may be tried now. */
  delayOf(key: K): number {
    const now = this.#clock.monotonic();
    const entry = this.#live(key, now);
    return entry === undefined ? 0 : Math.max(0, entry.at + entry.delay - now);
  }

  /** Failures of `key` in a row. */
  failures(key: K): number {
    return this.#live(key, this.#clock.monotonic())?.failures ?? 0;
  }

  /** Forgets the failures of `key`; to be called after its success or when it is gone. */
  reset(key: K): void {
    this.#entries.delete(key);
  }

  /** Drops keys that did not fail for long. `next` calls it now and then; memory stays bounded without other calls. */
  gc(): void {
    const now = this.#clock.monotonic();
    for (const [key, entry] of this.#entries) {
      if (now - entry.at > this.#memoryMs) this.#entries.delete(key);
    }
    this.#collectAt = now + this.#memoryMs;
  }

  /** Number of keys remembered. */
  get size(): number {
    return this.#entries.size;
  }

  get #memoryMs(): number {
    return 2 * this.#policy.maxMs;
  }

  #live(key: K, now: number): Entry | undefined {
    const entry = this.#entries.get(key);
    return entry === undefined || now - entry.at > this.#memoryMs ? undefined : entry;
  }
}

function checkPolicy({ initialMs, maxMs, factor, jitter }: BackoffPolicy): void {
  const check = (ok: boolean, field: string, value: number, allowed: string): void => {
    if (!ok) throw new RangeError(`backoff policy: ${field} is ${value}, must be ${allowed}`);
  };
  check(initialMs >= 0, 'initialMs', initialMs, 'at least 0');
  check(
    maxMs >= initialMs && Number.isFinite(maxMs),
    'maxMs',
    maxMs,
    `finite and at least initialMs (${initialMs})`,
  );
  check(factor >= 1, 'factor', factor, 'at least 1');
  check(jitter >= 0 && jitter <= 1, 'jitter', jitter, 'from 0 to 1');
}
