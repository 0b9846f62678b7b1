/** Metrics that are read from what the kubelet knows at the time they are asked for. */
import type { Pod } from '../../api/types.ts';
import { type ContainerType, TerminationMetrics } from '../metrics/termination_metrics.ts';
import { podMetrics } from '../metrics/pod_metrics.ts';
import { volumeMetrics } from '../metrics/volume_metrics.ts';
import { podUid } from '../runtime/runtime_names.ts';
import { claimNameOf } from '../volumes/persistent/claim.ts';
import type { Base } from './base.ts';
import type { KubeletMetrics } from './metrics.ts';
import type { Pods } from './pods.ts';
import type { Runtime } from './runtime.ts';
import type { Stats } from './stats.ts';
import type { Workers } from './workers.ts';

/** Adds what is read from the kubelet's state. */
export function addStateMetrics(kubelet: Base & Runtime & Pods & Workers & Stats & KubeletMetrics): void {
  const { cache, hierarchy, lifecycle, metrics, nodeName, pods, probeMetrics, signal, stats, workers } =
    kubelet;
  pods.listen({
    pod: (pod) => {
      const uid = podUid(pod);
      const fresh = (pod.status?.phase ?? 'Pending') === 'Pending' && cache.podStatus(uid) === undefined;
      lifecycle.seen(uid, pod, fresh);
    },
    gone: (uid) => {
      probeMetrics.forget(uid);
      lifecycle.gone(uid);
    },
  });
  const ends = new TerminationMetrics(metrics, (uid, name) => containerType(pods.pod(uid), name));
  cache.onChange((uid) => ends.seen(uid, cache.podStatus(uid)));
  podMetrics(metrics, {
    desired: () => pods.pods(),
    mirrors: () => pods.mirrors(),
    active: () => kubelet.activePods(),
    workers: () =>
      workers.workers().map(({ pod, ref, state }) => ({
        pod,
        state,
        wanted: pods.pod(ref.uid) !== undefined,
      })),
    runtime: () => cache.pods(),
  });
  const hasClaim = (pod: Pod): boolean =>
    (pod.spec.volumes ?? []).some((volume) => claimNameOf(pod, volume) !== undefined);
  volumeMetrics(metrics, async () => {
    if (!pods.pods().some(hasClaim)) return [];
    const summary = await stats.summary({ onlyCPUAndMemory: false }, signal);
    return summary.pods.flatMap((pod) =>
      (pod.volume ?? []).flatMap((volume) =>
        volume.pvcRef === undefined ? [] : [{ ...volume, pvcRef: volume.pvcRef }],
      ),
    );
  });
  metrics
    .gauge({ name: 'kubelet_node_name', help: 'The name of the node; always 1.', labelNames: ['node'] })
    .set({ node: nodeName }, 1);
  metrics
    .gauge({ name: 'kubelet_cgroup_version', help: 'Version of the cgroup hierarchy.' })
    .set(hierarchy.version);
  metrics
    .gauge({
      name: 'kubelet_metrics_provider',
      help: 'Where figures of containers come from; always 1.',
      labelNames: ['provider'],
    })
    .set({ provider: 'cri' }, 1);
  metrics.gauge({
    name: 'kubelet_pleg_last_seen_seconds',
    help: 'When the runtime was last looked at as a whole, since the epoch.',
    collect: (gauge) => gauge.set((cache.lastRelistAtMs ?? 0) / 1000),
  });
}

function containerType(pod: Pod | undefined, name: string): ContainerType | undefined {
  const isIn = (list: readonly { readonly name: string }[] | undefined): boolean =>
    list?.some((container) => container.name === name) === true;
  if (isIn(pod?.spec.initContainers)) return 'init_container';
  return isIn(pod?.spec.ephemeralContainers) ? 'ephemeral_container' : undefined;
}
