/** The pods that wait for a node. */
import { podPriority } from '../../api/pod.ts';
import type { Pod } from '../../api/types.ts';
import { keyOf } from '../../api/types.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import { abortReason } from '../../base/errors.ts';
import { podId } from '../cache/node_info.ts';
import type { ClusterEvent, EventObjects } from '../framework/plugin.ts';
import type { Outcome } from '../framework/status.ts';
import { EventLog } from './event_log.ts';
import { KeyedHeap } from './heap.ts';
import type { Incoming } from './incoming_pods.ts';
import { IncomingPods } from './incoming_pods.ts';
import { NominatedPods } from './nominated_pods.ts';
import type { QueuedPod } from './queued_pod.ts';
import { RefusedPods } from './refused_pods.ts';

export interface SchedulingQueueOptions {
  readonly clock: Clock;
  /** Order of the active queue. */
  readonly compare: (a: QueuedPod, b: QueuedPod) => number;
  /** Asked before a pod becomes active; a refusal names its plugin. */
  readonly preEnqueue: (pod: Pod) => Outcome;
  /** Whether an event can help a pod that these plugins of its profile refused. */
  readonly mayHelp: (
    pod: Pod,
    refusedBy: ReadonlySet<string>,
    event: ClusterEvent,
    objects: EventObjects,
  ) => boolean;
  /** Whether the event can help any pod that these plugins of the pod's profile refused. */
  readonly isAwaited: (pod: Pod, refusedBy: ReadonlySet<string>, event: ClusterEvent) => boolean;
  /** Kept in step with the pods that wait. */
  readonly nominated?: NominatedPods;
  /** Back-off after a failed attempt: the first, doubling up to the maximum. Milliseconds. */
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  /**
   * With nothing else to try, a pod whose back-off is under way is tried before its end (the gate SchedulerPopFromBackoffQ).
   * Not after an error: an apiserver in trouble is to be spared.
   */
  readonly popsFromBackoff?: boolean;
  /** A pod that no event helped is tried again after that long. Milliseconds. */
  readonly maxUnschedulableMs?: number;
}

interface InFlight {
  readonly queued: QueuedPod;
  /** How many events there had been when it took off: those since count for it. */
  readonly since: number;
  /** The last change of the pod itself. */
  updated: EventObjects | undefined;
  gone: boolean;
}
const NOBODY: ReadonlySet<string> = new Set();
/** Why a pod that was refused, or whose binding failed, comes back. */
const FAILED = 'ScheduleAttemptFailure';
const FIVE_MINUTES_MS = 300_000;
const FLUSH_PERIOD_MS = 30_000;

/**
 * A pod is in one of four places: *active* (to be tried now), *backoff* (to be tried when its back-off ends, or nobody else waits),
 * *unschedulable* (until an event may help it, or five minutes have passed), *gated* (until PreEnqueue lets it in);
 * or in flight between {@link SchedulingQueue.pop} and {@link SchedulingQueue.done}. Events that happen while a pod is in
 * flight count for it, so that none is missed between the look at the cluster and the return to the queue.
 */
export class SchedulingQueue {
  readonly #o: SchedulingQueueOptions;
  readonly #active: KeyedHeap<QueuedPod>;
  readonly #backoff: KeyedHeap<QueuedPod>;
  /** Those in {@link #backoff} that may be tried before their time. */
  readonly #early: KeyedHeap<QueuedPod>;
  readonly #unschedulable = new RefusedPods();
  readonly #gated = new Map<string, QueuedPod>();
  readonly #inFlight = new Map<string, InFlight>();
  /** What happened while pods were in flight. */
  readonly #events = new EventLog();
  /** The pods that wait for room on a certain node. */
  readonly nominated: NominatedPods;
  readonly #incoming = new IncomingPods();
  #waiter: ((queued: QueuedPod) => void) | undefined;
  #backoffTimer: { timer: Timer; at: number } | undefined;
  #flushTimer: Timer | undefined;

  constructor(options: SchedulingQueueOptions) {
    this.#o = options;
    this.nominated = options.nominated ?? new NominatedPods();
    this.#active = new KeyedHeap((q) => q.uid, options.compare);
    const bySoonest = (): KeyedHeap<QueuedPod> =>
      new KeyedHeap(
        (q) => q.uid,
        (a, b) => this.#backoffEnd(a) - this.#backoffEnd(b),
      );
    this.#backoff = bySoonest();
    this.#early = bySoonest();
    this.#armFlush();
  }

