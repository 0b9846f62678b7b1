/** Pods that wait at Permit: their node is reserved, and plugins have yet to let them go on. */
import type { Pod } from '../../api/types.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import { abortReason } from '../../base/errors.ts';
import { onAbort } from '../../base/on_abort.ts';
import { podId } from '../cache/node_info.ts';
import type { Outcome } from './status.ts';
import { errorStatus, unschedulable } from './status.ts';

const MAX_WAIT_MS = 15 * 60_000;

/** A pod that waits, as plugins see it. */
export interface WaitingPod {
  readonly pod: Pod;
  readonly nodeName: string;
  /** The plugins that have not let it go yet. */
  pendingPlugins(): readonly string[];
  /** The plugin lets the pod go; it goes on when all have. */
  allow(plugin: string): void;
  /** The pod is not to be bound. */
  reject(plugin: string, reason: string): void;
}

export class WaitingPods {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Wait>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#waiting.size;
  }

  get(uid: string): WaitingPod | undefined {
    return this.#waiting.get(uid);
  }

  list(): readonly WaitingPod[] {
    return [...this.#waiting.values()];
  }

  /** @param timeouts milliseconds, by plugin; after the time of any of them the pod is rejected */
  add(pod: Pod, nodeName: string, timeouts: ReadonlyMap<string, number>): void {
    this.#waiting.set(podId(pod), new Wait(pod, nodeName, timeouts, this.#clock));
  }

  /** Ends the wait of a pod that is not to be bound after all, if it waits. True when it did. */
  reject(pod: Pod, plugin: string, reason: string): boolean {
    const wait = this.#waiting.get(podId(pod));
    wait?.reject(plugin, reason);
    return wait !== undefined;
  }

  /** Resolves when the pod may go on (undefined) or has been rejected; at once when it does not wait. */
  async wait(pod: Pod, signal: AbortSignal): Promise<Outcome> {
    const id = podId(pod);
    const wait = this.#waiting.get(id);
    if (wait === undefined) return undefined;
    try {
      return await wait.outcome(signal);
    } finally {
      wait.close();
      this.#waiting.delete(id);
    }
  }
}

class Wait implements WaitingPod {
  readonly pod: Pod;
  readonly nodeName: string;
  readonly #timers = new Map<string, Timer>();
  readonly #ended: Promise<Outcome>;
  #end: (outcome: Outcome) => void = () => undefined;

  constructor(pod: Pod, nodeName: string, timeouts: ReadonlyMap<string, number>, clock: Clock) {
    this.pod = pod;
    this.nodeName = nodeName;
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    for (const [plugin, timeoutMs] of timeouts) {
      const expire = (): void =>
        this.reject(plugin, `rejected due to timeout after waiting ${timeoutMs / 1000}s at plugin ${plugin}`);
      this.#timers.set(plugin, clock.setTimer(Math.min(timeoutMs, MAX_WAIT_MS), expire));
    }
  }

  pendingPlugins(): readonly string[] {
    return [...this.#timers.keys()];
  }

  allow(plugin: string): void {
    this.#timers.get(plugin)?.cancel();
    this.#timers.delete(plugin);
    if (this.#timers.size === 0) this.#end(undefined);
  }

  reject(plugin: string, reason: string): void {
    this.close();
    this.#end({ ...unschedulable(reason), plugin });
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  async outcome(signal: AbortSignal): Promise<Outcome> {
    if (signal.aborted) return errorStatus('shutting down', abortReason(signal));
    const leave = onAbort(signal, () => this.#end(errorStatus('shutting down', abortReason(signal))));
    try {
      return await this.#ended;
    } finally {
      leave();
    }
  }
}
