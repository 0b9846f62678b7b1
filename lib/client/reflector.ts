/** List and watch: turns what the server sends into a complete picture and the changes to it. */
import type { KubeObject } from '../api/types.ts';
import { Backoff } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import type { ApiClient, ListSelection } from './client.ts';
import { ApiError, isGone, TransportError } from './errors.ts';
import { LineSplitter } from './line_splitter.ts';
import { listForCache } from './list_all.ts';
import { ListReader } from './list_reader.ts';
import { withoutManagedFields } from './managed_fields.ts';
import { resourcePath } from './resource.ts';
import type { ResourceType } from './resource.ts';
import { parseWatchEvent } from './watch_event.ts';

/** Receives the picture. Called synchronously, in the order of the server. Must not throw. */
export interface ReflectorSink<T> {
  /** These are all objects there are: whatever else was known is gone. */
  replace(objects: readonly T[]): void;
  /** Added or changed. */
  put(object: T): void;
  /** Gone; `object` is its last state. */
  remove(object: T): void;
}

export interface ReflectorOptions extends ListSelection {
  readonly clock: Clock;
  /** Told of every failure; all are retried. */
  readonly onError: (err: unknown) => void;
  /** 0..1, for jitter. Default Math.random. */
  readonly random?: () => number;
  /** Never stream the list, as if the server could not. For tests and for servers that do it badly. */
  readonly paginatedList?: boolean;
  /**
   * Ask for the list in one answer: for many objects, as a list streamed as events costs the server twice as much. It encodes
   * the list item by item (KEP-5116, Kubernetes 1.34); where that fails the list is streamed after all.
   */
  readonly wholeList?: boolean;
  /** Shortest time the server is asked to keep a watch open; up to twice that. Default 300 s. */
  readonly minWatchSeconds?: number;
}

const BACKOFF = { initialMs: 100, maxMs: 30_000, factor: 2, jitter: 0.5 };
// While no connection comes about the server does no work for us, so we knock more often, to be back soon after an
// outage: a daemon with ten watches makes two to four attempts a second.
const UNREACHABLE_BACKOFF = { initialMs: 100, maxMs: 5_000, factor: 2, jitter: 0.5 };
// That many attempts in vain are an outage: what the server says first after it, while it starts, is no old trouble.
const OUTAGE_FAILURES = 3;
// An outage is reported at its beginning, and again that often.
const OUTAGE_REPORT_MS = 30_000;
const MIN_WATCH_SECONDS = 300;
// The server ends a watch itself at its timeout; past that much more it is dead.
const OVERDUE_MS = 15_000;
// A streamed list from which nothing comes for so long is not coming.
const INITIAL_SILENCE_MS = 30_000;
// A watch that ends sooner than that without an event counts as a failure, so that it is not re-opened in a tight loop.
const SHORT_WATCH_MS = 1_000;
// A server that does not know the resourceVersion yet (restored from a backup, or another replica lags behind).
const MAX_TOO_LARGE = 3;

/** Keeps a sink up to date with a selection of objects. */
export class Reflector<T extends KubeObject> {
  readonly #client: ApiClient;
  readonly #r: ResourceType<T>;
  readonly #sink: ReflectorSink<T>;
  readonly #options: ReflectorOptions;
  readonly #random: () => number;
  readonly #backoff: Backoff;
  readonly #unreachable: Backoff;
  #outageReportedAt = 0;
  readonly #path: string;
  #wholeList: boolean;
  #streamList: boolean;
  #streamFailures = 0;
  #tooLarge = 0;
  /** Where to go on watching; undefined: the picture must be made anew. */
  #resourceVersion: string | undefined;

  constructor(client: ApiClient, r: ResourceType<T>, sink: ReflectorSink<T>, options: ReflectorOptions) {
    this.#client = client;
    this.#r = r;
    this.#sink = sink;
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#backoff = new Backoff(BACKOFF, this.#random);
    this.#unreachable = new Backoff(UNREACHABLE_BACKOFF, this.#random);
    this.#path = resourcePath(r, { namespace: options.namespace });
    this.#wholeList = options.wholeList === true && options.paginatedList !== true;
    this.#streamList = options.paginatedList !== true && !listsOnly.has(client);
  }

