/**
 * One pod, from the first sight of it to its last trace. A state machine with its own loop, so that whatever one pod waits
 * for (a pull, a preStop, a volume) no other pod waits for:
 *
 *     syncing      brings the runtime to what the spec wants. Left when the pod is deleted, no longer named by any source,
 *                  rejected, past its deadline, or finished (all containers ended, none restarts).
 *     terminating  ends all containers within the grace period (again, sooner, when the grace period is shortened).
 *                  Left when nothing of the pod runs; its final status is set then.
 *     terminated   takes down volumes and the cgroup, waits for the final status to be in the API, and, when the pod is
 *                  deleted, removes it from the API. Left (to nothing) when no source names the pod: then containers,
 *                  logs and directories are removed.
 *
 * Turns are woken by changes of the spec, of the runtime, of probe verdicts, and by timers (back-off, deadline). A turn
 * that fails is repeated with back-off, whatever wakes the worker before that: such a turn brings the status up to date
 * and does nothing else. A turn under way is interrupted when the pod is to end or to end sooner; whatever else wakes the
 * worker meanwhile shows in the status at once (a pod that ends may be unready long before it has ended).
 */
import { containerStatusOf } from './container_status_of.ts';
import type { Pod, PodCondition, PodStatus } from '../../api/types.ts';
import { Backoff } from '../../base/backoff.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import { errorMessage, isAbort } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { WallStamps } from '../../base/wall_stamps.ts';
import type { Random } from '../../base/backoff.ts';
import {
  type KubeletEvents,
  type PodRef,
  type PodRuntimeStatus,
  type ProbeManager,
  type PodStatusWriter,
  type PodVolumes,
  type Timeline,
  type VolumeManager,
  VolumeError,
} from '../contracts.ts';
import type { PodCgroups } from '../cgroups/pod_cgroups.ts';
import type { RuntimeCache } from '../pleg/runtime_cache.ts';
import type { Granted } from '../resize/allocation.ts';
import type { ResizeSteps } from '../resize/steps.ts';
import type { ContainerStop } from '../runtime/container_stop.ts';
import type { Images } from '../runtime/images.ts';
import { type PodActions, podActions } from '../runtime/pod_actions.ts';
import type { PodSync } from '../runtime/pod_sync.ts';
import type { RestartBackoffPolicy } from '../runtime/restart_backoff.ts';
import { podStatus } from '../status/pod_status.ts';
import type { TerminationMessages } from '../status/termination_message.ts';
import { ContainerWaits } from './container_waits.ts';
import { podChange } from './pod_change.ts';
import { entryInPresentTime, statusInPresentTime } from './present_time.ts';
import type { PodRemover } from './pod_remover.ts';

export type PodState = 'syncing' | 'terminating' | 'terminated' | 'removed';

/** Why a pod has failed without its containers' doing. */
export interface PodVerdict {
  readonly phase: 'Failed';
  readonly reason: string;
  readonly message: string;
  /** The kubelet ends the pod for the sake of others: reason of its condition DisruptionTarget. */
  readonly disruption?: 'TerminationByKubelet';
}

/** Resources of running containers that are to be brought to what the pod was granted since. */
export interface PodResize {
  /** `undefined`: nothing is left to do. */
  steps(pod: Pod, status: PodRuntimeStatus | undefined): ResizeSteps | undefined;
  /** Rejects when something could not be set; it is tried again. */
  apply(pod: Pod, status: PodRuntimeStatus | undefined, signal: AbortSignal): Promise<void>;
  /** A container was created with what the pod has. */
  started(pod: Pod, containerName: string): void;
  /** What the status shows. */
  conditions(uid: string): readonly PodCondition[];
  actuated(uid: string, containerName: string): Granted | undefined;
  actuatedPod(uid: string): Granted | undefined;
}

