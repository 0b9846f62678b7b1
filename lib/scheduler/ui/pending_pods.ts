/** The pods that wait, with their reasons. */
import { getCondition } from '../../api/conditions.ts';
import { podPriority } from '../../api/pod.ts';
import type { Pod } from '../../api/types.ts';
import { keyOf } from '../../api/types.ts';
import type { ReadonlyStore } from '../../client/store.ts';
import type { SchedulingQueue } from '../queue/scheduling_queue.ts';
import type { UiGroup, UiPendingPod, UiPodList } from './ui_data.ts';

const MAX_GROUPS = 50;
const MAX_PODS = 200;

export interface PendingSources {
  readonly pods: ReadonlyStore<Pod>;
  readonly queue: Pick<SchedulingQueue, 'describe'>;
}

/** All of them; looks at every pod that is known. */
export function pendingPods({ pods, queue }: PendingSources): readonly UiPendingPod[] {
  return pods.list().flatMap((pod): UiPendingPod[] => {
    if ((pod.spec.nodeName ?? '') !== '') return [];
    const at = queue.describe(pod);
    if (at === undefined) return [];
    const { gatedBy, attempts } = at.queued;
    const said = getCondition(pod.status?.conditions, 'PodScheduled')?.message ?? '';
    const waiting = attempts === 0 ? 'not tried yet' : said;
    return [
      {
        pod: keyOf(pod),
        place: at.place,
        attempts,
        retryInSeconds: at.retryInMs === undefined ? null : Math.ceil(at.retryInMs / 1000),
        priority: podPriority(pod),
        message: gatedBy === undefined ? waiting : `${gatedBy.plugin}: ${gatedBy.reasons.join(', ')}`,
      },
    ];
  });
}

export function groupsOf(pods: readonly UiPendingPod[]): { groups: readonly UiGroup[]; moreGroups: number } {
  const groups = new Map<string, { count: number; readonly example: string }>();
  for (const { message, pod } of pods) {
    const group = groups.get(message);
    if (group === undefined) groups.set(message, { count: 1, example: pod });
    else group.count++;
  }
  const sorted = Array.from(groups, ([message, group]) => ({ message, ...group })).sort(
    (a, b) => b.count - a.count,
  );
  return { groups: sorted.slice(0, MAX_GROUPS), moreGroups: Math.max(0, sorted.length - MAX_GROUPS) };
}

/** Those in `place`, with `reason`, with `search` in their names; empty texts choose all. */
export function choosePods(
  pods: readonly UiPendingPod[],
  { place, reason, search }: { readonly place: string; readonly reason: string; readonly search: string },
): UiPodList {
  const chosen = pods.filter(
    (p) =>
      (place === '' || p.place === place) &&
      (reason === '' || p.message === reason) &&
      p.pod.includes(search),
  );
  return { total: chosen.length, pods: chosen.slice(0, MAX_PODS) };
}
