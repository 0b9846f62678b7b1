/** Removes what is left of pods that no source names: after a crash, or a pod deleted while the kubelet was away. */
import { findOrphans } from '../podworkers/orphans.ts';
import type { Base } from './base.ts';
import type { KubeletMetrics } from './metrics.ts';
import type { Pods } from './pods.ts';
import type { Runtime } from './runtime.ts';
import type { Sources } from './sources.ts';
import type { Workers } from './workers.ts';

const INTERVAL_MS = 10_000;

export function cleanUpOrphans(kubelet: Base & KubeletMetrics & Runtime & Pods & Workers & Sources): void {
  const { background, cache, cgroups, clock, containerLogs, dirs, lifecycle, log, pods, signal, workers } =
    kubelet;
  const known = (uid: string): boolean => pods.pod(uid) !== undefined || workers.worker(uid) !== undefined;
  const clean = async (): Promise<void> => {
    for (const ref of await findOrphans({ dirs, runtime: cache, cgroups, logs: containerLogs, known })) {
      if (known(ref.uid)) continue;
      log.info('Removing what is left of a pod that is gone', {
        podUID: ref.uid,
        pod: `${ref.namespace}/${ref.name}`,
      });
      if (cache.podStatus(ref.uid) !== undefined) lifecycle.orphan();
      workers.orphan(ref);
    }
  };
  const run = async (): Promise<void> => {
    await kubelet.sourcesRead(signal);
    while (!signal.aborted) {
      await clean().catch(background.onError('Orphan clean-up failed'));
      await clock.sleep(INTERVAL_MS, signal).catch(() => undefined);
    }
  };
  background.start('Orphan clean-up failed', run());
}
