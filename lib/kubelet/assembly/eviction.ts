/** Eviction: what the node is short of, who goes for it, and who is not let in meanwhile. */
import { keyOf, type Pod } from '../../api/types.ts';
import { podsGroupLimits } from '../cgroups/node_allocatable.ts';
import { EvictionManager } from '../eviction/eviction_manager.ts';
import { observeMemory, observeNode } from '../eviction/observe.ts';
import { readPodUse } from '../eviction/pod_use_reader.ts';
import { pressureRefusal } from '../eviction/pressure_admission.ts';
import type { Observation } from '../eviction/pressure.ts';
import { ignoredThresholds, parseThresholds, withAllocatableMemory } from '../eviction/thresholds.ts';
import { podUid } from '../runtime/runtime_names.ts';
import { cgroupStats } from '../server/stats/cgroup_stats.ts';
import type { Base } from './base.ts';
import type { Housekeeping } from './housekeeping.ts';
import type { KubeletMetrics } from './metrics.ts';
import type { NodeParts } from './node.ts';
import type { Pods } from './pods.ts';
import { podsGroupPath, type Runtime } from './runtime.ts';
import type { Workers } from './workers.ts';

export function startEviction(
  kubelet: Base & KubeletMetrics & Runtime & Pods & NodeParts & Workers & Housekeeping,
): void {
  const { background, cgroups, clock, config, containerGc, cri, dirs, events, imageGc, log } = kubelet;
  const { admission, hierarchy, nodeInputs, reporter, signal, timeline, workers } = kubelet;
  const limited = config.cgroupsPerQOS && config.enforceNodeAllocatable.includes('pods');
  const thresholds = parseThresholds(config);
  const podsMemory = async (): Promise<Observation | undefined> => {
    const capacity = podsGroupLimits(reporter.node().status?.capacity ?? {}, config, undefined).memoryBytes;
    const { memory } = await cgroupStats(hierarchy, podsGroupPath(kubelet), '');
    const used = memory?.workingSetBytes;
    return !limited || capacity === undefined || used === undefined
      ? undefined
      : { available: Math.max(0, capacity - used), capacity };
  };
  for (const field of ignoredThresholds(config))
    log.warn('The threshold is ignored: it follows from those of nodefs and imagefs', { field });
  const reader = {
    cri,
    dirs,
    processes: (pod: Pod) => cgroups.processes(pod),
    onError: (error: unknown, pod: Pod) =>
      log.error(error, 'Eviction manager: cannot measure what a pod takes of the disk', { pod: keyOf(pod) }),
  };
  const manager = new EvictionManager({
    thresholds: limited ? withAllocatableMemory(thresholds) : thresholds,
    transitionMs: config.evictionPressureTransitionPeriod,
    maxPodGraceSeconds: config.evictionMaxPodGracePeriod,
    storageLimits: config.localStorageCapacityIsolation,
    pods: {
      active: () => endablePods(kubelet),
      evict: (pod, verdict, grace) => workers.worker(podUid(pod))?.fail(verdict, grace),
      cleaned: (uid) => {
        const state = workers.worker(uid)?.state;
        return state === undefined || state === 'terminated' || state === 'removed';
      },
    },
    observe: (observeSignal) =>
      observeNode({ cri, rootDir: dirs.root, podsMemory, clock, log }, observeSignal),
    use: (pods, request) => readPodUse(pods, reader, request),
    reclaimDisk: async (what, reclaimSignal) => {
      if (what === 'containers') await containerGc.collect(reclaimSignal);
      else await imageGc.removeUnused(reclaimSignal);
    },
    ...(config.kernelMemcgNotification ? { memory: observeMemory } : {}),
    evicted: (what) => kubelet.lifecycle.evicted(what),
    acted: (what, ageSeconds) => kubelet.lifecycle.evictionStatsAge(what, ageSeconds),
    pressureChanged: () => reporter.poke(),
    events,
    timeline,
    clock,
    log,
  });
  nodeInputs.pressure.push(() => manager.pressure);
  // Before everything else, as in stock.
  admission.unshift((pod) => {
    const message = pressureRefusal(pod, manager.pressure);
    return message === undefined
      ? undefined
      : { phase: 'Failed', reason: 'Evicted', message: `Pod was rejected: ${message}` };
  });
  background.start('Eviction manager failed', manager.run(signal));
}

/** Pods that run and that nobody has begun to end. */
export function endablePods({ workers }: Workers): readonly Pod[] {
  return workers
    .workers()
    .filter(({ admitted, state, verdict }) => admitted && state === 'syncing' && verdict === undefined)
    .flatMap(({ pod }) => (pod === undefined || pod.metadata.deletionTimestamp !== undefined ? [] : [pod]));
}
