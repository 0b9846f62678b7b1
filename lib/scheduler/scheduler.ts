/** The scheduling loop: takes pods off the queue, decides, and sees the binding through. */
import type { Pod } from '../api/types.ts';
import { keyOf } from '../api/types.ts';
import type { Clock } from '../base/clock.ts';
import { errorMessage, isAbort } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { ApiClient } from '../client/client.ts';
import { isNotFound } from '../client/errors.ts';
import { PODS } from '../client/resource.ts';
import type { EventRecorder } from '../client/events.ts';
import type { ReadonlyStore } from '../client/store.ts';
import { whereIs } from './binding/bind_pod.ts';
import type { SchedulerCache } from './cache/cache.ts';
import type { NodeInfo } from './cache/node_info.ts';
import { podId } from './cache/node_info.ts';
import type { DecisionLog } from './explain/decision_log.ts';
import { CycleState } from './framework/cycle_state.ts';
import type { Extender } from './extender/extender.ts';
import { chooseWithExtenders, preemptWithExtenders } from './extender/run_extenders.ts';
import type { PermitWait, PostFilterContext, PostFilterResult } from './framework/plugin.ts';
import type { Profile } from './framework/plugin.ts';
import { thrown } from './framework/run_filters.ts';
import type { Outcome, Refusal, Status } from './framework/status.ts';
import { errorStatus, isRejected, refusalOf } from './framework/status.ts';
import type { WaitingPods } from './framework/waiting_pods.ts';
import type { Candidate } from './framework/candidate.ts';
import type { SchedulerMetrics } from './metrics.ts';
import { setPodUnscheduled } from './pod_condition.ts';
import type { QueuedPod } from './queue/queued_pod.ts';
import type { SchedulingQueue } from './queue/scheduling_queue.ts';
import type { Decision } from './diagnosis.ts';
import { schedulerNameOf } from './scheduler_name.ts';
import { SignatureTable } from './columns/signature_table.ts';
import { chooseNode, findFeasible, runPreFilters } from './schedule_pod.ts';
import { refusedBy, unschedulableMessage } from './diagnosis.ts';

/** No fewer feasible nodes than that are looked for. */
const MIN_FEASIBLE = 100;

/** For so long the loop keeps everything else waiting. */
const MAX_TURN_MS = 1;

/** One attempt at one pod. */
interface Cycle {
  readonly queued: QueuedPod;
  readonly profile: Profile;
  readonly state: CycleState;
  /** On the monotonic clock. */
  readonly started: number;
}

type Refused = Exclude<Decision, { kind: 'node' }>;

interface Failure {
  readonly decision: Refused;
  /** The node where room is made; empty: none, and an earlier one no more; undefined: as it was. */
  readonly nominated?: string | undefined;
}

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
  /** Pods that wait at Permit. */
  readonly waiting: WaitingPods;
  /** In the order of the configuration. */
  readonly extenders?: readonly Extender[];
  /** 0..1, to choose among equally good nodes. Default Math.random. */
  readonly random?: () => number;
  /** The node of a pod whose binding has to wait is told in its status (the gate NominatedNodeNameForExpectation). */
  readonly tellsExpectations?: boolean;
}

export class Scheduler {
  readonly #o: SchedulerOptions;
  /** Bindings and failures being seen to. */
  #underWay = 0;
  #allDone: () => void = () => undefined;
  /** Per profile. */
  readonly #tables: ReadonlyMap<Profile, SignatureTable>;
  #startAt = 0;

