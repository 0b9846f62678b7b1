/** The scheduler put together from its parts: the daemon does so over a real API, a simulation over one in memory. */
import type { Node, Pod } from '../api/types.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { ApiClient } from '../client/client.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Handler } from '../client/informer.ts';
import { SchedulerCache } from './cache/cache.ts';
import { nodeHandler, podHandler } from './cluster_events.ts';
import { createProfiles } from './config/profiles_of_config.ts';
import type { SchedulerConfig } from './config/scheduler_config.ts';
import { DecisionLog } from './explain/decision_log.ts';
import type { Extender } from './extender/extender.ts';
import type { ClusterObjects } from './framework/cluster_objects.ts';
import type { Profile } from './framework/plugin.ts';
import { WaitingPods } from './framework/waiting_pods.ts';
import type { SchedulerMetrics } from './metrics.ts';
import type { OwnPlugins } from './own_plugins/own_plugins.ts';
import { NominatedPods } from './queue/nominated_pods.ts';
import { createQueue } from './queue/queue_of_profiles.ts';
import type { SchedulingQueue } from './queue/scheduling_queue.ts';
import { Scheduler } from './scheduler.ts';
import { schedulerNameOf } from './scheduler_name.ts';

export interface SchedulerSurroundings {
  readonly config: SchedulerConfig;
  /** Names the file of the configuration, for messages. */
  readonly source: string;
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly objects: ClusterObjects;
  /** By schedulerName; one for each profile. */
  readonly recorders: ReadonlyMap<string, EventRecorder>;
  readonly extenders?: readonly Extender[];
  readonly metrics: (sources: {
    readonly queue: SchedulingQueue;
    readonly cache: SchedulerCache;
  }) => SchedulerMetrics;
  /** Default: one of the usual capacity. */
  readonly decisions?: DecisionLog;
  /** A pod that no event helped is tried again after that long. Milliseconds. */
  readonly maxUnschedulableMs?: number;
  /** Feature gates. Absent: every gate has its default. */
  readonly gates?: { enabled(name: string): boolean };
  /** Plugins beside the in-tree ones. */
  readonly ownPlugins?: OwnPlugins;
  /** 0..1, for choices between equals. Default Math.random. */
  readonly random?: () => number;
}

export interface AssembledScheduler {
  readonly scheduler: Scheduler;
  readonly cache: SchedulerCache;
  readonly queue: SchedulingQueue;
  readonly waiting: WaitingPods;
  readonly decisions: DecisionLog;
  readonly profiles: ReadonlyMap<string, Profile>;
  /** To be told of every change of nodes and pods. */
  readonly handlers: { readonly nodes: Required<Handler<Node>>; readonly pods: Required<Handler<Pod>> };
}

/** @throws ConfigError, ProfileError, PluginLoadError */
export function assembleScheduler(surroundings: SchedulerSurroundings): AssembledScheduler {
  const { config, source, client, clock, log, objects, recorders, random } = surroundings;
  const cache = new SchedulerCache();
  const nominated = new NominatedPods();
  const waiting = new WaitingPods(clock);
  const { decisions = new DecisionLog() } = surroundings;
  let queue: SchedulingQueue | undefined;
  let metrics: SchedulerMetrics | undefined;
  const chance = random === undefined ? {} : { random };
  const handle = {
    cache,
    objects,
    nominated,
    waiting,
    client,
    clock,
    log,
    activate: (pod: Pod) => queue?.activate(pod),
    releaseGated: (pod: Pod) => queue?.releaseGated(pod),
    onPreemption: (victims: number) => metrics?.preemption(victims),
    ...chance,
    ...(surroundings.gates === undefined ? {} : { gates: surroundings.gates }),
  };
  const profiles = createProfiles(
    config,
    source,
    (name) => ({ ...handle, recorder: recorderOf(recorders, name) }),
    log,
    surroundings.ownPlugins,
  );
  queue = createQueue(profiles, {
    clock,
    nominated,
    initialBackoffMs: config.podInitialBackoffSeconds * 1000,
    maxBackoffMs: config.podMaxBackoffSeconds * 1000,
    popsFromBackoff: surroundings.gates?.enabled('SchedulerPopFromBackoffQ') ?? false,
    ...(surroundings.maxUnschedulableMs === undefined
      ? {}
      : { maxUnschedulableMs: surroundings.maxUnschedulableMs }),
  });
  metrics = surroundings.metrics({ queue, cache });
  const scheduler = new Scheduler({
    client,
    clock,
    log,
    cache,
    queue,
    profiles,
    recorders,
    decisions,
    waiting,
    extenders: surroundings.extenders ?? [],
    pods: objects.pods,
    metrics,
    tellsExpectations: surroundings.gates?.enabled('NominatedNodeNameForExpectation') ?? false,
    ...chance,
  });
  return {
    scheduler,
    cache,
    queue,
    waiting,
    decisions,
    profiles,
    handlers: {
      nodes: nodeHandler({ cache, queue }),
      pods: podHandler({ cache, queue, waiting }, (pod) => profiles.has(schedulerNameOf(pod))),
    },
  };
}

function recorderOf(recorders: ReadonlyMap<string, EventRecorder>, name: string): EventRecorder {
  const recorder = recorders.get(name);
  if (recorder === undefined) throw new RangeError(`no profile "${name}"`);
  return recorder;
}