export interface PodWorkerOptions {
  readonly clock: Clock;
  /** Back-off and deadlines go by true ages, also after the clock was set. */
  readonly stamps: Pick<WallStamps, 'present'>;
  readonly log: Log;
  readonly cache: Pick<RuntimeCache, 'podStatus' | 'inspect'>;
  readonly sync: Pick<PodSync, 'apply'>;
  readonly stop: Pick<ContainerStop, 'stopPod'>;
  readonly images: Pick<Images, 'forget'>;
  readonly volumes: Pick<VolumeManager, 'mountPod' | 'unmountPod'>;
  readonly cgroups: Pick<PodCgroups, 'ensure' | 'parentOf' | 'remove'>;
  readonly probes: Pick<ProbeManager, 'podAdded' | 'podTerminating' | 'podRemoved' | 'verdicts' | 'started'>;
  readonly statuses: PodStatusWriter;
  readonly messages: Pick<TerminationMessages, 'of'>;
  readonly remover: Pick<PodRemover, 'remove'>;
  readonly events: KubeletEvents;
  readonly timeline: Timeline;
  readonly backoff: RestartBackoffPolicy;
  readonly runtimeName: () => string;
  readonly hostIPs: () => readonly string[];
  /** Why no pod network can be made, `undefined` when it can. */
  readonly networkProblem: () => string | undefined;
  /** Refuses a pod that this kubelet cannot run as it is meant, also one that already runs. */
  readonly supports: (pod: Pod) => PodVerdict | undefined;
  /** Refuses a pod that does not fit on the node, before anything is done for it. */
  readonly admit: (pod: Pod) => PodVerdict | undefined;
  /** The pod was let in, now or by a kubelet before this one. */
  readonly admitted: (pod: Pod) => void;
  readonly resize: PodResize;
  /** Another pod of the same name, or one whose place this one takes, is still ending; this one waits for it. */
  readonly predecessor: (pod: Pod) => boolean;
  /** Removes the pod from the API (grace period 0), if it is deleted there. */
  readonly deleteFromApi: (pod: Pod, signal: AbortSignal) => Promise<void>;
  /** Told of each turn; with the first also the time since the worker was made. */
  readonly observeTurn?: (state: PodState, durationMs: number, ageMs: number | undefined) => void;
  /** Called when nothing is left of the pod. */
  readonly removed: (uid: string) => void;
  readonly random?: Random;
}

/** No sandbox can have a network now. */
class NetworkNotReadyError extends Error {
  override readonly name = 'NetworkNotReadyError';
}

const NETWORK_RETRY_MS = 1000;
const RESIZE_RETRY_MS = 10_000;
const RETRY = { initialMs: 1000, maxMs: 15_000, factor: 2, jitter: 0.2 };
/** `activeDeadlineSeconds` passed. */
const DEADLINE_MESSAGE = 'Pod was active on the node longer than the specified deadline';

export class PodWorker {
  readonly ref: PodRef;
  readonly #options: PodWorkerOptions;
  readonly #retry: Backoff;
  readonly #waits: ContainerWaits;
  readonly #killedForRestart = new Set<string>();
  /** As of the last source; `undefined` for a pod that only the runtime knows. */
  #pod: Pod | undefined;
  #state: PodState = 'syncing';
  #gone = false;
  #verdict: PodVerdict | undefined;
  #admitted = false;
  /** The pod's volumes were made ready in the life of this kubelet. */
  #volumesTaken = false;
  /** Why the volumes could not be mounted when it was tried last. */
  #volumeProblem: string | undefined;
  /** What the pod waits for, as the timeline has it, without problems and times. */
  #waitsOn: string | undefined;
  #startedAtMs: number;
  #graceSeconds: number | undefined;
  #signalled = false;
  /** A turn is under way. */
  #isBusy = false;
  #wake: (() => void) | undefined;
  #timer: Timer | undefined;
  #resizeTimer: Timer | undefined;
  #turn: AbortController | undefined;
  #lastTurnMs: number;
  #turns = 0;
  /** Before this time, on the monotonic clock, what failed is not tried again. */
  #heldUntilMs = 0;