  constructor(options: SchedulerOptions) {
    this.#o = options;
    const { cache, profiles, queue } = options;
    this.#tables = new Map(
      Array.from(profiles.values(), (profile) => [
        profile,
        new SignatureTable(profile, cache, queue.nominated),
      ]),
    );
  }

  /**
   * Schedules until the signal aborts; then lets the bindings under way end and resolves.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, queue } = this.#o;
    let turned = clock.monotonic();
    while (!signal.aborted) {
      let queued: QueuedPod;
      try {
        queued = await queue.pop(signal);
      } catch (err) {
        if (isAbort(err, signal)) break;
        throw err;
      }
      await this.#scheduleOne(queued, signal);
      // Watch events and answers of bindings must not wait for the queue to run empty.
      if (clock.monotonic() - turned < MAX_TURN_MS) continue;
      await new Promise<void>((resolve) => setImmediate(resolve));
      turned = clock.monotonic();
    }
    if (this.#underWay === 0) return;
    await new Promise<void>((resolve) => {
      this.#allDone = resolve;
    });
  }

  async #scheduleOne(queued: QueuedPod, signal: AbortSignal): Promise<void> {
    const { cache, clock, decisions, metrics, profiles, queue } = this.#o;
    const { pod } = queued;
    const profile = profiles.get(schedulerNameOf(pod));
    if (profile === undefined || this.#isSettled(queued)) {
      queue.done(queued);
      return;
    }
    const cycle: Cycle = { queued, profile, state: new CycleState(), started: clock.monotonic() };
    const decision = await this.#decide(pod, cycle, signal);
    metrics.algorithmSeconds((clock.monotonic() - cycle.started) / 1000);
    if (decision.kind !== 'node') {
      const begun = clock.monotonic();
      const failure = await this.#postFilter(pod, decision, cycle, signal);
      if (decision.kind !== 'error' && profile.postFilter.length > 0) {
        const status = (failure.nominated ?? '') === '' ? 'Unschedulable' : 'Success';
        metrics.point('PostFilter', profile.schedulerName, status, (clock.monotonic() - begun) / 1000);
      }
      decisions.record(queued, failure.decision, clock.now());
      this.#track(this.#failed(cycle, failure, signal), signal);
      return;
    }
    decisions.record(queued, decision, clock.now());
    const { node } = decision;
    const placed: Pod = { ...pod, spec: { ...pod.spec, nodeName: node } };
    cache.assumePod(placed, node);
    queue.nominated.remove(pod);
    // Before the next pod is looked at: it must see what this one takes.
    const refused = this.#reserve(placed, node, cycle) ?? this.#permit(placed, node, cycle);
    this.#track(
      refused === undefined
        ? this.#bind(placed, node, cycle, signal)
        : this.#giveUp(placed, node, cycle, refused, signal),
      signal,
    );
  }

  async #decide(pod: Pod, { profile, state }: Cycle, signal: AbortSignal): Promise<Decision> {
    const { cache, queue } = this.#o;
    const nodes = cache.nodes();
    const limit = this.#limit(profile, nodes.length);
    const { random = Math.random } = this.#o;
    const extenders = (this.#o.extenders ?? []).filter((extender) => extender.isInterested(pod));
    if (limit.enough === undefined && extenders.length === 0) {
      const decision = this.#tables.get(profile)?.decide(pod, random);
      if (decision !== undefined) {
        // PostFilter goes by what PreFilter left.
        if (decision.kind !== 'node' && profile.postFilter.length > 0)
          runPreFilters(pod, nodes, profile, state);
        return decision;
      }
    }
    const byName = (name: string): NodeInfo | undefined => cache.node(name);
    const options = { nominated: queue.nominated, random, byName, ...limit };
    const found = findFeasible(pod, nodes, profile, state, options);
    if (found.kind !== 'feasible') return found;
    this.#startAt = nodes.length === 0 ? 0 : ((limit.startAt ?? 0) + found.examined) % nodes.length;
    if (extenders.length === 0) return chooseNode(pod, found, nodes.length, profile, state, options);
    return await chooseWithExtenders(pod, found, nodes.length, { profile, state, extenders, signal });
  }

  /** How many feasible nodes are enough, where the configuration wants less than all of them. */
  #limit(profile: Profile, nodes: number): { readonly enough?: number; readonly startAt?: number } {
    const { percentage = 100 } = profile;
    if (percentage >= 100 || nodes < MIN_FEASIBLE) return {};
    return { enough: Math.max(MIN_FEASIBLE, Math.floor((nodes * percentage) / 100)), startAt: this.#startAt };
  }

  /** Lets the PostFilter plugins make room. */
  async #postFilter(
    pod: Pod,
    decision: Refused,
    { profile, state }: Cycle,
    signal: AbortSignal,
  ): Promise<Failure> {
    const { cache, log } = this.#o;
    if (decision.kind === 'error' || profile.postFilter.length === 0) return { decision };
    const { refusals, refusedOutright, columns } = decision.diagnosis;
    const all =
      refusedOutright === undefined
        ? refusals
        : new Map(cache.nodes().map((node) => [node.name, refusedOutright]));
    const messages: string[] = [];
    let nominated: string | undefined;
    const extenders = this.#o.extenders?.filter((e) => e.preempts && e.isInterested(pod)) ?? [];
    const context: PostFilterContext = {
      profile,
      signal,
      ...(columns === undefined ? {} : { columns }),
      ...(extenders.length === 0
        ? {}
        : {
            extenders: (preemptor: Pod, candidates: readonly Candidate[]) =>
              preemptWithExtenders(preemptor, candidates, extenders, signal),
          }),
    };
    for (const plugin of profile.postFilter) {
      let result: PostFilterResult;
      try {
        result = await plugin.postFilter(state, pod, all, context);
      } catch (err) {
        log.error(err, 'PostFilter plugin failed', { plugin: plugin.name, pod: keyOf(pod) });
        continue;
      }
      if (result.status === undefined) return { decision, nominated: result.nominatedNodeName };
      nominated ??= result.nominatedNodeName;
      if (result.status.code === 'Error') {
        // No word of the others counts then.
        messages.splice(0, messages.length, ...result.status.reasons);
        break;
      }
      messages.push(...result.status.reasons);
      if (result.status.code === 'UnschedulableAndUnresolvable') break;
    }
    const diagnosis = { ...decision.diagnosis, postFilter: messages.join(', ') };
    return { decision: { kind: 'unschedulable', diagnosis }, nominated };
  }

  /** Nothing to do for a pod that is gone, going, or has its node. */
  #isSettled({ key, pod }: QueuedPod): boolean {
    const known = this.#o.pods.get(key);
    if (known === undefined || podId(known) !== podId(pod)) return true;
    if (known.metadata.deletionTimestamp !== undefined || (known.spec.nodeName ?? '') !== '') return true;
    return this.#o.cache.isAssumed(pod);
  }

  /** Reserve; undefined when every plugin agreed. */
  #reserve(pod: Pod, node: string, { profile, state }: Cycle): Status | undefined {
    for (const plugin of profile.reserve) {
      const failed = settle(plugin.name, 'Reserve', () => plugin.reserve(state, pod, node));
      if (failed !== undefined) return failed;
    }
    return undefined;
  }

  /** Permit; the pod waits afterwards where plugins asked for it. */
  #permit(pod: Pod, node: string, { profile, state }: Cycle): Status | undefined {
    const timeouts = new Map<string, number>();
    for (const plugin of profile.permit) {
      let outcome: Outcome | PermitWait;
      try {
        outcome = plugin.permit(state, pod, node);
      } catch (err) {
        return thrown(plugin.name, 'Permit', err);
      }
      if (outcome === undefined || outcome.code === 'Success') continue;
      if ('timeoutMs' in outcome) timeouts.set(plugin.name, outcome.timeoutMs);
      else return { ...outcome, plugin: plugin.name };
    }
    if (timeouts.size > 0) this.#o.waiting.add(pod, node, timeouts);
    return undefined;
  }

  async #bind(placed: Pod, node: string, cycle: Cycle, signal: AbortSignal): Promise<void> {
    const { clock, metrics, queue } = this.#o;
    const { queued, profile, state, started } = cycle;
    const { waiting, tellsExpectations = false } = this.#o;
    const isTold =
      tellsExpectations && this.#hasToWait(placed, node, cycle) && (await this.#tell(placed, node, signal));
    const rejected = waiting.size > 0 ? await this.#waitAtPermit(placed, signal) : undefined;
    const failure = rejected ?? (await this.#runBinding(placed, node, cycle, signal));
    if (failure !== undefined) {
      this.#refresh(queued, isTold ? node : undefined);
      await this.#giveUp(placed, node, cycle, failure, signal);
      return;
    }
    for (const plugin of profile.postBind) plugin.postBind(state, placed, node);
    this.#reportScheduled(placed, node, profile);
    metrics.attempt('scheduled', profile.schedulerName, (clock.monotonic() - started) / 1000);
    metrics.scheduledAfter((clock.monotonic() - queued.firstSeen) / 1000, queued.attempts);
    queue.done(queued);
  }

  #hasToWait(placed: Pod, node: string, { profile, state }: Cycle): boolean {
    const { waiting } = this.#o;
    if (waiting.size > 0 && waiting.get(podId(placed)) !== undefined) return true;
    return profile.preBind.some((plugin) => plugin.preBindPreFlight?.(state, placed, node) ?? true);
  }

  /** Writes the node that the pod is to go to into its status; true when it stands there. */
  async #tell(placed: Pod, node: string, signal: AbortSignal): Promise<boolean> {
    if (placed.status?.nominatedNodeName === node) return true;
    const { client, log } = this.#o;
    const { namespace, name } = placed.metadata;
    try {
      const body = { status: { nominatedNodeName: node } };
      await client.patch(PODS, { namespace, name }, body, { type: 'merge', subresource: 'status', signal });
      return true;
    } catch (err) {
      // Only others would have known it sooner.
      if (!isNotFound(err) && !isAbort(err, signal))
        log.error(err, 'Cannot tell the node that a pod is expected on', { pod: keyOf(placed), node });
      return false;
    }
  }

  /** Changes of a pod pass the queue by while its binding is under way. */
  #refresh(queued: QueuedPod, nominatedNodeName: string | undefined): void {
    const known = this.#o.pods.get(queued.key);
    if (known !== undefined && podId(known) === queued.uid) queued.pod = known;
    // The watch may not have brought what was written.
    if (nominatedNodeName !== undefined)
      queued.pod = { ...queued.pod, status: { ...queued.pod.status, nominatedNodeName } };
  }

  async #waitAtPermit(placed: Pod, signal: AbortSignal): Promise<Outcome> {
    const { clock, metrics, waiting } = this.#o;
    if (waiting.get(podId(placed)) === undefined) return undefined;
    const begun = clock.monotonic();
    const outcome = await waiting.wait(placed, signal);
    metrics.permitWait(outcome?.code ?? 'Success', (clock.monotonic() - begun) / 1000);
    return outcome;
  }

  /** The pod does not go to the node after all: what was taken for it is given back. */
  async #giveUp(
    placed: Pod,
    node: string,
    cycle: Cycle,
    failure: Status,
    signal: AbortSignal,
  ): Promise<void> {
    const { cache, client, clock, log, queue } = this.#o;
    const { queued, profile, state } = cycle;
    for (const plugin of profile.reserve.toReversed()) {
      try {
        plugin.unreserve(state, placed, node);
      } catch (err) {
        log.error(err, 'Unreserve plugin failed', { plugin: plugin.name, pod: queued.key });
      }
    }
    // A refusal comes from before Bind. Any other failure may be one whose answer was lost.
    const outcome = isRejected(failure) ? undefined : await whereIs(client, placed, clock, signal);
    if (outcome?.kind === 'bound') {
      // Ours after all, or somebody else's: the watch tells the cache either way.
      if (outcome.node === node) this.#reportScheduled(placed, node, profile);
      else cache.forgetPod(placed);
      queue.done(queued);
      return;
    }
    cache.forgetPod(placed);
    queue.moveForEvent('AssignedPodDelete', { old: placed });
    if (outcome?.kind === 'gone') {
      queue.done(queued);
      return;
    }
    const refusals = new Map<string, Refusal>();
    if (isRejected(failure)) {
      refusals.set(node, refusalOf(failure));
      const diagnosis = { nodes: 1, refusals, scores: [] };
      await this.#failed(cycle, { decision: { kind: 'unschedulable', diagnosis }, nominated: '' }, signal);
      return;
    }
    log.error(failure.cause, 'Binding failed', { pod: queued.key, node, reasons: failure.reasons });
    const diagnosis = { nodes: cache.nodes().length, refusals, scores: [] };
    await this.#failed(
      cycle,
      { decision: { kind: 'error', status: failure, diagnosis }, nominated: '' },
      signal,
    );
  }

  /** PreBind and Bind; undefined when the pod is bound. */
  async #runBinding(
    pod: Pod,
    node: string,
    { profile, state }: Cycle,
    signal: AbortSignal,
  ): Promise<Status | undefined> {
    const { clock, metrics } = this.#o;
    let plugin = '';
    let begun = clock.monotonic();
    const ended = (point: 'PreBind' | 'Bind', status: Status | undefined): Status | undefined => {
      const now = clock.monotonic();
      metrics.point(point, profile.schedulerName, status?.code ?? 'Success', (now - begun) / 1000);
      begun = now;
      return status;
    };
    try {
      for (const preBinder of profile.preBind) {
        plugin = preBinder.name;
        const pending = preBinder.preBind(state, pod, node, signal);
        const failed = named(plugin, pending instanceof Promise ? await pending : pending);
        if (failed !== undefined) return ended('PreBind', failed);
      }
      if (profile.preBind.length > 0) ended('PreBind', undefined);
      const extender = this.#o.extenders?.find((other) => other.binds && other.isInterested(pod));
      if (extender !== undefined) {
        plugin = extender.name;
        return ended('Bind', named(plugin, await extender.bind(pod, node, signal)));
      }
      for (const binder of profile.bind) {
        plugin = binder.name;
        const outcome = named(plugin, await binder.bind(state, pod, node, signal));
        if (outcome?.code !== 'Skip') return ended('Bind', outcome);
      }
    } catch (err) {
      return { ...errorStatus(`plugin "${plugin}": ${errorMessage(err)}`, err), plugin };
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
  async #failed(cycle: Cycle, { decision, nominated }: Failure, signal: AbortSignal): Promise<void> {
    const { client, clock, log, metrics, queue, recorders } = this.#o;
    const { queued, profile, started } = cycle;
    const { pod } = queued;
    const isError = decision.kind === 'error';
    metrics.attempt(decision.kind, profile.schedulerName, (clock.monotonic() - started) / 1000);
    const message = isError ? errorText(decision.status) : unschedulableMessage(decision.diagnosis);
    log.v(2).info('Unable to schedule pod', { pod: queued.key, reason: message, attempt: queued.attempts });
    if (nominated === undefined) queue.nominated.add(pod);
    else if (nominated === '') queue.nominated.remove(pod);
    else queue.nominated.set(pod, nominated);
    queue.requeue(queued, isError ? new Set() : refusedBy(decision.diagnosis));
    recorders
      .get(profile.schedulerName)
      ?.event(regarding(pod), 'Warning', 'FailedScheduling', message, { action: 'Scheduling' });
    try {
      await setPodUnscheduled(client, pod, isError ? 'SchedulerError' : 'Unschedulable', message, {
        nowMs: clock.now(),
        nominated,
        signal,
      });
    } catch (err) {
      // The next attempt writes it again.
      if (!isNotFound(err) && !isAbort(err, signal))
        log.error(err, 'Error updating pod', { pod: queued.key });
    }
  }

  #track(work: Promise<void>, signal: AbortSignal): void {
    this.#underWay++;
    const ended = (): void => {
      if (--this.#underWay === 0) this.#allDone();
    };
    void work.then(ended, (err: unknown) => {
      if (!isAbort(err, signal)) this.#o.log.error(err, 'Scheduling cycle ended by an error');
      ended();
    });
  }
}

function regarding(pod: Pod): Pod & { apiVersion: string; kind: string } {
  return { ...pod, apiVersion: 'v1', kind: 'Pod' };
}

/** What went wrong, with its cause unless the reasons tell it already. */
function errorText({ reasons, cause }: Status): string {
  const text = reasons.join(', ');
  const why = cause === undefined ? '' : errorMessage(cause);
  return text.includes(why) ? text : `${text}: ${why}`;
}

/** What went wrong, with who said so; undefined for success. */
function named(plugin: string, outcome: Outcome): Status | undefined {
  return outcome === undefined || outcome.code === 'Success' ? undefined : { ...outcome, plugin };
}

/** The outcome of a call that must not throw: undefined for success. */
function settle(plugin: string, point: string, call: () => Outcome): Status | undefined {
  try {
    return named(plugin, call());
  } catch (err) {
    return thrown(plugin, point, err);
  }
}
