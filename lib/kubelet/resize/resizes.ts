/**
 * Keeps, for each pod, what it was granted beside what it asks for. A pod passes through {@link Resizes.take} on its way
 * from the sources to its worker, which so only ever sees what was granted; a resize that is granted reaches the worker
 * as a changed spec, and its actuation ({@link ResizeActuator}) reports back here.
 */
import type { Clock } from '../../base/clock.ts';
import { podPriority } from '../../api/pod.ts';
import { podQOS } from '../../api/qos.ts';
import { timestamp } from '../../api/timestamp.ts';
import type { Container, Pod, PodCondition } from '../../api/types.ts';
import type { Log } from '../../base/log.ts';
import type { KubeletEvents, Timeline } from '../contracts.ts';
import { podUid } from '../runtime/runtime_names.ts';
import {
  type Allocation,
  desiredAllocation,
  type Granted,
  wantsResize,
  withAllocation,
} from './allocation.ts';
import type { Resizing, ResizeState } from './checkpoint.ts';
import { type Refusal, resizeRefusal } from './decision.ts';

export interface ResizesOptions {
  readonly state: ResizeState;
  /** Rejects when it cannot be written; nothing is granted then. */
  readonly save: (state: ResizeState) => Promise<void>;
  readonly allocatable: () => Readonly<Record<string, string>>;
  /** Whether a container may use swap. */
  readonly usesSwap: (pod: Pod, container: Container) => boolean;
  /** Admitted pods that are not yet ended, with what they were granted. */
  readonly active: () => readonly Pod[];
  readonly events: Pick<KubeletEvents, 'pod'>;
  readonly timeline: Pick<Timeline, 'record'>;
  readonly clock: Clock;
  readonly log: Log;
  /** A resize that waited is granted: the pod is to pass through `take` once more. */
  readonly retake: (pod: Pod) => void;
}

interface Waiting {
  /** With what it asks for. */
  readonly pod: Pod;
  readonly refusal: Refusal;
  readonly since: string;
}

export class Resizes {
  readonly #options: ResizesOptions;
  readonly #allocated: Map<string, Allocation>;
  readonly #actuated: Map<string, Allocation>;
  readonly #waiting = new Map<string, Waiting>();
  readonly #actuating: Map<string, Resizing>;
  #saving: Promise<void> = Promise.resolve();
  #dirty = false;

  constructor(options: ResizesOptions) {
    this.#options = options;
    this.#allocated = new Map(options.state.allocated);
    this.#actuated = new Map(options.state.actuated);
    this.#actuating = new Map(options.state.resizing);
  }

  /** The pod as its worker is to see it. Grants a resize that fits. */
  take(pod: Pod): Pod {
    const uid = podUid(pod);
    const allocation = this.#allocated.get(uid);
    // Not admitted yet, or ending: nothing is resized.
    if (allocation === undefined) return pod;
    if (!wantsResize(pod, allocation)) {
      this.#waiting.delete(uid);
      return pod;
    }
    if (pod.metadata.deletionTimestamp !== undefined) return withAllocation(pod, allocation);
    const refusal = this.#refusalOf(pod, allocation);
    if (refusal !== undefined) {
      this.#refuse(pod, refusal);
      return withAllocation(pod, allocation);
    }
    this.#grant(pod);
    return pod;
  }