  /** Resolves when the signal aborts, never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let wait = 0;
      try {
        wait = await this.#turn(signal);
      } catch (err) {
        if (signal.aborted) return;
        wait = this.#afterFailure(err);
      }
      if (wait > 0) await this.#options.clock.sleep(wait, signal).catch(() => undefined); // aborted: the loop ends
    }
  }

  /** One list if needed, then one watch to its end. Returns the milliseconds to wait before the next turn. */
  async #turn(signal: AbortSignal): Promise<number> {
    if (this.#resourceVersion === undefined) {
      if (this.#wholeList) await this.#readList(signal);
      else if (!this.#streamList) await this.#list(signal);
    }
    const began = this.#options.clock.monotonic();
    const events = await this.#watch(signal);
    if (events > 0 || this.#options.clock.monotonic() - began >= SHORT_WATCH_MS) {
      this.#backoff.reset();
      this.#unreachable.reset();
      return 0;
    }
    return this.#backoff.next();
  }

  #afterFailure(err: unknown): number {
    if (this.#resourceVersion === undefined && this.#wholeList) {
      if (isBadAnswer(err)) this.#wholeList = false;
    } else if (this.#resourceVersion === undefined && this.#streamList && cannotStream(err)) {
      listsOnly.add(this.#client);
      this.#streamList = false;
      return 0;
    }
    if (err instanceof TransportError && !err.sent) return this.#afterNoConnection(err);
    if (this.#unreachable.failures >= OUTAGE_FAILURES) this.#backoff.reset();
    this.#unreachable.reset();
    this.#options.onError(err);
    if (isGone(err)) {
      this.#resourceVersion = undefined;
    } else if (isTooLarge(err)) {
      if (++this.#tooLarge >= MAX_TOO_LARGE) this.#resourceVersion = undefined;
    } else if (err instanceof SilentStreamError && ++this.#streamFailures >= 2) {
      this.#streamList = false;
    }
    const wait = this.#backoff.next();
    return err instanceof ApiError ? Math.max(wait, err.retryAfterMs ?? 0) : wait;
  }

  #afterNoConnection(err: TransportError): number {
    const wait = this.#unreachable.next();
    const { failures } = this.#unreachable;
    const now = this.#options.clock.monotonic();
    if (failures === 1 || now - this.#outageReportedAt >= OUTAGE_REPORT_MS) {
      this.#outageReportedAt = now;
      const counted = `${err.message} (${failures} attempts in a row)`;
      this.#options.onError(
        failures === 1 ? err : new TransportError(counted, { cause: err.cause, sent: false }),
      );
    }
    return wait;
  }

  async #list(signal: AbortSignal): Promise<void> {
    const list = await listForCache(this.#client, this.#r, this.#options, signal);
    this.#sink.replace(list.items);
    this.#resourceVersion = list.resourceVersion;
  }

  async #readList(signal: AbortSignal): Promise<void> {
    const { clock, labelSelector, fieldSelector } = this.#options;
    const what = `list ${this.#path}`;
    const turn = new WatchTurn(clock, signal, what);
    try {
      turn.endOnSilence(INITIAL_SILENCE_MS);
      const { body } = await this.#client.stream({
        method: 'GET',
        path: this.#path,
        query: { labelSelector, fieldSelector },
        signal: turn.signal,
      });
      const reader = new ListReader(this.#r, what);
      for await (const chunk of body) {
        turn.heard();
        reader.push(chunk);
      }
      const list = reader.end();
      this.#sink.replace(list.items);
      this.#resourceVersion = list.resourceVersion;
    } catch (err) {
      throw turn.overdue ?? err;
    } finally {
      turn.end();
    }
  }

  /** Watches until the stream ends; returns the number of events. */
  async #watch(signal: AbortSignal): Promise<number> {
    const { clock, labelSelector, fieldSelector, minWatchSeconds = MIN_WATCH_SECONDS } = this.#options;
    const timeoutSeconds = Math.ceil(minWatchSeconds * (1 + this.#random()));
    const initial = this.#resourceVersion === undefined;
    const what = `watch ${this.#path}`;
    const turn = new WatchTurn(clock, signal, what);
    try {
      turn.endAfter(timeoutSeconds * 1000 + OVERDUE_MS);
      const { body } = await this.#client.stream({
        method: 'GET',
        path: this.#path,
        query: {
          watch: true,
          allowWatchBookmarks: true,
          timeoutSeconds,
          labelSelector,
          fieldSelector,
          ...(initial
            ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }
            : { resourceVersion: this.#resourceVersion }),
        },
        signal: turn.signal,
      });
      if (initial) turn.endOnSilence(INITIAL_SILENCE_MS);
      let events = 0;
      let pending: Map<string, T> | undefined = initial ? new Map() : undefined;
      const splitter = new LineSplitter();
      const onLine = (line: string): void => {
        events++;
        const event = parseWatchEvent(withoutManagedFields(line), this.#r, what);
        if (event.type === 'BOOKMARK') {
          if (pending !== undefined) {
            if (!event.endsInitialEvents) return;
            this.#sink.replace([...pending.values()]);
            pending = undefined;
            turn.silenceAllowed();
          }
          this.#resourceVersion = event.resourceVersion;
          this.#streamFailures = 0;
          return;
        }
        const { type, object } = event;
        if (pending !== undefined) {
          const { uid, namespace, name } = object.metadata;
          const key = uid ?? `${namespace ?? ''}/${name}`;
          if (type === 'DELETED') pending.delete(key);
          else pending.set(key, object);
          return;
        }
        if (type === 'DELETED') this.#sink.remove(object);
        else this.#sink.put(object);
        this.#resourceVersion = object.metadata.resourceVersion ?? this.#resourceVersion;
        this.#tooLarge = 0;
      };
      for await (const chunk of body) {
        turn.heard();
        splitter.push(chunk, onLine);
      }
      if (initial && pending !== undefined) {
        throw new TransportError(`${what}: the stream ended before the end of the initial events`);
      }
      return events;
    } catch (err) {
      throw turn.overdue ?? err;
    } finally {
      turn.end();
    }
  }
}