  /** @param pod `undefined` for an orphan: the runtime has it, no source names it */
  constructor(ref: PodRef, pod: Pod | undefined, options: PodWorkerOptions) {
    this.ref = ref;
    this.#pod = pod;
    this.#options = options;
    this.#retry = new Backoff(RETRY, options.random);
    this.#waits = new ContainerWaits(options);
    this.#startedAtMs = options.clock.now();
    this.#lastTurnMs = options.clock.monotonic();
    if (pod === undefined) {
      this.#gone = true;
      this.#state = 'terminating';
    }
  }

  get state(): PodState {
    return this.#state;
  }

  get pod(): Pod | undefined {
    return this.#pod;
  }

  /** The pod was let in: its requests count. */
  get admitted(): boolean {
    return this.#admitted;
  }

  get verdict(): PodVerdict | undefined {
    return this.#verdict;
  }

  /** When the last turn ended, on the monotonic clock. */
  get lastTurnMs(): number {
    return this.#lastTurnMs;
  }

  /** Takes a new version of the pod. */
  update(pod: Pod): void {
    const written = this.#options.statuses.get(this.ref.uid);
    const change = this.#pod === undefined || this.#gone ? 'pod' : podChange(this.#pod, pod, written);
    this.#pod = pod;
    if (change === 'echo') return;
    this.#gone = false;
    if (change === 'pod') this.#heldUntilMs = 0;
    if (pod.metadata.deletionTimestamp !== undefined) this.#end(pod.metadata.deletionGracePeriodSeconds ?? 0);
    this.wake();
  }

  /** No source names the pod any more. */
  sourceGone(): void {
    this.#gone = true;
    this.#heldUntilMs = 0;
    this.#end(undefined);
    this.wake();
  }

  /** Ends the pod as failed (eviction, node shutdown). */
  fail(verdict: PodVerdict, graceSeconds: number | undefined): void {
    this.#verdict ??= verdict;
    this.#heldUntilMs = 0;
    this.#end(graceSeconds);
    this.wake();
  }

