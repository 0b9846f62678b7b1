/** All pod workers: made when a pod is first seen, woken by what concerns their pod, forgotten when it is removed. */
import type { Pod } from '../../api/types.ts';
import { keyOf } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import type { PodRef } from '../contracts.ts';
import { podUid } from '../runtime/runtime_names.ts';
import { refOf } from '../runtime/pod_sync.ts';
import { PodWorker, type PodWorkerOptions } from './pod_worker.ts';

export interface PodWorkersOptions {
  readonly clock: Clock;
  /** What each worker gets; `admit`, `predecessor` and `removed` are added here. */
  readonly worker: Omit<PodWorkerOptions, 'predecessor' | 'removed'>;
  /** Whether a pod that was let in has to wait for the end of those whose place it takes. */
  readonly waitsForPlace: (pod: Pod) => boolean;
  /** Called when nothing of a pod is left. */
  readonly removed: (uid: string) => void;
  /** The pod as the sources name it now: one that came back while its remains were removed. */
  readonly wanted: (uid: string) => Pod | undefined;
}

export class PodWorkers {
  readonly #options: PodWorkersOptions;
  readonly #workers = new Map<string, PodWorker>();
  readonly #running = new Set<Promise<void>>();
  #signal: AbortSignal | undefined;

  constructor(options: PodWorkersOptions) {
    this.#options = options;
  }

  /** Starts the workers; those made before wait until now. Resolves when all have stopped after the signal aborted. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const worker of this.#workers.values()) this.#launch(worker);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.all(this.#running);
  }

  worker(uid: string): PodWorker | undefined {
    return this.#workers.get(uid);
  }

  workers(): readonly PodWorker[] {
    return [...this.#workers.values()];
  }

  /** A pod is new or changed. */
  set(pod: Pod): void {
    const uid = podUid(pod);
    const known = this.#workers.get(uid);
    if (known !== undefined) {
      known.update(pod);
      return;
    }
    this.#add(refOf(pod), pod).update(pod);
  }

  /** No source names the pod any more. */
  gone(uid: string): void {
    this.#workers.get(uid)?.sourceGone();
  }

  /** Ends and removes a pod that only the runtime, the disk or the cgroups know. */
  orphan(ref: PodRef): void {
    if (!this.#workers.has(ref.uid)) this.#add(ref, undefined);
  }

  /** Something that concerns the pod changed. */
  wake(uid: string): void {
    this.#workers.get(uid)?.wake();
  }

  wakeAll(): void {
    for (const worker of this.#workers.values()) worker.wake();
  }

  #add(ref: PodRef, pod: Pod | undefined): PodWorker {
    const worker: PodWorker = new PodWorker(ref, pod, {
      ...this.#options.worker,
      predecessor: (candidate) => this.#hasPredecessor(worker, candidate),
      removed: (uid) => {
        this.#workers.delete(uid);
        this.#options.removed(uid);
        const again = this.#options.wanted(uid);
        if (again !== undefined) this.set(again);
      },
    });
    this.#workers.set(ref.uid, worker);
    if (this.#signal !== undefined) this.#launch(worker);
    return worker;
  }

  #launch(worker: PodWorker): void {
    const signal = this.#signal;
    if (signal === undefined || signal.aborted) return;
    const running = worker.run(signal).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** A pod of the same name (another version of a static pod), or one whose place it takes, is not yet ended. */
  #hasPredecessor(worker: PodWorker, pod: Pod): boolean {
    if (this.#options.waitsForPlace(pod)) return true;
    const name = keyOf(pod);
    return this.workers().some(
      (other) =>
        other !== worker &&
        `${other.ref.namespace}/${other.ref.name}` === name &&
        other.state === 'terminating',
    );
  }
}
