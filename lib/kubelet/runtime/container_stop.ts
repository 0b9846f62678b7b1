/** Stops containers: preStop, SIGTERM, SIGKILL after the grace period; and whole pods, sidecars last. */
import { availableParallelism } from 'node:os';
import type { Pod } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import { errorMessage, isAbort } from '../../base/errors.ts';
import { Gate, inTurn } from '../../base/gate.ts';
import type { Log } from '../../base/log.ts';
import { isCriError } from '../../cri/errors.ts';
import type { RuntimeClient } from '../../cri/runtime_client.ts';
import type {
  AnyContainer,
  ContainerExec,
  ContainerRuntimeStatus,
  KubeletEvents,
  PodRuntimeStatus,
  Timeline,
} from '../contracts.ts';
import { type HookNote, type LifecycleHandler, noteTaker, runHook } from './lifecycle_hooks.ts';
import { isSidecar } from './restart_policy.ts';
import { GRACE_ANNOTATION, PRE_STOP_ANNOTATION } from './runtime_names.ts';
import { StopWaits } from './stop_waits.ts';

export interface ContainerStopOptions {
  readonly cri: RuntimeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: KubeletEvents;
  readonly timeline: Timeline;
  readonly observeHook?: (note: HookNote) => void;
  readonly exec: ContainerExec;
  /** The node's addresses: where httpGet hooks of hostNetwork pods go. */
  readonly hostIPs: () => readonly string[];
}

export interface StopRequest {
  /** `undefined`: a pod that only the runtime knows. */
  readonly pod: Pod | undefined;
  readonly status: PodRuntimeStatus;
  readonly container: ContainerRuntimeStatus;
  /** Text of the `Killing` event and the timeline. */
  readonly message: string;
  readonly graceSeconds: number;
  readonly signal: AbortSignal;
}

/** Time that SIGTERM gets even when preStop used up the grace period. */
const MIN_TERM_SECONDS = 2;
const STOP_MARGIN_MS = 120_000;
const DEFAULT_GRACE_SECONDS = 30;
/**
 * Networks that are taken down at once. Each is the runtime's and its plugins' work for the processor: all at once, all end
 * late; a few at a time, the first are gone soon and the last no later.
 */
const TEARDOWNS = Math.max(4, 2 * availableParallelism());
/** One that hangs is not waited for any longer. */
const TEARDOWN_HOLD_MS = 3000;

export class ContainerStop {
  readonly #options: ContainerStopOptions;
  /** Incarnations whose preStop was begun: it runs once, however often the stop is repeated. */
  readonly #preStopped = new Set<string>();
  readonly #teardowns = new Gate(TEARDOWNS);
  readonly #stoppedSandboxes = new Set<string>();
  #tearingDown = 0;
  readonly #waits: StopWaits;

  constructor(options: ContainerStopOptions) {
    this.#options = options;
    this.#waits = new StopWaits(options.timeline, options.clock);
  }

