/** What the workers of pods act through, with everything counted and timed that passes. */
import type { PodWorkerOptions } from '../podworkers/pod_worker.ts';
import type { PodSync } from '../runtime/pod_sync.ts';
import { podUid } from '../runtime/runtime_names.ts';
import type { KubeletMetrics } from './metrics.ts';
import type { Pods } from './pods.ts';
import type { Runtime } from './runtime.ts';

const CONTAINER_TYPES = {
  init: 'init_container',
  regular: 'container',
  ephemeral: 'ephemeral_container',
} as const;

export function countedParts(
  { cgroups, lifecycle, statuses }: KubeletMetrics & Runtime & Pods,
  sync: PodSync,
): Pick<PodWorkerOptions, 'sync' | 'cgroups' | 'statuses' | 'observeTurn'> {
  return {
    sync: {
      apply: async (pod, parent, actions, ...rest) => {
        const outcome = await sync.apply(pod, parent, actions, ...rest);
        if (actions.createSandbox !== undefined && pod.spec.hostUsers === false)
          lifecycle.userNamespaced(outcome.failures.has(''));
        // Without a sandbox no container was tried.
        if (outcome.failures.has('')) return outcome;
        for (const { container, kind } of actions.start)
          lifecycle.container(CONTAINER_TYPES[kind], outcome.failures.get(container.name)?.reason);
        return outcome;
      },
    },
    cgroups: {
      ensure: (pod) => lifecycle.cgroup('create', () => cgroups.ensure(pod)),
      parentOf: (pod) => cgroups.parentOf(pod),
      remove: (uid) => lifecycle.cgroup('destroy', () => cgroups.remove(uid)),
    },
    statuses: {
      set: (pod, status) => {
        statuses.set(pod, status);
        lifecycle.became(podUid(pod), status);
      },
      get: (uid) => statuses.get(uid),
      flushed: (uid, signal) => statuses.flushed(uid, signal),
    },
    observeTurn: (state, durationMs, ageMs) => lifecycle.turn(state, durationMs, ageMs),
  };
}