class SilentStreamError extends TransportError {}

/** The time limits of one watch. */
class WatchTurn {
  readonly signal: AbortSignal;
  readonly #abort = new AbortController();
  readonly #clock: Clock;
  readonly #outer: AbortSignal;
  readonly #onOuterAbort = (): void => this.#abort.abort(this.#outer.reason);
  readonly #what: string;
  #limit: { cancel(): void } | undefined;
  #silence: { cancel(): void } | undefined;
  #heardAt = 0;
  /** Set when a limit ended the watch. */
  overdue: TransportError | undefined;

  constructor(clock: Clock, outer: AbortSignal, what: string) {
    this.#clock = clock;
    this.#outer = outer;
    this.#what = what;
    this.signal = this.#abort.signal;
    if (outer.aborted) this.#onOuterAbort();
    else outer.addEventListener('abort', this.#onOuterAbort, { once: true });
  }

  endAfter(ms: number): void {
    this.#limit = this.#clock.setTimer(ms, () =>
      this.#cut(new TransportError(`${this.#what}: not ended by the server within ${ms} ms; opened again`)),
    );
  }

  endOnSilence(ms: number): void {
    this.heard();
    const check = (): void => {
      const left = this.#heardAt + ms - this.#clock.monotonic();
      if (left > 0) this.#silence = this.#clock.setTimer(left, check);
      else this.#cut(new SilentStreamError(`${this.#what}: nothing of the list for ${ms} ms`));
    };
    this.#silence = this.#clock.setTimer(ms, check);
  }

  silenceAllowed(): void {
    this.#silence?.cancel();
  }

  heard(): void {
    this.#heardAt = this.#clock.monotonic();
  }

  end(): void {
    this.#limit?.cancel();
    this.#silence?.cancel();
    this.#outer.removeEventListener('abort', this.#onOuterAbort);
  }

  #cut(err: TransportError): void {
    this.overdue = err;
    this.#abort.abort(err);
  }
}

// Clients of servers that refused to stream a list: their other reflectors need not try.
const listsOnly = new WeakSet<ApiClient>();

/**
 * Whether the server said that it does not stream lists: it does not know `sendInitialEvents` (400, 422), or its etcd
 * is too old for it (an ERROR event of 500 that names the feature RequestWatchProgress).
 */
function cannotStream(err: unknown): boolean {
  if (!(err instanceof ApiError)) return false;
  return (
    err.status === 400 ||
    err.status === 422 ||
    (err.status === 500 && err.message.includes('storage feature'))
  );
}

/** Whether the server began to answer, or tried to, and it did not come to an end, or to one that makes sense. */
function isBadAnswer(err: unknown): boolean {
  if (err instanceof ApiError) return err.status === 200 || err.status === 504;
  return err instanceof TransportError && err.sent;
}

function isTooLarge(err: unknown): boolean {
  return (
    err instanceof ApiError &&
    err.status === 504 &&
    (err.details?.causes ?? []).some((cause) => cause.reason === 'ResourceVersionTooLarge')
  );
}
