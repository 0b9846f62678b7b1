/** Writes Events about objects, correlated and limited so that a component in trouble does not flood the server. */
import { microTimestamp, timestamp } from '../api/timestamp.ts';
import type { CoreV1Event, EventsV1Event, KubeObject, ObjectReference } from '../api/types.ts';
import { Backoff } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import { systemClock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { ApiClient, NewObject } from './client.ts';
import { ApiError, isAlreadyExists, isNamespaceTerminating, isNotFound, isRetriable } from './errors.ts';
import type { Correlated, CorrelationLimits } from './event_correlator.ts';
import { DEFAULT_LIMITS, EventCorrelator } from './event_correlator.ts';
import { CORE_EVENTS, EVENTS } from './resource.ts';

export interface EventRecorderOptions {
  /** Who reports: `kubelet`, `default-scheduler`, ... */
  readonly component: string;
  /** On which machine. */
  readonly host?: string;
  readonly clock?: Clock;
  /** Form of the Event objects: the kubelet writes the old one, the scheduler and the proxy the new one. */
  readonly api: 'core/v1' | 'events.k8s.io/v1';
  /** Told of events that had to be dropped, but for those about what goes with its namespace. */
  readonly onError?: (err: unknown) => void;
  /** Told once of each namespace whose events are dropped because it is being deleted. */
  readonly log?: Pick<Log, 'info'>;
  readonly limits?: CorrelationLimits;
  /** How many events may be on their way at once; more than one gives their order up. Default 1. */
  readonly writers?: number;
  /** So many events wait to be written before further ones are dropped. Default 1000. */
  readonly maxQueued?: number;
  /** 0..1, for jitter. Default Math.random. */
  readonly random?: () => number;
}

/** What an event is about: an object that says its kind, or a reference. */
export type Regarding =
  ObjectReference | (KubeObject & { readonly apiVersion: string; readonly kind: string });

export interface EventExtras {
  /** A second object involved, e.g. the pod that a preempted pod made room for. */
  readonly related?: Regarding;
  /** What was done or failed (events.k8s.io/v1). Default: the reason. */
  readonly action?: string;
  /** Of the Event object. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface EventRecorder {
  /**
   * Reports an event. Returns at once; it is written in the background, in order (but see `writers`).
   *
   * @param reason CamelCase, for programs
   * @param message for people
   */
  event(
    regarding: Regarding,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    extras?: EventExtras,
  ): void;
  /** Resolves when everything reported until now is written or dropped; rejects when the signal aborts. */
  flush(signal?: AbortSignal): Promise<void>;
}

export function createEventRecorder(client: ApiClient, options: EventRecorderOptions): EventRecorder {
  return new Recorder(client, options);
}

const MAX_QUEUED = 1_000;
const MAX_TRIES = 12;
/** Namespaces remembered as being deleted. */
const MAX_TERMINATING = 1_000;
const RETRY = { initialMs: 500, maxMs: 10_000, factor: 2, jitter: 0.5 };
// Validation of events.k8s.io/v1: bytes.
const MAX_NOTE_BYTES = 1_024;

/** An Event as remembered: with its name, and whether the server has it. */
interface Entry extends Correlated {
  readonly name: string;
  readonly namespace: string;
  /** Count that the server has; 0: not created yet. */
  written: number;
  queued: boolean;
  writing: boolean;
}

class Recorder implements EventRecorder {
  readonly #client: ApiClient;
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #correlator: EventCorrelator<Entry>;
  readonly #queue: Entry[] = [];
  readonly #writing = new Set<Promise<void>>();
  #sequence = 0;
  #full = false;
  readonly #terminating = new Set<string>();

  constructor(client: ApiClient, options: EventRecorderOptions) {
    this.#client = client;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#correlator = new EventCorrelator(
      this.#clock,
      (correlated) => ({
        ...correlated,
        name: this.#nameFor(correlated.regarding.name ?? ''),
        namespace: namespaceOf(correlated.regarding),
        written: 0,
        queued: false,
        writing: false,
      }),
      options.limits ?? DEFAULT_LIMITS,
    );
  }

  event(
    regarding: Regarding,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    extras: EventExtras = {},
  ): void {
    const entry = this.#correlator.correlate({
      regarding: referenceTo(regarding),
      ...(extras.related === undefined ? {} : { related: referenceTo(extras.related) }),
      type,
      reason,
      action: extras.action ?? reason,
      message,
      ...(extras.annotations === undefined ? {} : { annotations: extras.annotations }),
    });
    // One that waits already is written with the count it has when its turn comes.
    if (entry === undefined || entry.queued) return;
    const { maxQueued = MAX_QUEUED, writers = 1 } = this.#options;
    if (this.#queue.length >= maxQueued) {
      if (!this.#full)
        this.#dropped(new Error(`${maxQueued} events wait to be written; further ones are dropped`));
      this.#full = true;
      return;
    }
    this.#full = false;
    entry.queued = true;
    // One that is being written is put in line when that is done.
    if (!entry.writing) this.#queue.push(entry);
    if (this.#writing.size >= writers) return;
    const writing = this.#send().finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }

  async flush(signal?: AbortSignal): Promise<void> {
    while (this.#writing.size > 0) {
      const sending = Promise.all(this.#writing);
      if (signal === undefined) {
        await sending;
        continue;
      }
      await new Promise<void>((resolve, reject) => {
        const onAbort = (): void =>
          reject(new Error('gave up waiting for events to be written', { cause: signal.reason }));
        if (signal.aborted) onAbort();
        else signal.addEventListener('abort', onAbort, { once: true });
        sending.then(() => resolve(), reject).finally(() => signal.removeEventListener('abort', onAbort));
      });
    }
  }

  async #send(): Promise<void> {
    for (;;) {
      const entry = this.#queue.shift();
      if (entry === undefined) return;
      entry.queued = false;
      entry.writing = true;
      await this.#write(entry);
      entry.writing = false;
      if (entry.queued) this.#queue.push(entry);
    }
  }

  /** Never rejects. */
  async #write(entry: Entry): Promise<void> {
    const backoff = new Backoff(RETRY, this.#options.random);
    for (let attempt = 1; ; attempt++) {
      const { count } = entry;
      try {
        if (entry.written === 0) await this.#create(entry);
        else if (!(await this.#update(entry))) continue; // it expired on the server: create it again
        entry.written = count;
        return;
      } catch (err) {
        if (isAlreadyExists(err)) {
          entry.written = count; // an earlier try got through without an answer
          return;
        }
        if (isNamespaceTerminating(err)) {
          this.#droppedWithNamespace(entry.namespace);
          return;
        }
        if (!isRetriable(err) || attempt >= MAX_TRIES) {
          this.#dropped(err);
          return;
        }
        const wait = backoff.next();
        const asked = err instanceof ApiError ? (err.retryAfterMs ?? 0) : 0;
        await this.#clock.sleep(Math.max(wait, asked));
      }
    }
  }

  async #create(entry: Entry): Promise<void> {
    if (this.#options.api === 'core/v1') await this.#client.create(CORE_EVENTS, this.#coreEvent(entry));
    else await this.#client.create(EVENTS, this.#event(entry));
  }

  /** False when the server no longer has the event. */
  async #update(entry: Entry): Promise<boolean> {
    const key = { namespace: entry.namespace, name: entry.name };
    const { count, lastAtMs } = entry;
    try {
      if (this.#options.api === 'core/v1') {
        const patch = { count, lastTimestamp: timestamp(lastAtMs), message: entry.message };
        await this.#client.patch(CORE_EVENTS, key, patch, { type: 'strategic-merge' });
      } else {
        const patch = { series: { count, lastObservedTime: microTimestamp(lastAtMs) } };
        await this.#client.patch(EVENTS, key, patch, { type: 'strategic-merge' });
      }
      return true;
    } catch (err) {
      if (!isNotFound(err)) throw err;
      entry.written = 0;
      return false;
    }
  }

  #coreEvent(entry: Entry): NewObject<CoreV1Event> {
    const { component, host } = this.#options;
    return {
      metadata: metadataOf(entry),
      involvedObject: entry.regarding,
      ...(entry.related === undefined ? {} : { related: entry.related }),
      reason: entry.reason,
      message: entry.message,
      type: entry.type,
      count: entry.count,
      firstTimestamp: timestamp(entry.firstAtMs),
      lastTimestamp: timestamp(entry.lastAtMs),
      source: { component, ...(host === undefined ? {} : { host }) },
      reportingComponent: component,
      reportingInstance: host ?? '',
    };
  }

  #event(entry: Entry): NewObject<EventsV1Event> {
    const { component, host } = this.#options;
    return {
      metadata: metadataOf(entry),
      eventTime: microTimestamp(entry.firstAtMs),
      ...(entry.count > 1
        ? { series: { count: entry.count, lastObservedTime: microTimestamp(entry.lastAtMs) } }
        : {}),
      reportingController: component,
      reportingInstance: `${component}${host === undefined ? '' : `-${host}`}`,
      action: entry.action,
      reason: entry.reason,
      regarding: entry.regarding,
      ...(entry.related === undefined ? {} : { related: entry.related }),
      note: shortened(entry.message),
      type: entry.type,
    };
  }

  // Unique per recorder, and with the object's name in front, as people expect it in lists.
  #nameFor(object: string): string {
    const nanos = BigInt(Math.floor(this.#clock.now() * 1000)) * 1000n + BigInt(this.#sequence++ % 1000);
    return `${object.slice(0, 230)}.${nanos.toString(16)}`;
  }

  #droppedWithNamespace(namespace: string): void {
    if (this.#terminating.has(namespace)) return;
    if (this.#terminating.size >= MAX_TERMINATING) this.#terminating.clear();
    this.#terminating.add(namespace);
    this.#options.log?.info('The namespace is being deleted: events in it are dropped', { namespace });
  }

  #dropped(err: unknown): void {
    this.#options.onError?.(err);
  }
}

/** The reference to an object. A reference is returned as it is. */
export function referenceTo(regarding: Regarding): ObjectReference {
  if (!('metadata' in regarding)) return regarding;
  const { apiVersion, kind, metadata } = regarding;
  const { name, namespace, uid, resourceVersion } = metadata;
  return {
    apiVersion,
    kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}

function metadataOf({ annotations, name, namespace }: Entry): NewObject<CoreV1Event>['metadata'] {
  return { name, namespace, ...(annotations === undefined ? {} : { annotations }) };
}

// Events about cluster-scoped objects are in `default`.
function namespaceOf(ref: ObjectReference): string {
  return ref.namespace === undefined || ref.namespace === '' ? 'default' : ref.namespace;
}

/** At most {@link MAX_NOTE_BYTES} bytes of it, whole characters. */
function shortened(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= MAX_NOTE_BYTES) return message;
  const cut = bytes.toString('utf8', 0, MAX_NOTE_BYTES - 3);
  return `${cut.replace(/\uFFFD+$/, '')}…`;
}
