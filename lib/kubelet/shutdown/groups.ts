/** Which pods are ended when the machine shuts down, in which order and in how much time. Pure. */
import { podPriority } from '../../api/pod.ts';
import type { Pod } from '../../api/types.ts';

export interface ShutdownGroup {
  /** Pods of at least this priority, and below the next group's. */
  readonly priority: number;
  readonly seconds: number;
}

export interface ShutdownSettings {
  /** Milliseconds. */
  readonly shutdownGracePeriod: number;
  readonly shutdownGracePeriodCriticalPods: number;
  readonly shutdownGracePeriodByPodPriority: readonly {
    readonly priority: number;
    readonly shutdownGracePeriodSeconds: number;
  }[];
}

const SYSTEM_CRITICAL_PRIORITY = 2_000_000_000;

/** The groups in the order in which they are ended, the unimportant first. Empty: a shutdown is not delayed. */
export function shutdownGroups(settings: ShutdownSettings): readonly ShutdownGroup[] {
  const { shutdownGracePeriod: all, shutdownGracePeriodCriticalPods: critical } = settings;
  const byPriority = settings.shutdownGracePeriodByPodPriority;
  const groups =
    byPriority.length > 0
      ? byPriority.map(({ priority, shutdownGracePeriodSeconds: seconds }) => ({ priority, seconds }))
      : all > 0
        ? [
            { priority: 0, seconds: Math.floor((all - critical) / 1000) },
            { priority: SYSTEM_CRITICAL_PRIORITY, seconds: Math.floor(critical / 1000) },
          ]
        : [];
  return groups.toSorted((a, b) => a.priority - b.priority);
}

/** What is wrong with the settings, by field; `undefined` when nothing is. */
export function shutdownProblem(
  settings: ShutdownSettings,
): { readonly field: string; readonly message: string } | undefined {
  const { shutdownGracePeriod: all, shutdownGracePeriodCriticalPods: critical } = settings;
  if (settings.shutdownGracePeriodByPodPriority.length > 0 && (all > 0 || critical > 0)) {
    return {
      field: 'shutdownGracePeriodByPodPriority',
      message: 'cannot be given together with shutdownGracePeriod or shutdownGracePeriodCriticalPods',
    };
  }
  if (critical > all) {
    return {
      field: 'shutdownGracePeriodCriticalPods',
      message: `got ${critical / 1000}s, want at most shutdownGracePeriod (${all / 1000}s)`,
    };
  }
  for (const [field, value] of Object.entries({
    shutdownGracePeriod: all,
    shutdownGracePeriodCriticalPods: critical,
  })) {
    if (value > 0 && value < 1000) return { field, message: `got ${value}ms, want 0 or at least 1s` };
  }
  return undefined;
}

/** Pods by group; one below the lowest priority goes with the lowest group. */
export function groupPods(
  pods: readonly Pod[],
  groups: readonly ShutdownGroup[],
): readonly { readonly group: ShutdownGroup; readonly pods: readonly Pod[] }[] {
  const members = groups.map((group) => ({ group, pods: new Array<Pod>() }));
  for (const pod of pods) {
    const index = groups.findLastIndex(({ priority }) => priority <= podPriority(pod));
    members[Math.max(0, index)]?.pods.push(pod);
  }
  return members;
}
