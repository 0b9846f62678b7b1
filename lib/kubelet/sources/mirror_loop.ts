/** Keeps the mirrors of static pods right: created, created again when deleted, removed with the file. */
import type { Clock } from '../../base/clock.ts';
import { isAbort } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { MirrorPods } from './mirror_pods.ts';
import { isStatic, type PodManager } from './pod_manager.ts';

export interface MirrorLoopOptions {
  readonly mirrors: MirrorPods;
  readonly pods: PodManager;
  /** Whether the API's pods are known: without them a mirror cannot be missed. */
  readonly synced: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

const INTERVAL_MS = 20_000;
const RETRY_MS = 2000;

export class MirrorLoop {
  readonly #options: MirrorLoopOptions;
  #wake: (() => void) | undefined;
  #woken = false;

  constructor(options: MirrorLoopOptions) {
    this.#options = options;
  }

  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, synced } = this.#options;
    while (!signal.aborted) {
      this.#woken = false;
      const complete = synced() ? await this.#reconcile(signal) : false;
      if (this.#woken) {
        // Several changes at once are one turn.
        await clock.sleep(100, signal).catch(() => undefined);
        continue;
      }
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await Promise.race([
        woken,
        clock.sleep(complete ? INTERVAL_MS : RETRY_MS, signal).catch(() => undefined),
      ]);
    }
  }

  /** False when something is to be tried again soon. */
  async #reconcile(signal: AbortSignal): Promise<boolean> {
    const { log, mirrors, pods } = this.#options;
    let complete = true;
    const attempt = async (what: string, act: () => Promise<void>): Promise<void> => {
      try {
        await act();
      } catch (error) {
        complete = false;
        if (!isAbort(error, signal)) log.error(error, what);
      }
    };
    for (const pod of pods.pods()) {
      if (!isStatic(pod)) continue;
      const mirror = pods.mirrorOf(pod);
      if (
        mirror !== undefined &&
        MirrorPods.matches(pod, mirror) &&
        mirror.metadata.deletionTimestamp === undefined
      ) {
        continue;
      }
      if (mirror !== undefined)
        await attempt('Cannot delete a mirror pod', () => mirrors.delete(mirror, signal));
      await attempt('Cannot create a mirror pod', () => mirrors.create(pod, signal));
    }
    for (const mirror of pods.mirrors()) {
      const owner = pods.podByName(mirror.metadata.namespace ?? '', mirror.metadata.name);
      if (owner === undefined)
        await attempt('Cannot delete a mirror pod', () => mirrors.delete(mirror, signal));
    }
    return complete;
  }
}
