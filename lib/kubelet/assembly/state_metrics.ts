/** Metrics that are read from what the kubelet knows at the time they are asked for. */
import type { Pod } from '../../api/types.ts';
import { withDeadline } from '../../base/deadline.ts';
import { errorMessage } from '../../base/errors.ts';
import { logMetrics } from '../metrics/log_metrics.ts';
import { type ContainerType, TerminationMetrics } from '../metrics/termination_metrics.ts';
import { podMetrics } from '../metrics/pod_metrics.ts';
import { volumeMetrics } from '../metrics/volume_metrics.ts';
import type { PodStats } from '../server/summary.ts';
import { podUid } from '../runtime/runtime_names.ts';
import { claimNameOf } from '../volumes/persistent/claim.ts';
import type { Base } from './base.ts';
import type { KubeletMetrics } from './metrics.ts';
import type { Pods } from './pods.ts';
import type { Runtime } from './runtime.ts';
import type { Stats } from './stats.ts';
import type { Workers } from './workers.ts';

/** So long a scrape takes at most. */
const SCRAPE_MS = 1000;
/** A runtime that hangs holds up no figures but its own. */
const SCRAPE_LIMIT_MS = 5000;

/** Adds what is read from the kubelet's state. */
export function addStateMetrics(kubelet: Base & Runtime & Pods & Workers & Stats & KubeletMetrics): void {
  const { cache, clock, hierarchy, lifecycle, log, metrics, nodeName, pods, probeMetrics } = kubelet;
  const { signal, stats, workers } = kubelet;
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
  // One look for all that a scrape asks for.
  let looked: { readonly atMs: number; readonly pods: Promise<readonly PodStats[]> } | undefined;
  const podStats = (): Promise<readonly PodStats[]> => {
    const atMs = clock.monotonic();
    if (looked === undefined || atMs - looked.atMs > SCRAPE_MS)
      looked = {
        atMs,
        // A runtime that is away takes its figures along, and not those of the kubelet.
        pods: withDeadline(SCRAPE_LIMIT_MS, signal, clock, (limited) =>
          stats.summary({ onlyCPUAndMemory: false }, limited),
        ).then(
          (summary) => summary.pods,
          (error: unknown) => {
            log.v(2).info('Cannot read the usage of pods for /metrics', { err: errorMessage(error) });
            return [];
          },
        ),
      };
    return looked.pods;
  };
  logMetrics(metrics, podStats);
  volumeMetrics(metrics, async () => {
    if (!pods.pods().some(hasClaim)) return [];
    return (await podStats()).flatMap((pod) =>
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
