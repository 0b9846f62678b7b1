/** The scheduling loop: takes pods off the queue, decides, and sees the binding through. */
import type { Pod } from '../api/types.ts';
import { keyOf } from '../api/types.ts';
import type { Clock } from '../base/clock.ts';
import { errorMessage, isAbort } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { ApiClient } from '../client/client.ts';
import { isNotFound } from '../client/errors.ts';
import type { EventRecorder } from '../client/events.ts';
import type { ReadonlyStore } from '../client/store.ts';
import { whereIs } from './binding/bind_pod.ts';
import type { SchedulerCache } from './cache/cache.ts';
import { podId } from './cache/node_info.ts';
import type { DecisionLog } from './explain/decision_log.ts';
import { CycleState } from './framework/cycle_state.ts';
import type { Profile } from './framework/profile.ts';
import type { Outcome, Status } from './framework/status.ts';
import { errorStatus, isRejected } from './framework/status.ts';
import type { SchedulerMetrics } from './metrics.ts';
import { setPodUnscheduled } from './pod_condition.ts';
import type { QueuedPod } from './queue/queued_pod.ts';
import type { SchedulingQueue } from './queue/scheduling_queue.ts';
import type { Decision } from './schedule_pod.ts';
import { schedulerNameOf } from './scheduler_name.ts';
import { refusedBy, schedulePod, unschedulableMessage } from './schedule_pod.ts';

export interface SchedulerOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly cache: SchedulerCache;
  readonly queue: SchedulingQueue;
  /** By schedulerName. */
  readonly profiles: ReadonlyMap<string, Profile>;
  /** Events of a profile carry its name. */
  readonly recorders: ReadonlyMap<string, EventRecorder>;
  readonly decisions: DecisionLog;
  /** Pods as last seen in the API. */
  readonly pods: ReadonlyStore<Pod>;
  readonly metrics: SchedulerMetrics;
}

export class Scheduler {
  readonly #o: SchedulerOptions;
  readonly #binding = new Set<Promise<void>>();

  constructor(options: SchedulerOptions) {
    this.#o = options;
  }

