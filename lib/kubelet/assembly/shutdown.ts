/** Graceful shutdown of the machine (KEP-2000, KEP-2712). */
import { podUid } from '../runtime/runtime_names.ts';
import { shutdownGroups } from '../shutdown/groups.ts';
import { systemLogind } from '../shutdown/logind.ts';
import { ShutdownManager } from '../shutdown/shutdown_manager.ts';
import type { Base } from './base.ts';
import { endablePods } from './eviction.ts';
import type { KubeletMetrics } from './metrics.ts';
import type { NodeParts } from './node.ts';
import type { Pods } from './pods.ts';
import type { Workers } from './workers.ts';

export function delayShutdown(kubelet: Base & KubeletMetrics & Pods & NodeParts & Workers): void {
  const { admission, background, clock, config, log, metrics, nodeInputs, reporter, signal } = kubelet;
  const { statuses, workers } = kubelet;
  const time = (what: string) =>
    metrics.gauge({
      name: `kubelet_graceful_shutdown_${what}_time_seconds`,
      help: `Last graceful shutdown ${what} time since unix epoch in seconds`,
    });
  const times = { start: time('start'), end: time('end') };
  const manager = new ShutdownManager({
    groups: shutdownGroups(config),
    logind: systemLogind(),
    pods: {
      active: () => endablePods(kubelet),
      end: (pod, verdict, grace) => workers.worker(podUid(pod))?.fail(verdict, grace),
      ended: (uid) => {
        const state = workers.worker(uid)?.state;
        return (
          state === undefined || state === 'removed' || (state === 'terminated' && statuses.upToDate(uid))
        );
      },
    },
    changed: () => reporter.poke(),
    observe: (what) => times[what].set(clock.now() / 1000),
    clock,
    log,
  });
  nodeInputs.problems.push(() => (manager.problem === undefined ? [] : [manager.problem]));
  admission.unshift((pod) => {
    const refusal = manager.refusal();
    return refusal === undefined || pod.status?.phase === 'Running'
      ? undefined
      : { phase: 'Failed', ...refusal };
  });
  background.start('Shutdown manager failed', manager.run(signal));
}
