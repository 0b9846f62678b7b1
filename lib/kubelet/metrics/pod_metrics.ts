/** Numbers of pods and containers, read from the kubelet's state when they are asked for. */
import type { Pod } from '../../api/types.ts';
import type { Gauge, Metrics } from '../../component/metrics.ts';
import type { PodRuntimeStatus } from '../contracts.ts';
import type { PodState } from '../podworkers/pod_worker.ts';
import { isStatic } from '../sources/pod_manager.ts';

export interface PodFigures {
  /** Pods of all sources. */
  desired(): readonly Pod[];
  mirrors(): readonly Pod[];
  /** Let in and not ended. */
  active(): readonly Pod[];
  workers(): readonly { readonly pod: Pod | undefined; readonly state: PodState; readonly wanted: boolean }[];
  runtime(): readonly PodRuntimeStatus[];
}

const LIFECYCLES = { syncing: 'sync', terminating: 'terminating', terminated: 'terminated' } as const;

export function podMetrics(metrics: Metrics, figures: PodFigures): void {
  const byOrigin = (name: string, help: string, pods: () => readonly Pod[]): void => {
    metrics.gauge({
      name,
      help,
      labelNames: ['static'],
      collect: (gauge) => {
        const all = pods();
        const fixed = all.filter((pod) => isStatic(pod)).length;
        gauge.set({ static: '' }, all.length - fixed);
        gauge.set({ static: 'true' }, fixed);
      },
    });
  };
  byOrigin('kubelet_desired_pods', 'Pods that the kubelet was told to run.', () => figures.desired());
  byOrigin('kubelet_active_pods', 'Pods that were let in and have not ended.', () => figures.active());
  metrics.gauge({
    name: 'kubelet_mirror_pods',
    help: 'Pods in the API that show a static pod.',
    collect: (gauge) => gauge.set(figures.mirrors().length),
  });
  metrics.gauge({
    name: 'kubelet_managed_ephemeral_containers',
    help: 'Ephemeral containers of the pods that the kubelet runs.',
    collect: (gauge) =>
      gauge.set(sum(figures.active().map((pod) => pod.spec.ephemeralContainers?.length ?? 0))),
  });
  metrics.gauge({
    name: 'kubelet_working_pods',
    help: 'Pods at work, by stage, by whether a source still names them, and by origin.',
    labelNames: ['lifecycle', 'config', 'static'],
    collect: (gauge) => collectWorking(gauge, figures),
  });
  metrics.gauge({
    name: 'kubelet_running_pods',
    help: 'Pods with a sandbox that is up.',
    collect: (gauge) =>
      gauge.set(figures.runtime().filter((pod) => pod.sandboxes.some((s) => s.state === 'ready')).length),
  });
  metrics.gauge({
    name: 'kubelet_running_containers',
    help: 'Containers of pods in the runtime, by their state.',
    labelNames: ['container_state'],
    collect: (gauge) => {
      gauge.reset();
      const states = figures.runtime().flatMap((pod) => pod.containers.map(({ state }) => state));
      for (const [container_state, those] of Map.groupBy(states, (state) => state))
        gauge.set({ container_state }, those.length);
    },
  });
}

function collectWorking(gauge: Gauge<'lifecycle' | 'config' | 'static'>, figures: PodFigures): void {
  for (const lifecycle of Object.values(LIFECYCLES)) {
    for (const config of ['desired', 'orphan'])
      for (const origin of ['', 'true']) gauge.set({ lifecycle, config, static: origin }, 0);
    gauge.set({ lifecycle, config: 'runtime_only', static: 'unknown' }, 0);
  }
  for (const { pod, state, wanted } of figures.workers()) {
    if (state === 'removed') continue;
    const lifecycle = LIFECYCLES[state];
    if (pod === undefined) gauge.inc({ lifecycle, config: 'runtime_only', static: 'unknown' });
    else gauge.inc({ lifecycle, config: wanted ? 'desired' : 'orphan', static: isStatic(pod) ? 'true' : '' });
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