  /** The node took the pod in: from now on it has what it asked for then. */
  admitted(pod: Pod): void {
    const uid = podUid(pod);
    if (this.#allocated.has(uid)) return;
    this.#allocated.set(uid, desiredAllocation(pod));
    this.#save();
  }

  /** Nothing is left of the pod. */
  forget(uid: string): void {
    const known = this.#allocated.delete(uid);
    const acted = this.#actuated.delete(uid);
    const acting = this.#actuating.delete(uid);
    this.#waiting.delete(uid);
    if (known || acted || acting) this.#save();
  }

  /** Room may have come: grants what fits now, the important first, then the guaranteed, then who waits longest. */
  retry(): void {
    const waiting = [...this.#waiting.values()]
      .filter(({ refusal }) => refusal.reason === 'Deferred')
      .sort(
        (a, b) =>
          podPriority(b.pod) - podPriority(a.pod) ||
          Number(podQOS(b.pod) === 'Guaranteed') - Number(podQOS(a.pod) === 'Guaranteed') ||
          (a.since < b.since ? -1 : 1),
      );
    for (const { pod } of waiting) {
      const allocation = this.#allocated.get(podUid(pod));
      if (allocation === undefined) continue;
      const refusal = this.#refusalOf(pod, allocation);
      if (refusal === undefined) this.#options.retake(pod);
      else this.#refuse(pod, refusal);
    }
  }

  /** What a container was last set to; `undefined` when it has not been started or resized by a kubelet that kept it. */
  actuated(uid: string, containerName: string): Granted | undefined {
    return this.#actuated.get(uid)?.containers[containerName];
  }

  /** What the group of the pod was last set to; `undefined` when that is not known. */
  actuatedPod(uid: string): Granted | undefined {
    return this.#actuated.get(uid)?.pod;
  }

  /** A container was started, or set, with these resources. */
  setActuated(uid: string, containerName: string, granted: Granted): void {
    const before = this.#actuated.get(uid);
    if (JSON.stringify(before?.containers[containerName]) === JSON.stringify(granted)) return;
    this.#actuated.set(uid, { ...before, containers: { ...before?.containers, [containerName]: granted } });
    this.#save();
  }

  /** The group of the pod was made, or set, with these resources of the pod as a whole. */
  setActuatedPod(uid: string, granted: Granted): void {
    const before = this.#actuated.get(uid);
    if (JSON.stringify(before?.pod) === JSON.stringify(granted)) return;
    this.#actuated.set(uid, { containers: {}, ...before, pod: granted });
    this.#save();
  }

  /** Something was granted that is not yet known to be in force. */
  actuating(uid: string): boolean {
    return this.#actuating.has(uid);
  }

  /** Everything runs with what was granted. */
  completed(pod: Pod): void {
    const uid = podUid(pod);
    if (!this.#actuating.delete(uid)) return;
    this.#save();
    this.#options.events.pod(pod, 'Normal', 'ResizeCompleted', `Pod resize completed: ${summary(pod)}`);
    this.#options.timeline.record(refOf(pod), { what: 'resize completed' });
  }

  /** What was granted cannot be set now; it is tried again. */
  failed(pod: Pod, error: string): void {
    const uid = podUid(pod);
    const actuation = this.#actuating.get(uid) ?? this.#begin(pod);
    if (actuation.error === error) return;
    this.#actuating.set(uid, { ...actuation, error });
    this.#save();
    this.#options.events.pod(pod, 'Warning', 'ResizeError', `Pod resize error: ${summary(pod, error)}`);
    this.#options.timeline.record(refOf(pod), { what: 'resize failed', error });
  }

  /** PodResizePending and PodResizeInProgress, as far as they hold. */
  conditions(uid: string): readonly PodCondition[] {
    const waiting = this.#waiting.get(uid);
    const actuation = this.#actuating.get(uid);
    const conditions: PodCondition[] = [];
    if (waiting !== undefined) {
      const { reason, message } = waiting.refusal;
      conditions.push({
        type: 'PodResizePending',
        status: 'True',
        reason,
        message,
        lastProbeTime: waiting.since,
        lastTransitionTime: waiting.since,
        ...generationOf(waiting.pod.metadata.generation),
      });
    }
    if (actuation !== undefined) {
      conditions.push({
        type: 'PodResizeInProgress',
        status: 'True',
        ...(actuation.error === undefined ? {} : { reason: 'Error', message: actuation.error }),
        lastProbeTime: actuation.since,
        lastTransitionTime: actuation.since,
        ...generationOf(actuation.generation),
      });
    }
    return conditions;
  }

  /** Resolves when everything decided so far is on disk. */
  async saved(): Promise<void> {
    await this.#saving;
  }

  #grant(pod: Pod): void {
    const uid = podUid(pod);
    this.#allocated.set(uid, desiredAllocation(pod));
    this.#waiting.delete(uid);
    this.#begin(pod);
    this.#options.events.pod(pod, 'Normal', 'ResizeStarted', `Pod resize started: ${summary(pod)}`);
    this.#options.timeline.record(refOf(pod), { what: 'resize granted' });
  }

  #begin(pod: Pod): Resizing {
    const actuation: Resizing = {
      generation: pod.metadata.generation,
      since: this.#now(),
    };
    this.#actuating.set(podUid(pod), actuation);
    this.#save();
    return actuation;
  }

  #refusalOf(pod: Pod, before: Allocation): Refusal | undefined {
    const { active, allocatable, usesSwap } = this.#options;
    const others = active().filter((other) => podUid(other) !== podUid(pod));
    return resizeRefusal(pod, allocatable(), others, before, usesSwap);
  }

  #refuse(pod: Pod, refusal: Refusal): void {
    const uid = podUid(pod);
    const before = this.#waiting.get(uid);
    const same = before?.refusal.reason === refusal.reason && before.refusal.message === refusal.message;
    const since = before?.refusal.reason === refusal.reason ? before.since : this.#now();
    this.#waiting.set(uid, { pod, refusal, since });
    if (same && before.pod.metadata.generation === pod.metadata.generation) return;
    const { reason, message, cause } = refusal;
    this.#options.events.pod(
      pod,
      'Warning',
      `Resize${reason}`,
      `Pod resize ${cause}: ${summary(pod, message)}`,
    );
    this.#options.timeline.record(refOf(pod), { what: `resize ${reason.toLowerCase()}`, why: message });
  }

  /** One write at a time; those asked for meanwhile become one. */
  #save(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    this.#saving = this.#write(this.#saving);
  }

  async #write(before: Promise<void>): Promise<void> {
    await before;
    this.#dirty = false;
    try {
      await this.#options.save({
        allocated: this.#allocated,
        actuated: this.#actuated,
        resizing: this.#actuating,
      });
    } catch (error) {
      this.#options.log.error(error, 'Cannot write the checkpoint of resizes');
    }
  }

  #now(): string {
    return timestamp(this.#options.clock.now());
  }
}

/** What stock's events carry. */
function summary(pod: Pod, error?: string): string {
  return JSON.stringify({
    ...((pod.spec.initContainers?.length ?? 0) === 0
      ? {}
      : { initContainers: pod.spec.initContainers?.map(amounts) }),
    containers: pod.spec.containers.map(amounts),
    generation: pod.metadata.generation,
    error,
  });
}

function amounts({ name, resources }: Container): object {
  return { name, resources: { limits: resources?.limits, requests: resources?.requests } };
}

function generationOf(generation: number | undefined): Pick<PodCondition, 'observedGeneration'> {
  return generation === undefined ? {} : { observedGeneration: generation };
}

function refOf(pod: Pod): { uid: string; namespace: string; name: string } {
  return { uid: podUid(pod), namespace: pod.metadata.namespace ?? 'default', name: pod.metadata.name };
}
