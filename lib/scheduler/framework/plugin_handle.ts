/** What plugins are given of the scheduler that runs them. */
import type { Pod } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { ApiClient } from '../../client/client.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { SchedulerCache } from '../cache/cache.ts';
import type { NominatedPods } from '../queue/nominated_pods.ts';
import type { ClusterObjects } from './cluster_objects.ts';
import type { WaitingPods } from './waiting_pods.ts';

/** For decisions: views of the cluster, in memory. */
export interface ClusterView {
  readonly cache: SchedulerCache;
  readonly objects: ClusterObjects;
  readonly nominated: NominatedPods;
}

export interface PluginHandle extends ClusterView {
  readonly waiting: WaitingPods;
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  /** Events of the profile that the plugin belongs to. */
  readonly recorder: EventRecorder;
  /** 0..1, for choices between equals; absent: Math.random. */
  readonly random?: () => number;
  /** Absent: every gate has its default. */
  readonly gates?: { enabled(name: string): boolean };
  /** Told of every search for room by preemption, with the number of victims; 0: none found. */
  readonly onPreemption?: (victims: number) => void;
  /** Puts the pod into the active queue if it waits elsewhere: what it waited for has happened. */
  activate(pod: Pod): void;
  /** Lets the pod in if a PreEnqueue keeps it out that now would not; a pod that waits elsewhere stays there. */
  releaseGated(pod: Pod): void;
}
