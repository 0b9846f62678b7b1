import type { Clock } from '../base/clock.ts';

/** A bounded cache whose entries expire; several callers that miss the same key share one load. */
export class TtlCache<V> {
  readonly #clock: Clock;
  readonly #maxEntries: number;
  /** In order of last use, oldest first. */
  readonly #entries = new Map<string, { value: V; expiresAt: number }>();
  readonly #loading = new Map<string, Promise<V>>();

  constructor(clock: Clock, maxEntries: number) {
    this.#clock = clock;
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * The cached value, or what `load` gives, kept for `ttlMs(value)`; 0 or less is not kept. A failed load is not kept
   * and fails for all who wait for it.
   */
  get(key: string, load: () => Promise<V>, ttlMs: (value: V) => number): Promise<V> {
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      this.#entries.delete(key);
      if (entry.expiresAt > this.#clock.monotonic()) {
        this.#entries.set(key, entry);
        return Promise.resolve(entry.value);
      }
    }
    const loading = this.#loading.get(key);
    if (loading !== undefined) return loading;
    const started = this.#load(key, load, ttlMs);
    this.#loading.set(key, started);
    return started;
  }

  async #load(key: string, load: () => Promise<V>, ttlMs: (value: V) => number): Promise<V> {
    try {
      const value = await load();
      const ttl = ttlMs(value);
      if (ttl > 0) {
        this.#entries.set(key, { value, expiresAt: this.#clock.monotonic() + ttl });
        for (const oldest of this.#entries.keys()) {
          if (this.#entries.size <= this.#maxEntries) break;
          this.#entries.delete(oldest);
        }
      }
      return value;
    } finally {
      this.#loading.delete(key);
    }
  }
}