  /**
   * Schedules until the signal aborts; then lets the bindings under way end and resolves.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { queue } = this.#o;
    while (!signal.aborted) {
      let queued: QueuedPod;
      try {
        queued = await queue.pop(signal);
      } catch (err) {
        if (isAbort(err, signal)) break;
        throw err;
      }
      this.#scheduleOne(queued, signal);
      // Watch events and answers of bindings must not wait for the queue to run empty.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await Promise.all(this.#binding);
  }

  #scheduleOne(queued: QueuedPod, signal: AbortSignal): void {
    const { cache, clock, decisions, metrics, profiles, queue } = this.#o;
    const { pod } = queued;
    const profile = profiles.get(schedulerNameOf(pod));
    if (profile === undefined || this.#isSettled(pod)) {
      queue.done(queued);
      return;
    }
    const started = clock.monotonic();
    const state = new CycleState();
    const decision = schedulePod(pod, cache.nodes(), profile, state);
    decisions.record(pod, decision, queued.attempts, clock.now());
    metrics.algorithmSeconds((clock.monotonic() - started) / 1000);
    if (decision.kind !== 'node') {
      metrics.attempt(decision.kind, profile.schedulerName, (clock.monotonic() - started) / 1000);
      this.#track(this.#failed(queued, profile, decision, signal), signal);
      return;
    }
    const placed: Pod = { ...pod, spec: { ...pod.spec, nodeName: decision.node } };
    cache.assumePod(placed, decision.node);
    this.#track(this.#bind(queued, placed, decision.node, profile, state, started, signal), signal);
  }

  /** Nothing to do for a pod that is gone, going, or has its node. */
  #isSettled(pod: Pod): boolean {
    const known = this.#o.pods.get(keyOf(pod));
    if (known === undefined || podId(known) !== podId(pod)) return true;
    if (known.metadata.deletionTimestamp !== undefined || (known.spec.nodeName ?? '') !== '') return true;
    return this.#o.cache.isAssumed(pod);
  }

  async #bind(
    queued: QueuedPod,
    placed: Pod,
    node: string,
    profile: Profile,
    state: CycleState,
    started: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { cache, client, clock, log, metrics, queue } = this.#o;
    const failure = await this.#runBinding(placed, node, profile, state, signal);
    if (failure === undefined) {
      for (const plugin of profile.postBind) plugin.postBind(state, placed, node);
      this.#reportScheduled(placed, node, profile);
      metrics.attempt('scheduled', profile.schedulerName, (clock.monotonic() - started) / 1000);
      metrics.scheduledAfter((clock.monotonic() - queued.firstSeen) / 1000, queued.attempts);
      queue.done(queued);
      return;
    }
    for (const plugin of profile.reserve.toReversed()) plugin.unreserve(state, placed, node);
    const outcome = await whereIs(client, placed, clock, signal);
    if (outcome.kind === 'bound') {
      // Ours after all (the answer was lost), or somebody else's: the watch tells the cache either way.
      if (outcome.node === node) this.#reportScheduled(placed, node, profile);
      else cache.forgetPod(placed);
      queue.done(queued);
      return;
    }
    cache.forgetPod(placed);
    queue.moveForEvent('AssignedPodDelete');
    if (outcome.kind === 'gone') {
      queue.done(queued);
      return;
    }
    log.error(failure.cause, 'Binding failed', { pod: queued.key, node, reasons: failure.reasons });
    metrics.attempt('error', profile.schedulerName, (clock.monotonic() - started) / 1000);
    const diagnosis = { nodes: cache.nodes().length, refusals: new Map(), scores: [] };
    const kind = isRejected(failure) ? 'unschedulable' : 'error';
    await this.#failed(
      queued,
      profile,
      kind === 'error' ? { kind, status: failure, diagnosis } : { kind, diagnosis },
      signal,
    );
  }

  /** Reserve, PreBind and Bind; undefined when the pod is bound. */
  async #runBinding(
    pod: Pod,
    node: string,
    profile: Profile,
    state: CycleState,
    signal: AbortSignal,
  ): Promise<Status | undefined> {
    const step = async (plugin: string, run: () => Outcome | Promise<Outcome>): Promise<Outcome> => {
      try {
        const outcome = await run();
        return outcome === undefined || outcome.code === 'Success' ? undefined : { ...outcome, plugin };
      } catch (err) {
        return { ...errorStatus(`plugin "${plugin}": ${errorMessage(err)}`, err), plugin };
      }
    };
    for (const plugin of profile.reserve) {
      const failed = await step(plugin.name, () => plugin.reserve(state, pod, node));
      if (failed !== undefined) return failed;
    }
    for (const plugin of profile.preBind) {
      const failed = await step(plugin.name, () => plugin.preBind(state, pod, node, signal));
      if (failed !== undefined) return failed;
    }
    for (const plugin of profile.bind) {
      const outcome = await step(plugin.name, () => plugin.bind(state, pod, node, signal));
      if (outcome?.code !== 'Skip') return outcome;
    }
    return errorStatus(`no bind plugin of profile "${profile.schedulerName}" took the pod`);
  }

  #reportScheduled(pod: Pod, node: string, profile: Profile): void {
    const { log, recorders } = this.#o;
    const key = keyOf(pod);
    log.v(2).info('Successfully bound pod to node', { pod: key, node });
    recorders
      .get(profile.schedulerName)
      ?.event(regarding(pod), 'Normal', 'Scheduled', `Successfully assigned ${key} to ${node}`, {
        action: 'Binding',
      });
  }

  /** Reports the failure and puts the pod back. */
  async #failed(
    queued: QueuedPod,
    profile: Profile,
    decision: Exclude<Decision, { kind: 'node' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, clock, log, queue, recorders } = this.#o;
    const { pod } = queued;
    const isError = decision.kind === 'error';
    const message = isError
      ? `${decision.status.reasons.join(', ')}${decision.status.cause === undefined ? '' : `: ${errorMessage(decision.status.cause)}`}`
      : unschedulableMessage(decision.diagnosis);
    log.v(2).info('Unable to schedule pod', { pod: queued.key, reason: message, attempt: queued.attempts });
    queue.requeue(queued, isError ? new Set() : refusedBy(decision.diagnosis));
    recorders
      .get(profile.schedulerName)
      ?.event(regarding(pod), 'Warning', 'FailedScheduling', message, { action: 'Scheduling' });
    try {
      await setPodUnscheduled(client, pod, isError ? 'SchedulerError' : 'Unschedulable', message, {
        nowMs: clock.now(),
        signal,
      });
    } catch (err) {
      // The next attempt writes it again.
      if (!isNotFound(err) && !isAbort(err, signal))
        log.error(err, 'Error updating pod', { pod: queued.key });
    }
  }

  #track(work: Promise<void>, signal: AbortSignal): void {
    const tracked = work
      .catch((err: unknown) => {
        if (!isAbort(err, signal)) this.#o.log.error(err, 'Scheduling cycle ended by an error');
      })
      .finally(() => this.#binding.delete(tracked));
    this.#binding.add(tracked);
  }
}

function regarding(pod: Pod): Pod & { apiVersion: string; kind: string } {
  return { ...pod, apiVersion: 'v1', kind: 'Pod' };
}
