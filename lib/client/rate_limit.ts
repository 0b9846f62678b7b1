import type { Clock } from '../base/clock.ts';

/**
 * Client-side rate limit: a bucket of `burst` tokens refilled at `qps` a second; a call takes one and waits in line
 * while there is none.
 */
export class TokenBucket {
  readonly #qps: number;
  readonly #burst: number;
  readonly #clock: Clock;
  // May be negative: tokens promised to callers that wait.
  #tokens: number;
  #at: number;

  /** @param qps tokens a second; 0 or less means no limit. @param burst at least 1 */
  constructor(qps: number, burst: number, clock: Clock) {
    this.#qps = qps;
    this.#burst = Math.max(1, burst);
    this.#clock = clock;
    this.#tokens = this.#burst;
    this.#at = clock.monotonic();
  }

  /** Takes a token if there is one now. */
  tryTake(): boolean {
    if (this.#qps <= 0) return true;
    this.#refill();
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** Resolves when the caller's token is due, in the order of the calls; rejects when the signal aborts. */
  async take(signal?: AbortSignal): Promise<void> {
    if (this.tryTake()) return;
    this.#tokens--;
    try {
      await this.#clock.sleep((-this.#tokens / this.#qps) * 1000, signal);
    } catch (err) {
      this.#tokens++; // nobody will use it
      throw err;
    }
  }

  /** Whether nothing has been taken for so long that the bucket is full again. */
  get full(): boolean {
    this.#refill();
    return this.#tokens >= this.#burst;
  }

  #refill(): void {
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1000) * this.#qps);
    this.#at = now;
  }
}