  /** Resolves when the container has ended. */
  async stop(request: StopRequest): Promise<void> {
    const { cri, clock, events, timeline } = this.#options;
    const { pod, container, signal } = request;
    if (pod !== undefined) events.container(pod, container.name, 'Normal', 'Killing', request.message);
    timeline.record(request.status, {
      what: 'stop container',
      why: request.message,
      container: container.name,
    });
    const started = clock.monotonic();
    if (request.graceSeconds > 0 && !this.#preStopped.has(container.id)) await this.#preStop(request);
    const used = (clock.monotonic() - started) / 1000;
    const left =
      request.graceSeconds <= 0
        ? request.graceSeconds
        : Math.max(MIN_TERM_SECONDS, Math.ceil(request.graceSeconds - used));
    const timeout = Math.max(0, left);
    const what = `container ${container.name} to end after its stop signal`;
    this.#waits.begin(request.status, container.name, what, timeout);
    try {
      await cri.stopContainer(
        { containerId: container.id, timeout: BigInt(timeout) },
        { signal, timeoutMs: timeout * 1000 + STOP_MARGIN_MS },
      );
    } catch (error) {
      if (!isCriError(error, 'NOT_FOUND')) throw error;
    } finally {
      this.#waits.end(request.status, container.name);
    }
    this.#preStopped.delete(container.id);
  }

  async #preStop(request: StopRequest): Promise<void> {
    const { clock, events, exec, log, timeline } = this.#options;
    const { pod, container, status, signal } = request;
    const spec = specOf(pod, container);
    const handler = spec?.lifecycle?.preStop;
    if (spec === undefined || handler === undefined || container.state !== 'running') return;
    this.#preStopped.add(container.id);
    const what = `preStop of container ${container.name}`;
    this.#waits.begin(status, container.name, what, request.graceSeconds);
    const started = clock.monotonic();
    const timeoutMs = request.graceSeconds * 1000;
    const [sandbox] = status.sandboxes;
    const podIP = sandbox?.hostNetwork === true ? this.#options.hostIPs()[0] : sandbox?.ips[0];
    try {
      await Promise.race([
        runHook(handler, { container: spec, containerId: container.id, podIP }, exec, clock, {
          timeoutMs,
          signal,
          note: noteTaker(pod, this.#options),
        }),
        clock.sleep(timeoutMs, signal),
      ]);
      timeline.record(status, {
        what: 'ran preStop',
        container: container.name,
        durationMs: Math.round(clock.monotonic() - started),
      });
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      log.error(error, 'PreStop hook failed', { containerName: container.name, podUID: status.uid });
      timeline.record(status, {
        what: 'preStop failed',
        container: container.name,
        error: errorMessage(error),
      });
      if (pod !== undefined) {
        events.container(pod, container.name, 'Warning', 'FailedPreStopHook', 'PreStopHook failed');
      }
    } finally {
      this.#waits.end(status, container.name);
    }
  }

  /**
   * Stops all containers of a pod within one grace period, regular ones at once, then sidecars in reverse order, then the
   * sandboxes. Rejects with an error naming what could not be stopped; it can be called again.
   *
   * @param graceSeconds `undefined`: the pod's own
   */
  async stopPod(
    pod: Pod | undefined,
    status: PodRuntimeStatus,
    graceSeconds: number | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock } = this.#options;
    const running = status.containers.filter(
      (c) => c.state === 'running' || c.state === 'unknown' || c.state === 'created',
    );
    const started = clock.monotonic();
    const grace = graceSeconds ?? podGraceSeconds(pod, running[0]);
    const left = (): number =>
      grace <= 0 ? grace : Math.max(1, Math.ceil(grace - (clock.monotonic() - started) / 1000));
    const failures: unknown[] = [];
    const stop = async (container: ContainerRuntimeStatus): Promise<void> => {
      try {
        await this.stop({
          pod,
          status,
          container,
          message: `Stopping container ${container.name}`,
          graceSeconds: left(),
          signal,
        });
      } catch (error) {
        if (isAbort(error, signal)) throw error;
        failures.push(
          new Error(`cannot stop container ${container.name}: ${errorMessage(error)}`, { cause: error }),
        );
      }
    };
    const sidecarNames = (pod?.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
    const isLate = (c: ContainerRuntimeStatus): boolean => sidecarNames.includes(c.name);
    await Promise.all(running.filter((c) => !isLate(c)).map(stop));
    for (const name of sidecarNames.toReversed()) {
      await Promise.all(running.filter((c) => c.name === name).map(stop));
    }
    if (failures.length === 0) await this.stopSandboxes(status, signal);
    if (failures.length > 0) throw new AggregateError(failures, failures.map(errorMessage).join('; '));
  }

  /** Stops all sandboxes of a pod that are ready, and those whose network may still be up. */
  async stopSandboxes(status: PodRuntimeStatus, signal: AbortSignal): Promise<void> {
    const { clock, cri } = this.#options;
    for (const sandbox of status.sandboxes) {
      if (sandbox.state !== 'ready' && sandbox.ips.length === 0) continue;
      try {
        this.#tearingDown++;
        await inTurn(this.#teardowns, { clock, holdMs: TEARDOWN_HOLD_MS, signal }, () =>
          cri.stopPodSandbox({ podSandboxId: sandbox.id }, { signal, timeoutMs: STOP_MARGIN_MS }),
        );
      } catch (error) {
        if (!isCriError(error, 'NOT_FOUND')) throw error;
      } finally {
        this.#tearingDown--;
      }
      this.#stoppedSandboxes.add(sandbox.id);
      this.#options.timeline.record(status, { what: 'stop sandbox' });
    }
  }

  /** Networks of pods are being taken down, or wait for it. */
  get isTearingDown(): boolean {
    return this.#tearingDown > 0;
  }

  /**
   * Removes a sandbox in which nothing runs. Stopped before that only where this kubelet has not seen it stopped, networks
   * included: the runtime has all its plugins run again for it.
   */
  async removeSandbox(sandboxId: string, signal: AbortSignal): Promise<void> {
    const { cri } = this.#options;
    const options = { signal, timeoutMs: STOP_MARGIN_MS };
    if (!this.#stoppedSandboxes.has(sandboxId))
      await cri.stopPodSandbox({ podSandboxId: sandboxId }, options);
    await cri.removePodSandbox({ podSandboxId: sandboxId }, options);
    this.#stoppedSandboxes.delete(sandboxId);
  }
}

/** Seconds between SIGTERM and SIGKILL for a pod; of a pod that only the runtime knows, what its containers noted. */
export function podGraceSeconds(pod: Pod | undefined, container: ContainerRuntimeStatus | undefined): number {
  if (pod?.metadata.deletionGracePeriodSeconds !== undefined) return pod.metadata.deletionGracePeriodSeconds;
  if (pod?.spec.terminationGracePeriodSeconds !== undefined) return pod.spec.terminationGracePeriodSeconds;
  const noted = Number(container?.annotations[GRACE_ANNOTATION]);
  return Number.isInteger(noted) ? noted : DEFAULT_GRACE_SECONDS;
}

function specOf(pod: Pod | undefined, container: ContainerRuntimeStatus): AnyContainer | undefined {
  if (pod !== undefined) {
    const all: readonly AnyContainer[] = [
      ...(pod.spec.initContainers ?? []),
      ...pod.spec.containers,
      ...(pod.spec.ephemeralContainers ?? []),
    ];
    return all.find(({ name }) => name === container.name);
  }
  const noted = container.annotations[PRE_STOP_ANNOTATION];
  if (noted === undefined) return undefined;
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by a kubelet; each handler checks what it reads
    const preStop = JSON.parse(noted) as LifecycleHandler;
    return { name: container.name, lifecycle: { preStop } };
  } catch {
    return undefined;
  }
}