  /** Something that the pod depends on changed. */
  wake(): void {
    this.#signalled = true;
    this.#wake?.();
    if (this.#isBusy && (this.#admitted || this.#state === 'terminating')) this.#publish(false);
  }

  /** Lives until the pod is removed or the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, observeTurn } = this.#options;
    const bornMs = this.#lastTurnMs;
    const failed = (error: unknown): void => {
      log.error(error, 'Error syncing pod, skipping', {
        pod: this.#name,
        podUID: this.ref.uid,
        state: this.#state,
      });
      // Soon after its network comes up a node is to run its pods.
      const retryMs = error instanceof NetworkNotReadyError ? NETWORK_RETRY_MS : this.#retry.next();
      const problem = errorMessage(error);
      this.#waitsFor(this.#waitsOn ?? 'another try', { problem, untilMs: clock.now() + retryMs });
      this.#hold(retryMs);
    };
    while (!signal.aborted && this.#state !== 'removed') {
      this.#signalled = false;
      this.#timer?.cancel();
      const turn = new AbortController();
      this.#turn = turn;
      const state = this.#state;
      const began = clock.monotonic();
      const ageMs = this.#turns++ === 0 ? began - bornMs : undefined;
      try {
        this.#isBusy = true;
        const again = await this.#take(AbortSignal.any([signal, turn.signal])).finally(() => {
          this.#isBusy = false;
        });
        this.#lastTurnMs = clock.monotonic();
        observeTurn?.(state, this.#lastTurnMs - began, ageMs);
        if (again || this.#state !== state) {
          if (this.#state !== state) {
            this.#retry.reset();
            this.#heldUntilMs = 0;
          }
          continue;
        }
      } catch (error) {
        this.#lastTurnMs = clock.monotonic();
        if (signal.aborted) break;
        if (turn.signal.aborted && isAbort(error, turn.signal)) continue;
        failed(error);
      }
      await this.#idle(signal);
    }
    this.#timer?.cancel();
    this.#resizeTimer?.cancel();
  }

  // ------------------------------------------------------------ turns

  /** One turn of the present state; true to take the next at once. */
  #take(signal: AbortSignal): Promise<boolean> {
    if (this.#state === 'syncing') return this.#sync(signal);
    if (this.#state === 'terminating') return this.#terminate(signal);
    return this.#finish(signal);
  }

  async #sync(signal: AbortSignal): Promise<boolean> {
    const { cache, clock, events, probes, timeline } = this.#options;
    const pod = this.#pod;
    if (
      pod === undefined ||
      this.#gone ||
      this.#verdict !== undefined ||
      pod.metadata.deletionTimestamp !== undefined
    ) {
      if (pod?.metadata.deletionTimestamp !== undefined)
        this.#graceSeconds ??= remainingGrace(pod, clock.now());
      this.#enter('terminating', this.#whyEnding(pod));
      return true;
    }
    if (!this.#admitted) {
      const known = cache.podStatus(this.ref.uid) !== undefined || isDone(pod);
      const verdict =
        (isDone(pod) ? undefined : this.#options.supports(pod)) ??
        (known ? undefined : this.#options.admit(pod));
      if (verdict !== undefined) {
        // What runs of it has a status of its own.
        this.#admitted = known;
        events.pod(pod, 'Warning', verdict.reason, verdict.message.replace(/^Pod was rejected: /, ''));
        timeline.record(this.ref, { what: 'rejected', why: verdict.message });
        this.#verdict = verdict;
        return true;
      }
      this.#admitted = true;
      this.#options.admitted(pod);
      timeline.record(this.ref, { what: known ? 'taken over after a restart' : 'admitted' });
    }
    if (isDone(pod)) {
      this.#enter('terminating', `phase ${pod.status?.phase ?? ''} is final`);
      return true;
    }
    if (this.#pastDeadline(pod)) {
      events.pod(pod, 'Normal', 'DeadlineExceeded', DEADLINE_MESSAGE);
      this.#verdict = { phase: 'Failed', reason: 'DeadlineExceeded', message: DEADLINE_MESSAGE };
      return true;
    }
    probes.podAdded(pod);
    const status = cache.podStatus(this.ref.uid);
    const resize = this.#options.resize.steps(pod, status);
    if (resize !== undefined) await this.#resize(pod, status, signal);
    const actions = this.#decide(pod, status, resize);
    const changesAtMs = this.#waits.decided(pod, actions);
    const shown = this.#publish(false);
    if (shown?.phase === 'Succeeded' || shown?.phase === 'Failed') {
      this.#enter('terminating', 'all containers have ended');
      return true;
    }
    const idle =
      actions.start.length === 0 &&
      actions.kill.length === 0 &&
      (actions.killPod === undefined || !isUp(status));
    if (idle) {
      this.#waitsFor(this.#waits.describe(), { untilMs: changesAtMs });
      this.#plan(pod, changesAtMs);
      // A kubelet before this one mounted them: from now on this one keeps their contents up to date.
      if (!this.#volumesTaken && isUp(status)) await this.#mountVolumes(pod, signal);
      return false;
    }
    if (this.#isHeld()) return false;
    if (this.#options.predecessor(pod)) {
      this.#waitsFor('the end of another pod, of the same name or whose place it takes');
      this.#wakeAt(clock.now() + 1000);
      return false;
    }
    return this.#carryOut(pod, actions, signal);
  }

  /** A resize that cannot be carried out now holds up nothing else of the pod. */
  async #resize(pod: Pod, status: PodRuntimeStatus | undefined, signal: AbortSignal): Promise<void> {
    const { clock, log, resize } = this.#options;
    try {
      await resize.apply(pod, status, signal);
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      log.error(error, 'Cannot resize a pod; trying again', { pod: this.#name, podUID: this.ref.uid });
      this.#resizeTimer?.cancel();
      this.#resizeTimer = clock.setTimer(RESIZE_RETRY_MS, () => this.wake());
    }
  }

  async #carryOut(pod: Pod, actions: PodActions, signal: AbortSignal): Promise<boolean> {
    const { cgroups, clock, events, sync } = this.#options;
    const network = this.#options.networkProblem();
    if (network !== undefined && pod.spec.hostNetwork !== true && actions.createSandbox !== undefined) {
      events.pod(pod, 'Warning', 'NetworkNotReady', `network is not ready: ${network}`);
      throw new NetworkNotReadyError(`network is not ready: ${network}`);
    }
    await cgroups.ensure(pod);
    this.#waitsFor('volumes', { problem: this.#volumeProblem });
    const mounted = await this.#mountVolumes(pod, signal);
    this.#waitsFor('the runtime');
    const outcome = await sync.apply(
      pod,
      cgroups.parentOf(pod),
      actions,
      mounted,
      {
        killedForRestart: (id) => this.#killedForRestart.add(id),
        startTried: (action) => {
          this.#options.resize.started(pod, action.container.name);
          this.#waits.tried(action);
        },
        waiting: (name, reason) => {
          this.#waits.show(name, reason);
          this.#publish(false);
        },
      },
      signal,
    );
    const ofPod = outcome.failures.get('');
    for (const { container } of actions.start) {
      const error = outcome.failures.get(container.name);
      if (error !== undefined) this.#waits.failed(container, error);
    }
    const shown = this.#publish(false);
    if (ofPod === undefined) {
      this.#retry.reset();
      return outcome.changed || outcome.failures.size > 0 || shown === undefined;
    }
    const retryMs = this.#retry.next();
    this.#waitsFor(ofPod.reason, { problem: ofPod.message, untilMs: clock.now() + retryMs });
    this.#hold(retryMs);
    return false;
  }

  async #mountVolumes(pod: Pod, signal: AbortSignal): Promise<PodVolumes> {
    const { events, timeline, volumes } = this.#options;
    try {
      const mounted = await volumes.mountPod(pod, signal);
      this.#volumesTaken = true;
      this.#volumeProblem = undefined;
      return mounted;
    } catch (error) {
      if (!isAbort(error, signal)) {
        this.#volumeProblem = errorMessage(error);
        const reason = error instanceof VolumeError ? error.reason : 'FailedMount';
        events.pod(pod, 'Warning', reason, errorMessage(error));
        timeline.record(this.ref, { what: 'mount volumes failed', error: errorMessage(error) });
      }
      throw error;
    }
  }

  async #terminate(signal: AbortSignal): Promise<boolean> {
    const { cache, probes, stop } = this.#options;
    const pod = this.#pod;
    if (pod !== undefined) probes.podTerminating(pod);
    this.#publish(false);
    if (this.#isHeld()) return false;
    const status = cache.podStatus(this.ref.uid);
    if (status !== undefined && isUp(status)) {
      await stop.stopPod(pod, status, this.#graceSeconds, signal);
      await cache.inspect(this.ref.uid, signal);
      const left = cache.podStatus(this.ref.uid);
      if (
        left !== undefined &&
        left.containers.some(({ state }) => state === 'running' || state === 'unknown')
      ) {
        throw new Error('containers still run after they were stopped');
      }
    }
    probes.podRemoved(this.ref.uid);
    this.#waits.clear();
    this.#publish(true);
    this.#enter('terminated', 'nothing of the pod runs');
    return true;
  }

  async #finish(signal: AbortSignal): Promise<boolean> {
    const { cgroups, images, remover, statuses, timeline, volumes } = this.#options;
    const pod = this.#pod;
    this.#publish(true);
    if (this.#isHeld()) return false;
    this.#waitsFor('volumes to come down');
    await volumes.unmountPod(this.ref.uid, signal);
    this.#waitsFor('the cgroup to be removed');
    await cgroups.remove(this.ref.uid);
    images.forget(this.ref.uid);
    if (this.#gone) {
      this.#waitsFor('containers, logs and directories to be removed');
      await remover.remove(this.ref, signal);
      timeline.record(this.ref, { what: 'removed' });
      this.#waitsFor(undefined);
      this.#state = 'removed';
      this.#options.removed(this.ref.uid);
      return false;
    }
    if (pod !== undefined) {
      this.#waitsFor('the final status to be written');
      await statuses.flushed(this.ref.uid, signal);
      if (pod.metadata.deletionTimestamp !== undefined) {
        this.#waitsFor('the API to remove the pod');
        await this.#options.deleteFromApi(pod, signal);
      }
    }
    this.#waitsFor(undefined);
    return false;
  }

  // ------------------------------------------------------------ parts

  /** Says what the pod waits for now, why it has not come, and until when nothing will be done about it. */
  #waitsFor(
    what: string | undefined,
    more: { readonly problem?: string | undefined; readonly untilMs?: number | undefined } = {},
  ): void {
    this.#waitsOn = what;
    const text = what === undefined || more.problem === undefined ? what : `${what}: ${more.problem}`;
    this.#options.timeline.waiting(this.ref, text, more.untilMs);
  }

  #decide(pod: Pod, status: PodRuntimeStatus | undefined, resize: ResizeSteps | undefined): PodActions {
    const { clock, probes, backoff, stamps } = this.#options;
    const previous = this.#options.statuses.get(this.ref.uid) ?? pod.status;
    return podActions({
      pod,
      status: statusInPresentTime(status, stamps),
      nowMs: clock.now(),
      verdicts: (name, id) => probes.verdicts(this.ref.uid, name, id),
      started: (name, id) => probes.started(pod, name, id),
      backoff: (container) => entryInPresentTime(this.#waits.backoff(container), stamps),
      policy: backoff,
      holdMs: (container, last) => this.#waits.holdMs(container, last),
      killedForRestart: (id) => this.#killedForRestart.has(id),
      resizeRestarts: (name) => resize?.restarts.has(name) === true,
      lastRestartCount: (name) => {
        const known = containerStatusOf(previous, name);
        return known?.containerID === undefined ? -1 : known.restartCount;
      },
    });
  }

  #publish(ended: boolean): PodStatus | undefined {
    const { cache, clock, hostIPs, messages, probes, runtimeName, statuses } = this.#options;
    const pod = this.#pod;
    if (pod === undefined || this.#gone) return undefined;
    const runtime = cache.podStatus(this.ref.uid);
    if (isDone(pod) && runtime === undefined && this.#verdict === undefined) {
      // It ended under a kubelet before this one (or was refused by it): the API alone knows how.
      const kept = statuses.get(this.ref.uid) ?? pod.status;
      statuses.set(pod, kept);
      return kept;
    }
    const status = podStatus({
      pod,
      runtime,
      runtimeName: runtimeName(),
      waiting: (name) => this.#waits.reason(name),
      verdicts: (name, id) => probes.verdicts(this.ref.uid, name, id),
      started: (name, id) => probes.started(pod, name, id),
      terminationMessage: (container) => messages.of(container),
      terminating: this.#state !== 'syncing',
      nowMs: clock.now(),
      hostIPs: hostIPs(),
      previous: statuses.get(this.ref.uid) ?? pod.status,
      startedAtMs: this.#startedAtMs,
      verdict: this.#verdict,
      rejected: !this.#admitted && this.#verdict !== undefined,
      resizeConditions: this.#options.resize.conditions(this.ref.uid),
      actuated: (name) => this.#options.resize.actuated(this.ref.uid, name),
      actuatedPod: this.#options.resize.actuatedPod(this.ref.uid),
      ended,
    });
    statuses.set(pod, status);
    return status;
  }

  #plan(pod: Pod, changesAtMs: number | undefined): void {
    const times = [changesAtMs, this.#deadlineMs(pod)].filter((at) => at !== undefined);
    if (times.length > 0) this.#wakeAt(Math.min(...times));
  }

  /** Something failed: it waits its turn. */
  #hold(ms: number): void {
    const { clock } = this.#options;
    const delayMs = Math.ceil(ms);
    this.#heldUntilMs = clock.monotonic() + delayMs;
    this.#wakeAt(clock.now() + delayMs);
  }

  /** Whether what failed is not due yet; the worker is woken when it is. */
  #isHeld(): boolean {
    const { clock } = this.#options;
    const leftMs = this.#heldUntilMs - clock.monotonic();
    if (leftMs <= 0) return false;
    this.#wakeAt(clock.now() + Math.ceil(leftMs)); // a timer for less than that could fire too early
    return true;
  }

  #deadlineMs(pod: Pod): number | undefined {
    const seconds = pod.spec.activeDeadlineSeconds;
    if (seconds === undefined) return undefined;
    const started = this.#options.statuses.get(this.ref.uid)?.startTime ?? pod.status?.startTime;
    const from = started === undefined ? this.#startedAtMs : Date.parse(started);
    return this.#options.stamps.present(from) + seconds * 1000;
  }

  #pastDeadline(pod: Pod): boolean {
    const deadline = this.#deadlineMs(pod);
    return deadline !== undefined && this.#options.clock.now() >= deadline;
  }

