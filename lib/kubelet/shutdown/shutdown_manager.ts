/**
 * Delays the shutdown of the machine until pods have ended in order: holds an inhibitor lock of logind, ends pods group by
 * group when logind says that the machine is about to go down, and lets go when their final statuses are in the API.
 */
import type { Pod } from '../../api/types.ts';
import { Backoff, type Random } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import { errorMessage, isAbort } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { KubeletEvents } from '../contracts.ts';
import { podUid } from '../runtime/runtime_names.ts';
import { groupPods, type ShutdownGroup } from './groups.ts';

/** A lock that delays shutdown while it is held. */
export interface InhibitorLock {
  release(): Promise<void>;
}

/** What is asked of logind. */
export interface Logind {
  /** `InhibitDelayMaxSec` in milliseconds. */
  maxDelayMs(signal: AbortSignal): Promise<number>;
  /** Has logind allow delays of that length. */
  raiseMaxDelay(ms: number, signal: AbortSignal): Promise<void>;
  inhibit(signal: AbortSignal): Promise<InhibitorLock>;
  /** Calls for each `PrepareForShutdown`, until the signal aborts or the connection is lost (rejects). */
  follow(changed: (goingDown: boolean) => void, signal: AbortSignal): Promise<void>;
}

export interface ShutdownVerdict {
  readonly phase: 'Failed';
  readonly reason: 'Terminated';
  readonly message: string;
  readonly disruption: 'TerminationByKubelet';
}

export interface ShutdownPods {
  /** Admitted and not yet ended. */
  active(): readonly Pod[];
  end(pod: Pod, verdict: ShutdownVerdict, graceSeconds: number): void;
  /** Nothing of the pod runs, its volumes are down and its final status is in the API. */
  ended(uid: string): boolean;
}

export interface ShutdownManagerOptions {
  readonly groups: readonly ShutdownGroup[];
  readonly logind: Logind;
  readonly pods: ShutdownPods;
  /** Called when the node begins to shut down, and when that is called off: its Ready condition changes. */
  readonly changed: () => void;
  readonly clock: Clock;
  readonly log: Log;
  /** Told when pods begin to be ended for a shutdown, and when that is over. */
  readonly observe?: (what: 'start' | 'end') => Promise<void>;
  readonly events: Pick<KubeletEvents, 'node'>;
  readonly random?: Random;
}

const VERDICT: ShutdownVerdict = {
  phase: 'Failed',
  reason: 'Terminated',
  message: 'Pod was terminated in response to imminent node shutdown.',
  disruption: 'TerminationByKubelet',
};
const POLL_MS = 200;
/** Between attempts to hear of logind: there may be none, or it is being replaced. */
const RETRY = { initialMs: 1000, maxMs: 30_000, factor: 2, jitter: 0.2 };
/** Between looks whether logind has taken the longer delay. */
const DELAY_POLL_MS = 1000;
const MAX_DELAY_ATTEMPTS = 3;

export class ShutdownManager {
  readonly #options: ShutdownManagerOptions;
  #goingDown = false;
  #lock: InhibitorLock | undefined;
  #ending: AbortController | undefined;

  constructor(options: ShutdownManagerOptions) {
    this.#options = options;
  }

  /** Why the node is not ready, `undefined` while nobody shuts it down. */
  get problem(): string | undefined {
    return this.#goingDown ? 'node is shutting down' : undefined;
  }

