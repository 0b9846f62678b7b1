/** `/ui` of the scheduler: the queue, why pods wait and what would help, where a pod could go, how fast it goes. */
import type { Pod } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import type { ReadonlyStore } from '../../client/store.ts';
import { installPage } from '../../component/ui/page_server.ts';
import type { Routes } from '../../component/serving/routes.ts';
import { KUBERNETES_VERSION } from '../../component/version.ts';
import type { SchedulerCache } from '../cache/cache.ts';
import type { DecisionLog } from '../explain/decision_log.ts';
import { explainPod } from '../explain/explain_handler.ts';
import { findRemedies } from '../explain/remedies.ts';
import type { Profile } from '../framework/plugin.ts';
import type { SchedulingQueue } from '../queue/scheduling_queue.ts';
import { schedulerNameOf } from '../scheduler_name.ts';
import type { Activity } from './activity.ts';
import { SCHEDULER_PAGE_SCRIPT } from './generated/scheduler_page.ts';
import { choosePods, groupsOf, pendingPods } from './pending_pods.ts';
import type { UiOverview, UiPendingPod, UiRemedies } from './ui_data.ts';

export interface UiSources {
  readonly clock: Clock;
  readonly pods: ReadonlyStore<Pod>;
  readonly cache: SchedulerCache;
  readonly queue: SchedulingQueue;
  readonly decisions: DecisionLog;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly activity: Activity;
  /** Whether this one schedules: with leader election, only the leader does. */
  readonly isScheduling: () => boolean;
}

/** However many look, the pods are gone through no more often than that. */
const FRESH_MS = 1000;

export function installUi(routes: Routes, sources: UiSources): void {
  const { cache, clock, pods, queue, profiles } = sources;
  let known: { readonly at: number; readonly pods: readonly UiPendingPod[] } | undefined;
  const pending = (): readonly UiPendingPod[] => {
    const now = clock.monotonic();
    if (known === undefined || now - known.at > FRESH_MS) known = { at: now, pods: pendingPods(sources) };
    return known.pods;
  };
  let searching: Promise<unknown> = Promise.resolve();
  installPage(routes, {
    path: '/ui',
    title: 'ts-scheduler',
    script: SCHEDULER_PAGE_SCRIPT,
    data: {
      data: (): UiOverview => ({
        now: clock.now(),
        version: KUBERNETES_VERSION,
        scheduling: sources.isScheduling(),
        queue: queue.counts(),
        nodes: cache.nodes().length,
        pods: cache.podCount,
        ...groupsOf(pending()),
        history: sources.activity.history(),
      }),
      pods: (_rest, query) =>
        choosePods(pending(), {
          place: query.get('place') ?? '',
          reason: query.get('reason') ?? '',
          search: query.get('search') ?? '',
        }),
      pod: ([namespace = '', name = '']) => explainPod(`${namespace}/${name}`, sources),
      remedies: async ([namespace = '', name = '']): Promise<UiRemedies | undefined> => {
        const pod = pods.get(`${namespace}/${name}`);
        const profile = pod === undefined ? undefined : profiles.get(schedulerNameOf(pod));
        if (pod === undefined || profile === undefined || (pod.spec.nodeName ?? '') !== '') return undefined;
        // One search at a time, with room for scheduling in between.
        const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
        const search = searching.then(() => findRemedies(pod, cache.nodes(), profile, pause));
        searching = search.catch(() => undefined);
        return { remedies: await search };
      },
    },
  });
}
