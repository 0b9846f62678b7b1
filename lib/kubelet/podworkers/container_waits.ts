/**
 * Why containers of one pod do not run yet, and when each is tried again: after a start that failed, and in
 * CrashLoopBackOff.
 */
import type { Pod } from '../../api/types.ts';
import type { Random } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import { formatDuration } from '../../base/duration.ts';
import type { AnyContainer, ContainerRuntimeStatus, KubeletEvents } from '../contracts.ts';
import type { PodActions, StartAction } from '../runtime/pod_actions.ts';
import type { RestartBackoffEntry } from '../runtime/restart_backoff.ts';
import { containerHash } from '../runtime/runtime_names.ts';
import type { ContainerStartError, Meanwhile } from '../runtime/start_error.ts';
import type { WaitingReason } from '../runtime/waiting_reason.ts';

export interface ContainerWaitsOptions {
  readonly clock: Pick<Clock, 'monotonic' | 'now'>;
  readonly events: Pick<KubeletEvents, 'container'>;
  readonly random?: Random;
}

/** A start that failed. Times are on the monotonic clock. */
interface Failed {
  readonly hash: string;
  readonly error: ContainerStartError;
  readonly atMs: number;
  readonly untilMs: number;
}

/** As stock, which looks at a pod again 10 to 15 s after something of it failed. */
const RETRY_MS = 10_000;
const RETRY_JITTER = 0.5;
/** How long a failure itself is shown where something else is shown for the rest of the wait. */
const SHOWN_MS = 1000;

export class ContainerWaits {
  readonly #options: ContainerWaitsOptions;
  readonly #reasons = new Map<string, WaitingReason>();
  readonly #failed = new Map<string, Failed>();
  readonly #backoffs = new Map<string, RestartBackoffEntry>();

  constructor(options: ContainerWaitsOptions) {
    this.#options = options;
  }

  /** For the waiting state of a container that should run and does not. */
  reason(containerName: string): WaitingReason | undefined {
    return this.#reasons.get(containerName);
  }

  show(containerName: string, reason: WaitingReason | undefined): void {
    if (reason === undefined) this.#reasons.delete(containerName);
    else this.#reasons.set(containerName, reason);
  }

  /** The start was tried: this back-off is now in force. */
  tried({ container, backoff }: StartAction): void {
    this.#failed.delete(container.name);
    if (backoff !== undefined) this.#backoffs.set(keyOf(container), backoff);
  }

  backoff(container: AnyContainer): RestartBackoffEntry | undefined {
    return this.#backoffs.get(keyOf(container));
  }

  /** The container could not be started. It is not tried again for a while, unless its spec changes. */
  failed(container: AnyContainer, error: ContainerStartError): void {
    const atMs = this.#options.clock.monotonic();
    const random = this.#options.random ?? Math.random;
    const delayMs = Math.ceil(error.retryAfterMs ?? RETRY_MS * (1 + RETRY_JITTER * random()));
    this.#failed.set(container.name, {
      hash: containerHash(container),
      error,
      atMs,
      untilMs: atMs + delayMs,
    });
  }

  /** How long the container is not to be tried, milliseconds; 0: it may be tried now. */
  holdMs(container: AnyContainer, last: ContainerRuntimeStatus | undefined): number {
    const failed = this.#failed.get(container.name);
    if (failed === undefined || failed.hash !== containerHash(container)) return 0;
    // It ran, or tried to, and has ended: CrashLoopBackOff is for those.
    if (failed.error.begun && last?.state === 'exited') return 0;
    return Math.max(0, Math.ceil(failed.untilMs - this.#options.clock.monotonic()));
  }

  /**
   * Takes what was decided now: shows CrashLoopBackOff and what a failure turns to with time, each with its event;
   * forgets reasons of containers that are not to be started any more.
   *
   * @returns when something of this changes by itself, milliseconds since the epoch; `undefined` for never
   */
  decided(pod: Pod, actions: Pick<PodActions, 'start' | 'waiting' | 'held'>): number | undefined {
    const { clock } = this.#options;
    const [mono, now] = [clock.monotonic(), clock.now()];
    const due = [...actions.start, ...actions.waiting, ...actions.held].map(
      ({ container }) => container.name,
    );
    for (const name of this.#reasons.keys()) if (!due.includes(name)) this.#reasons.delete(name);
    for (const { container } of actions.start) {
      if (this.#reasons.get(container.name)?.reason === 'CrashLoopBackOff')
        this.#reasons.delete(container.name);
    }
    for (const { container, delayMs } of actions.waiting) this.#crashLoop(pod, container, delayMs);
    const times = actions.waiting.map(({ notBeforeMs }) => notBeforeMs);
    for (const { container, delayMs } of actions.held) {
      times.push(now + delayMs);
      const failed = this.#failed.get(container.name);
      if (failed?.error.meanwhile === undefined) continue;
      const shownForMs = mono - failed.atMs;
      if (shownForMs < SHOWN_MS) times.push(now + SHOWN_MS - shownForMs);
      else this.#meanwhile(container, failed.error.meanwhile);
    }
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** What the pod waits for, in words; `undefined` for nothing. */
  describe(): string | undefined {
    if (this.#reasons.size === 0) return undefined;
    return [...this.#reasons]
      .map(([name, { reason, message }]) => `${name}: ${reason} (${message})`)
      .join(', ');
  }

  clear(): void {
    this.#reasons.clear();
  }

  #crashLoop(pod: Pod, container: AnyContainer, delayMs: number): void {
    const who = `${pod.metadata.name}_${pod.metadata.namespace ?? ''}(${pod.metadata.uid ?? ''})`;
    const delay = formatDuration(Math.round(delayMs / 1000) * 1000);
    const message = `back-off ${delay} restarting failed container=${container.name} pod=${who}`;
    if (this.#reasons.get(container.name)?.message === message) return;
    this.#reasons.set(container.name, { reason: 'CrashLoopBackOff', message });
    const text = `Back-off restarting failed container ${container.name} in pod ${who}`;
    this.#options.events.container(pod, container.name, 'Warning', 'BackOff', text);
  }

  #meanwhile({ name }: AnyContainer, { reason, message, tell }: Meanwhile): void {
    if (this.#reasons.get(name)?.reason === reason) return;
    this.#reasons.set(name, { reason, message });
    tell();
  }
}

function keyOf(container: AnyContainer): string {
  return `${container.name}/${containerHash(container)}`;
}