  /** Pods by place, for metrics and explanations. */
  counts(): { active: number; backoff: number; unschedulable: number; gated: number; inFlight: number } {
    return {
      active: this.#active.size,
      backoff: this.#backoff.size,
      unschedulable: this.#unschedulable.size,
      gated: this.#gated.size,
      inFlight: this.#inFlight.size,
    };
  }

  /** How many pods came into each place, and why, since the start. */
  incoming(): Iterable<Incoming> {
    return this.#incoming.counts();
  }

  /** How many waiting pods each plugin keeps out: those it refused, and those it holds at PreEnqueue. */
  *waitingFor(): Generator<{ readonly pod: Pod; readonly plugins: Iterable<string> }, void, void> {
    for (const heap of [this.#active, this.#backoff])
      for (const { pod, refusedBy } of heap.values()) yield { pod, plugins: refusedBy };
    for (const { pod, refusedBy } of this.#unschedulable.values()) yield { pod, plugins: refusedBy };
    for (const { pod, gatedBy } of this.#gated.values())
      yield { pod, plugins: gatedBy === undefined ? [] : [gatedBy.plugin] };
  }

  /** Where the pod is, in words for people; undefined when it is not waiting. */
  describe(pod: Pod): { place: string; retryInMs?: number; queued: QueuedPod } | undefined {
    const id = podId(pod);
    const now = this.#o.clock.monotonic();
    const active = this.#active.get(id);
    if (active !== undefined) return { place: 'active', queued: active };
    const backoff = this.#backoff.get(id);
    if (backoff !== undefined)
      return { place: 'backoff', retryInMs: Math.max(0, this.#backoffEnd(backoff) - now), queued: backoff };
    const unschedulable = this.#unschedulable.get(id);
    if (unschedulable !== undefined)
      return {
        place: 'unschedulable',
        retryInMs: Math.max(0, unschedulable.timestamp + this.#maxUnschedulableMs - now),
        queued: unschedulable,
      };
    const gated = this.#gated.get(id);
    if (gated !== undefined) return { place: 'gated', queued: gated };
    const flying = this.#inFlight.get(id);
    return flying === undefined ? undefined : { place: 'in flight', queued: flying.queued };
  }

  /** A pod without a node appeared. */
  add(pod: Pod): void {
    const now = this.#o.clock.monotonic();
    const id = podId(pod);
    if (this.#known(id)) {
      this.update(pod, pod);
      return;
    }
    this.nominated.add(pod);
    this.#admit(
      {
        key: keyOf(pod),
        uid: id,
        pod,
        timestamp: now,
        firstSeen: now,
        attempts: 0,
        failures: 0,
        refusedBy: NOBODY,
      },
      'UnschedulablePodAdd',
    );
  }

  /** A waiting pod changed. One whose change can matter for scheduling is worth another try. */
  update(old: Pod, pod: Pod): void {
    const id = podId(pod);
    const flying = this.#inFlight.get(id);
    if (flying !== undefined) {
      this.nominated.update(old, pod);
      flying.queued.pod = pod;
      if (matters(old, pod)) flying.updated = { old, new: pod };
      return;
    }
    if (this.#known(id)) this.nominated.update(old, pod);
    const gated = this.#gated.get(id);
    if (gated !== undefined) {
      gated.pod = pod;
      this.#gated.delete(id);
      this.#admit(gated, 'UnschedulablePodUpdate');
      return;
    }
    const active = this.#active.get(id);
    if (active !== undefined) {
      active.pod = pod;
      this.#active.put(active); // its priority may have changed
      return;
    }
    const backoff = this.#backoff.get(id);
    if (backoff !== undefined) {
      backoff.pod = pod;
      return;
    }
    const unschedulable = this.#unschedulable.get(id);
    if (unschedulable === undefined) {
      this.add(pod);
      return;
    }
    unschedulable.pod = pod;
    if (!matters(old, pod)) return;
    if (!this.#o.mayHelp(pod, unschedulable.refusedBy, 'UnscheduledPodUpdate', { old, new: pod })) return;
    this.#unschedulable.remove(id);
    this.#admit(unschedulable, 'UnschedulablePodUpdate');
  }

  /** The pod is gone, or has its node. */
  remove(pod: Pod): void {
    const id = podId(pod);
    this.nominated.remove(pod);
    this.#active.remove(id);
    this.#leaveBackoff(id);
    this.#unschedulable.remove(id);
    this.#gated.delete(id);
    const flying = this.#inFlight.get(id);
    if (flying !== undefined) flying.gone = true;
  }

  /** The next pod to schedule; waits for one. Rejects with the reason of `signal`. One caller at a time. */
  async pop(signal: AbortSignal): Promise<QueuedPod> {
    for (;;) {
      if (signal.aborted) throw abortReason(signal);
      const next = this.#active.pop() ?? this.#beforeItsTime();
      if (next !== undefined) return this.#launch(next);
      await this.#nextActive(signal);
    }
  }

  /** The attempt is over and the pod needs no more: it has a node, or is gone. */
  done(queued: QueuedPod): void {
    this.#land(queued);
  }

  /**
   * The attempt failed: the pod goes back to wait.
   *
   * @param refusedBy the plugins that refused it; empty after an error, which is tried again by back-off alone
   */
  requeue(queued: QueuedPod, refusedBy: ReadonlySet<string>): void {
    const flying = this.#inFlight.get(queued.uid);
    const mayHelp = (event: ClusterEvent, objects: EventObjects): boolean =>
      this.#o.mayHelp(queued.pod, refusedBy, event, objects);
    const helped =
      flying !== undefined &&
      (this.#events.someSince(flying.since, mayHelp) ||
        (flying.updated !== undefined && mayHelp('UnscheduledPodUpdate', flying.updated)));
    this.#land(queued);
    if (flying === undefined || flying.gone) return;
    queued.failures++;
    queued.refusedBy = refusedBy;
    queued.timestamp = this.#o.clock.monotonic();
    if (refusedBy.size === 0 || helped) {
      this.#admit(queued, FAILED);
      return;
    }
    this.#unschedulable.put(queued);
    this.#incoming.count('unschedulable', FAILED);
  }

  /** Something happened in the cluster: pods that it may help get another try. */
  moveForEvent(event: ClusterEvent, objects: EventObjects = {}): void {
    if (this.#inFlight.size > 0) this.#events.record(event, objects);
    if (this.#unschedulable.size === 0) return;
    const helped: QueuedPod[] = [];
    for (const group of this.#unschedulable.groups()) {
      const [one] = group.values();
      // Pods that the same plugins refused wait for the same events.
      if (one === undefined || !this.#o.isAwaited(one.pod, one.refusedBy, event)) continue;
      for (const queued of group.values())
        if (this.#o.mayHelp(queued.pod, queued.refusedBy, event, objects)) helped.push(queued);
    }
    // Higher priority first, so that those become active first where back-offs end together.
    for (const queued of helped.sort((a, b) => podPriority(b.pod) - podPriority(a.pod))) {
      this.#unschedulable.remove(queued.uid);
      this.#admit(queued, event);
    }
  }

  /** What the pod waited for has happened: it is tried as soon as its back-off allows. */
  activate(pod: Pod): void {
    const id = podId(pod);
    const queued = this.#unschedulable.get(id) ?? this.#gated.get(id);
    if (queued === undefined) return;
    this.#unschedulable.remove(id);
    this.#gated.delete(id);
    this.#admit(queued, 'ForceActivate');
  }

  /** Asks PreEnqueue again, for a pod that it keeps out. */
  releaseGated(pod: Pod): void {
    if (this.#gated.has(podId(pod))) this.activate(pod);
  }

  /** Whether any pod waits for an event, or is in flight and might. */
  get hasWaiting(): boolean {
    return this.#unschedulable.size > 0 || this.#inFlight.size > 0;
  }

  /** Stops the timers. */
  close(): void {
    this.#backoffTimer?.timer.cancel();
    this.#flushTimer?.cancel();
  }

  get #maxUnschedulableMs(): number {
    return this.#o.maxUnschedulableMs ?? FIVE_MINUTES_MS;
  }

  #known(id: string): boolean {
    return (
      this.#active.get(id) !== undefined ||
      this.#backoff.get(id) !== undefined ||
      this.#unschedulable.has(id) ||
      this.#gated.has(id) ||
      this.#inFlight.has(id)
    );
  }

  #launch(queued: QueuedPod): QueuedPod {
    queued.attempts++;
    const since = this.#events.position;
    this.#inFlight.set(queued.uid, { queued, since, updated: undefined, gone: false });
    return queued;
  }

  #land(queued: QueuedPod): void {
    this.#inFlight.delete(queued.uid);
    const [eldest] = this.#inFlight.values();
    this.#events.forget(eldest?.since ?? this.#events.position);
  }

  /** Into the active queue, by way of PreEnqueue and the back-off. */
  #admit(queued: QueuedPod, cause: string): void {
    const refused = this.#o.preEnqueue(queued.pod);
    if (refused !== undefined && refused.code !== 'Success') {
      queued.gatedBy = { plugin: refused.plugin ?? '', reasons: refused.reasons };
      this.#gated.set(queued.uid, queued);
      this.#incoming.count('gated', cause);
      return;
    }
    queued.gatedBy = undefined;
    if (this.#backoffEnd(queued) > this.#o.clock.monotonic()) {
      this.#backoff.put(queued);
      this.#incoming.count('backoff', cause);
      this.#armBackoff();
      if (this.#o.popsFromBackoff !== true || queued.refusedBy.size === 0) return;
      this.#early.put(queued);
    } else {
      this.#active.put(queued);
      this.#incoming.count('active', cause);
    }
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.(queued);
  }

  #leaveBackoff(id: string): void {
    this.#backoff.remove(id);
    this.#early.remove(id);
  }

  /** The pod whose back-off ends next, unless it is of the patient kind. */
  #beforeItsTime(): QueuedPod | undefined {
    const next = this.#early.peek();
    if (next !== undefined) this.#leaveBackoff(next.uid);
    return next;
  }

  #nextActive(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#waiter = undefined;
        reject(abortReason(signal));
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#waiter = () => {
        signal.removeEventListener('abort', abort);
        resolve();
      };
    });
  }

  #backoffEnd(queued: QueuedPod): number {
    if (queued.failures === 0) return queued.timestamp;
    const { initialBackoffMs, maxBackoffMs } = this.#o;
    // Bounded exponent: failures may count into the thousands.
    const delay = Math.min(maxBackoffMs, initialBackoffMs * 2 ** Math.min(queued.failures - 1, 30));
    return queued.timestamp + delay;
  }

  #armBackoff(): void {
    const next = this.#backoff.peek();
    if (next === undefined) return;
    const at = this.#backoffEnd(next);
    if (this.#backoffTimer !== undefined && this.#backoffTimer.at <= at) return;
    this.#backoffTimer?.timer.cancel();
    const timer = this.#o.clock.setTimer(at - this.#o.clock.monotonic(), () => {
      this.#backoffTimer = undefined;
      this.#endBackoffs();
    });
    this.#backoffTimer = { timer, at };
  }

  #endBackoffs(): void {
    const now = this.#o.clock.monotonic();
    for (;;) {
      const next = this.#backoff.peek();
      if (next === undefined || this.#backoffEnd(next) > now) break;
      this.#leaveBackoff(next.uid);
      this.#admit(next, 'BackoffComplete');
    }
    this.#armBackoff();
  }

  #armFlush(): void {
    this.#flushTimer = this.#o.clock.setTimer(FLUSH_PERIOD_MS, () => {
      const now = this.#o.clock.monotonic();
      for (const queued of this.#unschedulable.values()) {
        if (now - queued.timestamp < this.#maxUnschedulableMs) continue;
        this.#unschedulable.remove(queued.uid);
        this.#admit(queued, 'UnschedulableTimeout');
      }
      this.#armFlush();
    });
  }
}

/** Whether a change of a waiting pod can change where it may go: anything but its status. */
function matters(old: Pod, pod: Pod): boolean {
  if (old === pod) return false;
  const relevant = ({ spec, metadata }: Pod): string =>
    JSON.stringify([spec, metadata.labels, metadata.annotations, metadata.deletionTimestamp]);
  return relevant(old) !== relevant(pod);
}
