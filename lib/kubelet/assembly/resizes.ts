/** Resizes of pods in place. */
import { totalmem } from 'node:os';
import type { Pod } from '../../api/types.ts';
import { containerMemoryQos, type MemoryQos } from '../cgroups/memory_qos.ts';
import type { PodResize } from '../podworkers/pod_worker.ts';
import { ResizeActuator } from '../resize/actuator.ts';
import { loadResizeState, saveResizeState } from '../resize/checkpoint.ts';
import { Resizes } from '../resize/resizes.ts';
import type { ResizeState } from '../resize/checkpoint.ts';
import { bytes, isHugePages, type ResourceOptions, swapLimit } from '../runtime/linux_resources.ts';
import type { Base } from './base.ts';
import type { NodeParts } from './node.ts';
import type { Pods } from './pods.ts';
import type { Runtime } from './runtime.ts';

export interface ResizeParts {
  /** As saved by the kubelet before this one. */
  readonly resizeState: ResizeState;
}

export async function loadResizes({ dirs, log }: Base): Promise<ResizeParts> {
  return { resizeState: await loadResizeState(dirs.root, log) };
}

export interface ResizeOptions {
  readonly active: () => readonly Pod[];
  readonly retake: (pod: Pod) => void;
}

const RETRY_INTERVAL_MS = 3000;

export function createResizes(
  kubelet: Base & Runtime & Pods & NodeParts & ResizeParts,
  { active, retake }: ResizeOptions,
): {
  readonly resizes: Resizes;
  readonly resize: PodResize;
  /** Nothing is left of the pod. */
  readonly forget: (uid: string) => void;
} {
  const { allocatable, background, cgroups, clock, cri, dirs, events, log, resizeState: state } = kubelet;
  const resizes = new Resizes({
    state,
    save: (next) => saveResizeState(dirs.root, next),
    allocatable,
    usesSwap: (pod, container) => {
      const { memoryCapacity, swap } = resourceOptions(kubelet);
      return swap !== undefined && swapLimit(pod, container, memoryCapacity, swap) > 0;
    },
    active,
    events,
    timeline: kubelet.timeline,
    clock,
    log,
    retake,
  });
  const actuator = new ResizeActuator({ cri, cgroups, resizes, resources: () => resourceOptions(kubelet) });
  background.every('Retrying resizes failed', RETRY_INTERVAL_MS, () => resizes.retry());
  const resize: PodResize = {
    steps: (pod, status) => actuator.steps(pod, status),
    apply: (pod, status, signal) => actuator.apply(pod, status, signal),
    started: (pod, name) => actuator.started(pod, name),
    conditions: (uid) => resizes.conditions(uid),
    actuated: (uid, name) => resizes.actuated(uid, name),
    actuatedPod: (uid) => resizes.actuatedPod(uid),
  };
  const forget = (uid: string): void => {
    resizes.forget(uid);
    actuator.forget(uid);
  };
  return { resizes, resize, forget };
}

export function resourceOptions(kubelet: Base & Runtime & Pick<NodeParts, 'allocatable'>): ResourceOptions {
  const { allocatable, config, gates, hierarchy, swap } = kubelet;
  const memoryQos: MemoryQos = {
    throttlingFactor: config.memoryThrottlingFactor,
    reserve: config.memoryReservationPolicy === 'TieredReservation',
    allocatableBytes: bytes(allocatable()['memory']),
  };
  return {
    cpuCFSQuota: config.cpuCFSQuota,
    cpuPeriodUs: config.cpuCFSQuotaPeriod * 1000,
    memoryCapacity: totalmem(),
    cgroupV2: hierarchy.version === 2,
    hugePages: Object.keys(allocatable()).filter(isHugePages),
    singleProcessOOMKill: config.singleProcessOOMKill === true,
    swap,
    ...(gates.enabled('MemoryQoS')
      ? { memoryQos: (pod, container) => containerMemoryQos(pod, container, memoryQos) }
      : {}),
  };
}