  /** The pod is to end, in at most so many seconds. Interrupts what goes on when that is news. */
  #end(graceSeconds: number | undefined): void {
    const shorter =
      graceSeconds !== undefined && (this.#graceSeconds === undefined || graceSeconds < this.#graceSeconds);
    if (shorter) this.#graceSeconds = graceSeconds;
    if (this.#state === 'syncing' || (this.#state === 'terminating' && shorter)) {
      this.#turn?.abort(new Error('the pod is to end'));
    }
  }

  #whyEnding(pod: Pod | undefined): string {
    if (this.#verdict !== undefined) return this.#verdict.message;
    return pod?.metadata.deletionTimestamp === undefined
      ? 'no source names the pod any more'
      : 'deleted through the API';
  }

  #enter(state: PodState, why: string): void {
    this.#state = state;
    this.#options.timeline.record(this.ref, { what: `now ${state}`, why });
  }

  #wakeAt(atMs: number): void {
    const { clock } = this.#options;
    this.#timer?.cancel();
    this.#timer = clock.setTimer(Math.max(0, atMs - clock.now()), () => this.wake());
  }

  async #idle(signal: AbortSignal): Promise<void> {
    if (this.#signalled || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        this.#wake = undefined;
        resolve();
      };
      this.#wake = done;
      signal.addEventListener('abort', done, { once: true });
    });
  }

  get #name(): string {
    return `${this.ref.namespace}/${this.ref.name}`;
  }
}

function isDone(pod: Pod): pod is Pod & { readonly status: PodStatus } {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

function isUp(status: PodRuntimeStatus | undefined): boolean {
  return (
    status !== undefined &&
    (status.sandboxes.some(({ state }) => state === 'ready') ||
      status.containers.some(({ state }) => state !== 'exited'))
  );
}

/** What is left of the grace period of a pod whose deletion began before this kubelet did. */
function remainingGrace(pod: Pod, nowMs: number): number {
  const grace = pod.metadata.deletionGracePeriodSeconds ?? 0;
  const until = Date.parse(pod.metadata.deletionTimestamp ?? '');
  if (grace <= 0 || Number.isNaN(until)) return grace;
  return Math.min(grace, Math.max(1, Math.ceil((until - nowMs) / 1000)));
}