  /** Refuses pods while the machine goes down. */
  refusal(): { readonly reason: string; readonly message: string } | undefined {
    return this.#goingDown
      ? { reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' }
      : undefined;
  }

  /** Until the signal aborts; a lost connection to logind is made anew. Does nothing without groups. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, groups, log, random } = this.#options;
    if (groups.every(({ seconds }) => seconds === 0)) return;
    const retry = new Backoff(RETRY, random);
    while (!signal.aborted) {
      try {
        await this.#watch(signal, () => retry.reset());
      } catch (error) {
        if (!isAbort(error, signal))
          log.error(error, 'Failed to watch for a shutdown of the machine; trying again');
      }
      await this.#release();
      await clock.sleep(retry.next(), signal).catch(() => undefined);
    }
  }

  /** @param holds called once the lock is held */
  async #watch(signal: AbortSignal, holds: () => void): Promise<void> {
    const { groups, logind, log } = this.#options;
    await this.#allowDelay(signal);
    this.#lock = await logind.inhibit(signal);
    holds();
    log.info('Delays shutdowns of the machine until its pods have ended', {
      shutdownGracePeriodSeconds: total(groups),
    });
    const handling: Promise<void>[] = [];
    await logind.follow((goingDown) => {
      handling.push(this.#prepare(goingDown, signal));
    }, signal);
    await Promise.all(handling);
  }

  async #allowDelay(signal: AbortSignal): Promise<void> {
    const { clock, groups, logind } = this.#options;
    const wanted = total(groups) * 1000;
    let allowed = await logind.maxDelayMs(signal);
    if (allowed >= wanted) return;
    await logind.raiseMaxDelay(wanted, signal);
    for (let attempt = 0; attempt < MAX_DELAY_ATTEMPTS; attempt++) {
      allowed = await logind.maxDelayMs(signal);
      if (allowed >= wanted) return;
      await clock.sleep(DELAY_POLL_MS, signal);
    }
    throw new Error(
      `node shutdown manager was timed out after ${MAX_DELAY_ATTEMPTS} attempts waiting for logind InhibitDelayMaxSec to update to ${wanted / 1000}s (ShutdownGracePeriod), current value is ${allowed / 1000}s`,
    );
  }

  async #prepare(goingDown: boolean, signal: AbortSignal): Promise<void> {
    const { changed, events, log, logind, observe } = this.#options;
    if (goingDown === this.#goingDown) return;
    this.#goingDown = goingDown;
    log.info('Shutdown manager detected new shutdown event', { event: goingDown ? 'shutdown' : 'cancel' });
    changed();
    const what = goingDown ? 'event' : 'cancellation';
    events.node('Normal', 'NodeShutdown', `Shutdown manager detected shutdown ${what}`);
    this.#ending?.abort(new Error('the shutdown was called off'));
    if (!goingDown) {
      // The lock was let go, or will be: the next shutdown is to be delayed as well.
      try {
        this.#lock ??= await logind.inhibit(signal);
      } catch (error) {
        if (!isAbort(error, signal)) log.error(error, 'Cannot delay the next shutdown');
      }
      return;
    }
    const ending = new AbortController();
    this.#ending = ending;
    await observe?.('start');
    try {
      await this.#endPods(AbortSignal.any([signal, ending.signal]));
    } catch (error) {
      if (!ending.signal.aborted && !isAbort(error, signal))
        log.error(error, 'Ending pods before the shutdown failed');
    }
    await observe?.('end');
    if (!ending.signal.aborted) await this.#release();
  }

  /** Group by group; each has its time, and what is left of it when all its pods have ended is not waited for. */
  async #endPods(signal: AbortSignal): Promise<void> {
    const { clock, groups, log, pods } = this.#options;
    for (const { group, pods: members } of groupPods(pods.active(), groups)) {
      if (members.length === 0) continue;
      log.info('Shutdown manager ends pods', {
        priority: group.priority,
        seconds: group.seconds,
        pods: members.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`),
      });
      for (const pod of members) {
        const own = pod.spec.terminationGracePeriodSeconds ?? 30;
        pods.end(pod, VERDICT, Math.min(own, group.seconds));
      }
      const until = clock.monotonic() + group.seconds * 1000;
      let left = members;
      while (left.length > 0 && clock.monotonic() < until) {
        await clock.sleep(POLL_MS, signal);
        left = left.filter((pod) => !pods.ended(podUid(pod)));
      }
      for (const pod of left)
        log.warn('Shutdown manager: a pod did not end in time', {
          pod: `${pod.metadata.namespace ?? ''}/${pod.metadata.name}`,
        });
    }
  }

  async #release(): Promise<void> {
    const lock = this.#lock;
    this.#lock = undefined;
    await lock?.release().catch((error: unknown) => {
      this.#options.log.warn('Cannot let go of the inhibitor lock', { err: errorMessage(error) });
    });
  }
}

function total(groups: readonly ShutdownGroup[]): number {
  return groups.reduce((sum, { seconds }) => sum + seconds, 0);
}
