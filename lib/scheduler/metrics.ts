/** Metrics by the names of the stock scheduler. */
import type { Metrics } from '../component/metrics.ts';
import { exponentialBuckets } from '../component/metrics.ts';
import type { Tally } from '../component/tally_histogram.ts';
import type { SchedulerCache } from './cache/cache.ts';
import type { SchedulingQueue } from './queue/scheduling_queue.ts';
import { schedulerNameOf } from './scheduler_name.ts';

export interface SchedulerMetrics {
  /** A scheduling attempt ended so, after that many seconds. */
  attempt(result: 'scheduled' | 'unschedulable' | 'error', profile: string, seconds: number): void;
  algorithmSeconds(seconds: number): void;
  /** A pod was bound that long after it was first seen, at that attempt. */
  scheduledAfter(seconds: number, attempts: number): void;
  /** An extension point was gone through in that many seconds. @param status of its last plugin */
  point(point: TimedPoint, profile: string, status: string, seconds: number): void;
  /** A pod waited so long at Permit. */
  permitWait(result: string, seconds: number): void;
  /** Room was looked for by preemption. @param victims 0: none was found */
  preemption(victims: number): void;
}

/** Where pods are looked at one by one. The others are read off columns for all nodes at once. */
export type TimedPoint = 'PostFilter' | 'PreBind' | 'Bind';

/** For schedulers that nobody watches. */
export const NO_METRICS: SchedulerMetrics = {
  attempt: () => undefined,
  algorithmSeconds: () => undefined,
  scheduledAfter: () => undefined,
  point: () => undefined,
  permitWait: () => undefined,
  preemption: () => undefined,
};

/** How attempts ended. */
interface Ending {
  readonly result: string;
  readonly profile: string;
  /** So many since the counter was last looked at. */
  uncounted: number;
  readonly seconds: Tally;
}

export function createSchedulerMetrics(
  metrics: Metrics,
  sources: { readonly queue: SchedulingQueue; readonly cache: SchedulerCache },
): SchedulerMetrics {
  const buckets = exponentialBuckets(0.001, 2, 15);
  const tallyOf = (options: { name: string; help: string; buckets: readonly number[] }): Tally =>
    metrics.tallyHistogram(options).tally({});
  const endings: Ending[] = [];
  metrics.counter({
    name: 'scheduler_schedule_attempts_total',
    help: 'Attempts to schedule pods, by result.',
    labelNames: ['result', 'profile'],
    collect: (counter) => {
      for (const ending of endings) {
        counter.inc({ result: ending.result, profile: ending.profile }, ending.uncounted);
        ending.uncounted = 0;
      }
    },
  });
  const duration = metrics.tallyHistogram({
    name: 'scheduler_scheduling_attempt_duration_seconds',
    help: 'Time of a scheduling attempt, binding included.',
    labelNames: ['result', 'profile'],
    buckets,
  });
  const algorithm = tallyOf({
    name: 'scheduler_scheduling_algorithm_duration_seconds',
    help: 'Time of the choice of a node.',
    buckets,
  });
  const sli = metrics.tallyHistogram({
    name: 'scheduler_pod_scheduling_sli_duration_seconds',
    help: 'Time from the entry of a pod into the queue to its binding.',
    labelNames: ['attempts'],
    buckets: exponentialBuckets(0.01, 2, 20),
  });
  /** By number of attempts. */
  const waits: Tally[] = [];
  const podAttempts = tallyOf({
    name: 'scheduler_pod_scheduling_attempts',
    help: 'Attempts that bound pods took.',
    buckets: [1, 2, 4, 8, 16],
  });
  metrics.gauge({
    name: 'scheduler_pending_pods',
    help: 'Pods that wait, by queue.',
    labelNames: ['queue'],
    collect: (gauge) => {
      const { active, backoff, unschedulable, gated } = sources.queue.counts();
      gauge.set({ queue: 'active' }, active);
      gauge.set({ queue: 'backoff' }, backoff);
      gauge.set({ queue: 'unschedulable' }, unschedulable);
      gauge.set({ queue: 'gated' }, gated);
    },
  });
  metrics.gauge({
    name: 'scheduler_cache_size',
    help: 'Nodes, pods and assumed pods in the cache.',
    labelNames: ['type'],
    collect: (gauge) => {
      gauge.set({ type: 'nodes' }, sources.cache.nodes().length);
      gauge.set({ type: 'pods' }, sources.cache.podCount);
      gauge.set({ type: 'assumed_pods' }, sources.cache.assumedCount);
    },
  });
  metrics.counter({
    name: 'scheduler_queue_incoming_pods_total',
    help: 'Pods that came into a queue, by queue and by the event that brought them there.',
    labelNames: ['queue', 'event'],
    collect: (counter) => {
      counter.reset();
      // As in the stock scheduler, those held at PreEnqueue count among the unschedulable.
      for (const { queue, event, count } of sources.queue.incoming())
        counter.inc({ queue: queue === 'gated' ? 'unschedulable' : queue, event }, count);
    },
  });
  metrics.gauge({
    name: 'scheduler_unschedulable_pods',
    help: 'Waiting pods by plugin that keeps them out; a pod counts for each of its plugins.',
    labelNames: ['plugin', 'profile'],
    collect: (gauge) => {
      gauge.reset();
      for (const { pod, plugins } of sources.queue.waitingFor())
        for (const plugin of plugins) gauge.inc({ plugin, profile: schedulerNameOf(pod) });
    },
  });
  const points = metrics.tallyHistogram({
    name: 'scheduler_framework_extension_point_duration_seconds',
    help: 'Time of all plugins of an extension point together, for one pod.',
    labelNames: ['extension_point', 'status', 'profile'],
    buckets: exponentialBuckets(0.0001, 2, 12),
  });
  const pointTallies = new Map<string, Tally>();
  const permits = metrics.tallyHistogram({
    name: 'scheduler_permit_wait_duration_seconds',
    help: 'Time that pods waited at Permit.',
    labelNames: ['result'],
    buckets,
  });
  const preemptions = metrics.counter({
    name: 'scheduler_preemption_attempts_total',
    help: 'Pods for which room was looked for by preemption.',
  });
  const victimCounts = tallyOf({
    name: 'scheduler_preemption_victims',
    help: 'Pods that had to go for one that preempts.',
    buckets: exponentialBuckets(1, 2, 7),
  });
  return {
    point(point, profile, status, seconds) {
      const key = `${point} ${status} ${profile}`;
      let tally = pointTallies.get(key);
      if (tally === undefined) {
        tally = points.tally({ extension_point: point, status, profile });
        pointTallies.set(key, tally);
      }
      tally.observe(seconds);
    },
    permitWait: (result, seconds) => permits.tally({ result }).observe(seconds),
    preemption(victims) {
      preemptions.inc();
      if (victims > 0) victimCounts.observe(victims);
    },
    attempt(result, profile, seconds) {
      let ending = endings.find((known) => known.result === result && known.profile === profile);
      if (ending === undefined) {
        ending = { result, profile, uncounted: 0, seconds: duration.tally({ result, profile }) };
        endings.push(ending);
      }
      ending.uncounted++;
      ending.seconds.observe(seconds);
    },
    algorithmSeconds: (seconds) => algorithm.observe(seconds),
    scheduledAfter(seconds, count) {
      waits[Math.min(count, 16)] ??= sli.tally({ attempts: count > 15 ? '16+' : String(count) });
      waits[Math.min(count, 16)]?.observe(seconds);
      podAttempts.observe(count);
    },
  };
}
