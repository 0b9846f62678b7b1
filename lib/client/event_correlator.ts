/**
 * Decides what becomes of an event that a component reports: a new Event object, one more count of an earlier one,
 * or nothing. Pure but for the clock.
 */
import type { ObjectReference } from '../api/types.ts';
import type { Clock } from '../base/clock.ts';
import { TokenBucket } from './rate_limit.ts';

/** An event as a component reports it. */
export interface ReportedEvent {
  readonly regarding: ObjectReference;
  readonly related?: ObjectReference;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly action: string;
  readonly message: string;
  /** Those of the first report stay. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An Event object and how often it was reported. Mutable: repetitions change it. */
export interface Correlated extends ReportedEvent {
  message: string;
  count: number;
  /** Wall clock of the first and last report, milliseconds since the epoch. */
  readonly firstAtMs: number;
  lastAtMs: number;
}

export interface CorrelationLimits {
  /** So many events with different messages, otherwise alike, within the interval are reported one by one. */
  readonly maxSimilar: number;
  readonly similarIntervalMs: number;
  /** Per source and object: so many writes at once, then one each `spamRefillMs`. */
  readonly spamBurst: number;
  readonly spamRefillMs: number;
  /** Remembered events, groups and objects, each. */
  readonly maxRemembered: number;
}

/** Upstream's limits. */
export const DEFAULT_LIMITS: CorrelationLimits = {
  maxSimilar: 10,
  similarIntervalMs: 600_000,
  spamBurst: 25,
  spamRefillMs: 300_000,
  maxRemembered: 4096,
};

/** Prefix of the message that stands for many similar ones. */
const COMBINED = '(combined from similar events): ';

interface Group {
  readonly messages: Set<string>;
  lastAt: number;
}

/** Correlates the events of one source (component and host). */
export class EventCorrelator<E extends Correlated = Correlated> {
  readonly #clock: Clock;
  readonly #limits: CorrelationLimits;
  readonly #extend: (correlated: Correlated) => E;
  readonly #groups: Recent<Group>;
  readonly #events: Recent<E>;
  readonly #buckets: Recent<TokenBucket>;

  /** @param extend makes what is remembered of a new event */
  constructor(
    clock: Clock,
    extend: (correlated: Correlated) => E,
    limits: CorrelationLimits = DEFAULT_LIMITS,
  ) {
    this.#clock = clock;
    this.#limits = limits;
    this.#extend = extend;
    this.#groups = new Recent(limits.maxRemembered);
    this.#events = new Recent(limits.maxRemembered);
    this.#buckets = new Recent(limits.maxRemembered);
  }

  /**
   * The event to write: new when its count is 1, else one that was returned before, counted up. Undefined when the
   * object had more than its share; the report is counted all the same.
   */
  correlate(event: ReportedEvent): E | undefined {
    const object = keyOfReference(event.regarding);
    const similar = [
      object,
      event.related === undefined ? '' : keyOfReference(event.related),
      event.type,
      event.reason,
      event.action,
    ].join('\0');
    const combined = this.#exceedsSimilar(similar, event.message);
    const message = combined ? COMBINED + event.message : event.message;
    const key = combined ? similar : `${similar}\0${message}`;
    const nowMs = this.#clock.now();
    let known = this.#events.get(key);
    if (known === undefined) {
      known = this.#extend({ ...event, message, count: 1, firstAtMs: nowMs, lastAtMs: nowMs });
      this.#events.set(key, known);
    } else {
      known.count++;
      known.lastAtMs = nowMs;
      known.message = message;
    }
    return this.#bucket(object).tryTake() ? known : undefined;
  }

  #exceedsSimilar(key: string, message: string): boolean {
    const now = this.#clock.monotonic();
    let group = this.#groups.get(key);
    if (group === undefined || now - group.lastAt > this.#limits.similarIntervalMs) {
      group = { messages: new Set(), lastAt: now };
      this.#groups.set(key, group);
    }
    group.lastAt = now;
    group.messages.add(message);
    if (group.messages.size <= this.#limits.maxSimilar) return false;
    // The size is what counts; the messages need not pile up.
    const [oldest] = group.messages;
    if (oldest !== undefined && group.messages.size > this.#limits.maxSimilar + 1)
      group.messages.delete(oldest);
    return true;
  }

  #bucket(object: string): TokenBucket {
    let bucket = this.#buckets.get(object);
    if (bucket === undefined) {
      bucket = new TokenBucket(1000 / this.#limits.spamRefillMs, this.#limits.spamBurst, this.#clock);
      this.#buckets.set(object, bucket);
    }
    return bucket;
  }
}

function keyOfReference(ref: ObjectReference): string {
  return [ref.apiVersion, ref.kind, ref.namespace, ref.name, ref.uid, ref.fieldPath].join('\0');
}

/** A map that forgets what was not used for the longest time. */
class Recent<V> {
  readonly #max: number;
  readonly #map = new Map<string, V>();

  constructor(max: number) {
    this.#max = max;
  }

  get(key: string): V | undefined {
    const value = this.#map.get(key);
    if (value === undefined) return undefined;
    this.#map.delete(key);
    this.#map.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.#map.delete(key);
    this.#map.set(key, value);
    if (this.#map.size <= this.#max) return;
    const [oldest] = this.#map.keys();
    if (oldest !== undefined) this.#map.delete(oldest);
  }
}
