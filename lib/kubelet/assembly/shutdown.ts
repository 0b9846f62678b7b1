/** Graceful shutdown of the machine (KEP-2000, KEP-2712). */
import { join } from 'node:path';
import { podUid } from '../runtime/runtime_names.ts';
import { shutdownGroups } from '../shutdown/groups.ts';
import { systemLogind } from '../shutdown/logind.ts';
import { ShutdownManager } from '../shutdown/shutdown_manager.ts';
import { ShutdownTimes } from '../shutdown/shutdown_times.ts';
import type { Base } from './base.ts';
import { endablePods } from './eviction.ts';
import type { KubeletMetrics } from './metrics.ts';
import type { NodeParts } from './node.ts';
import type { Pods } from './pods.ts';
import type { Workers } from './workers.ts';

export function delayShutdown(kubelet: Base & KubeletMetrics & Pods & NodeParts & Workers): void {
  const { admission, background, clock, config, dirs, log, metrics, nodeInputs, reporter, signal } = kubelet;
  const { statuses, workers } = kubelet;
  const times = new ShutdownTimes(join(dirs.root, 'graceful_node_shutdown_state'), metrics, log);
  background.start('Reading when the last shutdown was failed', times.load());
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
    observe: (what) => times.note(what, clock.now()),
    events: kubelet.events,
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
