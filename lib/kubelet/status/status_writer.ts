/** Brings computed statuses to the API: one patch per real change, with retry, the newest status winning. */
import { isDeepStrictEqual } from 'node:util';
import type { Pod, PodStatus } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import { isAbort, errorMessage } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { KeyedQueue } from '../../base/queue.ts';
import type { ApiClient } from '../../client/client.ts';
import { isConflict, isNotFound } from '../../client/errors.ts';
import { PODS } from '../../client/resource.ts';
import type { PodStatusWriter } from '../contracts.ts';
import { podUid } from '../runtime/runtime_names.ts';
import { isCurrent, statusPatch } from './status_diff.ts';

export interface StatusWriterOptions {
  readonly client: Pick<ApiClient, 'patch'>;
  readonly clock: Clock;
  readonly log: Log;
  /** The pod in the API that shows the status: the pod itself or, of a static pod, its mirror; `undefined` if none. */
  readonly apiPod: (uid: string) => Pod | undefined;
  /** Told how long each write took. */
  readonly written?: (durationMs: number) => void;
}

interface Entry {
  status: PodStatus;
  version: number;
  writtenVersion: number;
  /** Our last write, and the pod as the API had it then: newer than what the watch says until that catches up. */
  written: { readonly sent: PodStatus; readonly pod: Pod } | undefined;
  waiters: (() => void)[];
}

const WORKERS = 10;

export class StatusWriter implements PodStatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #queue: KeyedQueue<string>;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    const backoff = { initialMs: 100, maxMs: 10_000, factor: 2, jitter: 0.2 };
    this.#queue = new KeyedQueue<string>({ clock: options.clock, backoff });
  }

  set(pod: Pod, status: PodStatus): void {
    const uid = podUid(pod);
    const entry = this.#entries.get(uid);
    if (entry === undefined) {
      this.#entries.set(uid, {
        status,
        version: 1,
        writtenVersion: 0,
        written: undefined,
        waiters: [],
      });
    } else {
      entry.status = status;
      entry.version++;
    }
    this.#queue.add(uid);
  }

  /** A mirror pod appeared or changed: see whether it shows the status. */
  refresh(uid: string): void {
    if (this.#entries.has(uid)) this.#queue.add(uid);
  }

  get(uid: string): PodStatus | undefined {
    return this.#entries.get(uid)?.status;
  }

  forget(uid: string): void {
    const entry = this.#entries.get(uid);
    this.#entries.delete(uid);
    for (const waiter of entry?.waiters ?? []) waiter();
  }

  /** Whether the API has the last status set. */
  upToDate(uid: string): boolean {
    const entry = this.#entries.get(uid);
    return entry === undefined || entry.writtenVersion >= entry.version;
  }

  async flushed(uid: string, signal: AbortSignal): Promise<void> {
    const entry = this.#entries.get(uid);
    if (entry === undefined || entry.writtenVersion >= entry.version) return;
    await new Promise<void>((resolve, reject) => {
      const done = (): void => {
        signal.removeEventListener('abort', abort);
        resolve();
      };
      const abort = (): void => {
        reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      entry.waiters.push(done);
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#queue.run({
      workers: WORKERS,
      handle: (uid, handleSignal) => this.#write(uid, handleSignal),
      onError: (error, uid) => {
        if (!isAbort(error, signal))
          this.#options.log.error(error, 'Failed to update status for pod', { podUID: uid });
      },
      signal,
    });
  }

  async #write(uid: string, signal: AbortSignal): Promise<void> {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    const { client, clock, apiPod, log } = this.#options;
    const pod = apiPod(uid);
    const { status, version } = entry;
    const apiUid = pod?.metadata.uid;
    if (pod !== undefined && apiUid !== undefined) {
      const latest = newer(pod, entry.written?.pod);
      // What the server dropped from our last write (fields that it does not know) it would drop again.
      const asWritten =
        latest === entry.written?.pod || isDeepStrictEqual(latest.status, entry.written?.pod.status);
      const sent = asWritten && isDeepStrictEqual(entry.written?.sent, status);
      if (!sent && !isCurrent(latest.status, status)) {
        const began = clock.monotonic();
        try {
          const updated = await client.patch(
            PODS,
            { namespace: pod.metadata.namespace, name: pod.metadata.name },
            statusPatch(latest.status, status, apiUid),
            { type: 'strategic-merge', subresource: 'status', signal },
          );
          entry.written = { sent: status, pod: updated };
          this.#options.written?.(clock.monotonic() - began);
          log.v(3).info('Status for pod updated successfully', {
            pod: `${pod.metadata.namespace ?? ''}/${pod.metadata.name}`,
          });
        } catch (error) {
          // Gone, or another pod under its name: nobody is left to tell.
          if (!isNotFound(error) && !isConflict(error)) throw error;
          log
            .v(2)
            .info('Pod is gone from the API; status not written', { podUID: uid, err: errorMessage(error) });
        }
      }
    }
    entry.writtenVersion = Math.max(entry.writtenVersion, version);
    if (entry.writtenVersion >= entry.version) for (const waiter of entry.waiters.splice(0)) waiter();
  }
}

/** The later of two versions of a pod; one of another uid is another pod. */
function newer(watched: Pod, written: Pod | undefined): Pod {
  if (written === undefined || written.metadata.uid !== watched.metadata.uid) return watched;
  const version = (pod: Pod): bigint => {
    const text = pod.metadata.resourceVersion ?? '';
    return /^\d+$/.test(text) ? BigInt(text) : 0n;
  };
  return version(watched) >= version(written) ? watched : written;
}
