/** Runs the scheduler itself over a cluster in memory until nothing changes any more. */
import { NO_METRICS } from '../metrics.ts';
import { getCondition } from '../../api/conditions.ts';
import { controllerOf, isMirror, podPriority } from '../../api/pod.ts';
import type { Pod } from '../../api/types.ts';
import { keyOf } from '../../api/types.ts';
import type { Log } from '../../base/log.ts';
import { nullLog } from '../../base/log.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { AssembledScheduler } from '../assemble_scheduler.ts';
import { assembleScheduler } from '../assemble_scheduler.ts';
import { schedulerNames } from '../config/profiles_of_config.ts';
import type { SchedulerConfig } from '../config/scheduler_config.ts';
import { DecisionLog } from '../explain/decision_log.ts';
import type { PluginDefinition } from '../own_plugins/plugin_definition.ts';
import { schedulerNameOf } from '../scheduler_name.ts';
import type { GivenObjects } from './cluster_objects.ts';
import { fillOf } from './node_fill.ts';
import { seededRandom } from './random.ts';
import { SimulatedClock } from './simulated_clock.ts';
import { isPlaced, SimulatedCluster } from './simulated_cluster.ts';
import type {
  Capacity,
  Drain,
  Origin,
  PendingPod,
  Placement,
  Preemption,
  SimulationResult,
} from './simulation_result.ts';
import { addNodes, cordon, podsOn, removeTaint } from './what_if.ts';
import type { Expansion } from './workloads.ts';
import { expandWorkloads } from './workloads.ts';

export interface SimulationOptions {
  readonly config: SchedulerConfig;
  /** Names the file of the configuration, for messages. */
  readonly source: string;
  /** Beside the in-tree ones. The time that they take is not looked at, as it is another one on every run. */
  readonly plugins?: readonly PluginDefinition[];
  readonly seed: number;
  readonly expand?: Expansion;
  readonly drain?: readonly string[];
  readonly addNodes?: { readonly count: number; readonly like: string };
  /** `NODE:key[=value]:Effect` */
  readonly removeTaints?: readonly string[];
  /** Pods of which as many as fit are added, one shape after the other. */
  readonly capacity?: readonly {
    readonly shape: string;
    /** Asked when the pods of workloads are there. */
    readonly pod: (given: GivenObjects) => Pod;
  }[];
  /** So many of a shape are tried. */
  readonly capacityLimit?: number;
  readonly log?: Log;
}

/** Copies of a pod shape are handed in so many at a time. */
const CAPACITY_STEP = 50;
/** Scores of so many nodes are kept per pod. */
const MAX_SCORES = 3;

/** @throws InputError, ConfigError, ProfileError */
export async function simulate(given: GivenObjects, options: SimulationOptions): Promise<SimulationResult> {
  const notices = [...ignoredKinds(given)];
  const expanded = new Set(expandWorkloads(given, options.expand ?? 'absent'));
  for (const taint of options.removeTaints ?? []) removeTaint(given, taint);
  const added = new Set(
    options.addNodes === undefined ? [] : addNodes(given, options.addNodes.count, options.addNodes.like),
  );
  for (const node of options.drain ?? []) cordon(given, node);
  if (given.of('Node').length === 0) notices.push('no nodes were given, so that no pod can have one');
  if (options.config.extenders.length > 0)
    notices.push('the extenders of the configuration were not asked: a simulation uses no network');
  const shapes = (options.capacity ?? []).map(({ shape, pod }) => ({ shape, pod: pod(given) }));
  const run = new Run(given, options, expanded);
  const before = fillOf(run.cluster);
  const running = run.cluster.stores.pods.list().filter(isPlaced).length;
  try {
    run.start();
    await run.settle();
    const drains = await run.drain(options.drain ?? []);
    const placements = run.placements();
    const pending = run.pending();
    const after = fillOf(run.cluster);
    const capacity: Capacity[] = [];
    for (const { shape, pod } of shapes)
      capacity.push(await run.capacityFor(shape, pod, options.capacityLimit ?? 10_000));
    notices.push(...run.notices());
    return {
      seed: options.seed,
      summary: {
        nodes: run.cluster.nodes.size,
        running,
        placed: placements.length,
        pending: pending.length,
        preempted: run.preemptions.length,
      },
      placements,
      pending,
      preemptions: run.preemptions,
      drains,
      capacity,
      nodes: Array.from(run.cluster.nodes.values(), ({ metadata: { name }, spec }) => ({
        node: name,
        allocatable: after.allocatable.get(name) ?? {},
        before: before.requested.get(name) ?? {},
        after: after.requested.get(name) ?? {},
        ...(added.has(name) ? { added: true as const } : {}),
        ...(spec?.unschedulable === true ? { unschedulable: true as const } : {}),
      })),
      notices,
    };
  } finally {
    await run.end();
  }
}

function ignoredKinds(given: GivenObjects): readonly string[] {
  const kinds = Array.from(given.ignored, ([kind, count]) => `${count} ${kind}`);
  return kinds.length === 0 ? [] : [`objects that do not matter here were ignored: ${kinds.join(', ')}`];
}

/** So many nodes are named in a notice. */
const MAX_NAMED = 5;

class Run {
  readonly cluster: SimulatedCluster;
  readonly preemptions: Preemption[] = [];
  readonly #clock = new SimulatedClock();
  readonly #parts: AssembledScheduler;
  readonly #stop = new AbortController();
  /** How pods came to wait, by key. */
  readonly #origins = new Map<string, Origin>();
  /** Keys of pods in the order in which they got a node. */
  readonly #order: string[] = [];
  #running: Promise<void> = Promise.resolve();
  #lastProgress = 0;
  readonly #patienceMs: number;

  constructor(given: GivenObjects, options: SimulationOptions, expanded: ReadonlySet<string>) {
    const { config, source, seed, log = nullLog } = options;
    this.cluster = new SimulatedCluster(given);
    this.#patienceMs = config.podMaxBackoffSeconds * 1000 + 1;
    for (const key of expanded) this.#origins.set(key, 'workload');
    const recorder = this.#recorder();
    this.#parts = assembleScheduler({
      config: { ...config, extenders: [] },
      source,
      client: this.cluster.client,
      clock: this.#clock,
      log,
      objects: this.cluster.stores,
      recorders: new Map(schedulerNames(config).map((name) => [name, recorder])),
      decisions: new DecisionLog(Number.POSITIVE_INFINITY),
      metrics: () => NO_METRICS,
      random: seededRandom(seed),
      ownPlugins: { definitions: options.plugins ?? [], guard: {} },
    });
    this.cluster.connect(this.#parts);
  }

  /** Hands in the pods that wait, the oldest first. */
  start(): void {
    const waiting = this.cluster.stores.pods
      .list()
      .filter((pod) => !isPlaced(pod) && pod.metadata.deletionTimestamp === undefined);
    const age = (pod: Pod): number =>
      Date.parse(pod.metadata.creationTimestamp ?? '') || Number.MAX_SAFE_INTEGER;
    for (const pod of waiting.toSorted((a, b) => age(a) - age(b))) this.#submit(pod, 'pending');
    this.#running = this.#parts.scheduler.run(this.#stop.signal);
  }

  async end(): Promise<void> {
    this.#stop.abort(new Error('the simulation is over'));
    await this.#running;
    this.#parts.queue.close();
  }

  /** Resolves when no pod can be placed any more, whatever time passes. */
  async settle(): Promise<void> {
    const { queue, waiting } = this.#parts;
    let mark = '';
    let still = 0;
    let patience = REAL_PATIENCE;
    this.#lastProgress = this.#clock.monotonic();
    for (;;) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      const { active, backoff, unschedulable, gated, inFlight } = queue.counts();
      const now = `${active} ${backoff} ${unschedulable} ${gated} ${inFlight} ${waiting.size} ${this.cluster.changes}`;
      if (now !== mark) {
        if (!now.endsWith(mark.slice(mark.lastIndexOf(' ')))) this.#lastProgress = this.#clock.monotonic();
        mark = now;
        still = 0;
        patience = REAL_PATIENCE;
        continue;
      }
      if (active > 0 || ++still < 8) continue;
      if (inFlight === 0 && backoff === 0) return;
      const next = this.#clock.nextTimer;
      const due = next === undefined ? Number.POSITIVE_INFINITY : next - this.#clock.monotonic();
      const busy = inFlight - waiting.size > 0;
      if (busy && due > 1000 && patience-- > 0) {
        // A plugin of somebody's own that does real work.
        await new Promise<void>((resolve) => setTimeout(resolve, 5));
        continue;
      }
      if (next === undefined) return;
      if (inFlight === 0 && next - this.#lastProgress > this.#patienceMs) return;
      this.#clock.leap();
      still = 0;
    }
  }

  /** Evicts what budgets allow, over and over while pods that came up elsewhere make room in them. */
  async drain(nodes: readonly string[]): Promise<readonly Drain[]> {
    const plans = nodes.map((node) => ({
      node,
      evicted: [] as string[],
      lost: [] as string[],
      ignored: [] as string[],
      blocked: [] as { pod: string; reason: string }[],
    }));
    for (let moved = true; moved;) {
      moved = false;
      for (const plan of plans) {
        plan.blocked.length = 0;
        for (const pod of podsOn(this.cluster.stores.pods.list(), plan.node)) {
          const key = keyOf(pod);
          if (pod.metadata.deletionTimestamp !== undefined) continue;
          if (isMirror(pod) || controllerOf(pod.metadata)?.kind === 'DaemonSet') {
            if (!plan.ignored.includes(key)) plan.ignored.push(key);
            continue;
          }
          const reason = this.cluster.budgets.whyNot(pod);
          if (reason !== undefined) {
            plan.blocked.push({ pod: key, reason });
            continue;
          }
          const anew = this.cluster.remove(pod);
          if (anew === undefined) plan.lost.push(key);
          else {
            plan.evicted.push(key);
            this.#submit(anew, 'drained');
          }
          moved = true;
        }
      }
      await this.settle();
    }
    return plans;
  }

  placements(): readonly Placement[] {
    const last = new Map(this.#order.map((key, i) => [key, i]));
    return [...last]
      .toSorted(([, a], [, b]) => a - b)
      .flatMap(([key]): Placement[] => {
        const pod = this.cluster.stores.pods.get(key);
        const node = pod?.spec.nodeName ?? '';
        if (pod === undefined || node === '') return []; // preempted later
        const decision = this.#parts.decisions.get(key);
        return [
          {
            pod: key,
            origin: this.#origin(pod),
            priority: podPriority(pod),
            node,
            message: decision?.message ?? '',
            scores: decision?.scores.slice(0, MAX_SCORES) ?? [],
          },
        ];
      });
  }

  pending(): readonly PendingPod[] {
    return this.cluster.stores.pods.list().flatMap((pod): PendingPod[] => {
      const at = this.#parts.queue.describe(pod);
      if (isPlaced(pod) || at === undefined) return [];
      const decision = this.#parts.decisions.get(keyOf(pod));
      const { gatedBy } = at.queued;
      const nominated = pod.status?.nominatedNodeName ?? '';
      return [
        {
          pod: keyOf(pod),
          origin: this.#origin(pod),
          priority: podPriority(pod),
          state: gatedBy !== undefined ? 'gated' : decision?.result === 'error' ? 'error' : 'unschedulable',
          message:
            gatedBy === undefined
              ? (getCondition(pod.status?.conditions, 'PodScheduled')?.message ?? decision?.message ?? '')
              : `${gatedBy.plugin}: ${gatedBy.reasons.join(', ')}`,
          ...(nominated === '' ? {} : { nominatedNode: nominated }),
        },
      ];
    });
  }

  /** What can only be told at the end. */
  notices(): readonly string[] {
    const { profiles } = this.#parts;
    const foreign = new Map<string, number>();
    const lost = new Map<string, number>();
    for (const pod of this.cluster.stores.pods.list()) {
      const node = pod.spec.nodeName ?? '';
      if (node !== '' && !this.cluster.nodes.has(node)) lost.set(node, (lost.get(node) ?? 0) + 1);
      const name = schedulerNameOf(pod);
      if (!isPlaced(pod) && !profiles.has(name)) foreign.set(name, (foreign.get(name) ?? 0) + 1);
    }
    const counts = [...lost.values()].reduce((a, b) => a + b, 0);
    return [
      ...Array.from(
        foreign,
        ([name, count]) =>
          `${count} pending pods ask for schedulerName "${name}", which the configuration has not`,
      ),
      ...(lost.size === 0
        ? []
        : [
            `${counts} pods run on nodes that were not given, and count nowhere: ${[...lost.keys()].slice(0, MAX_NAMED).join(', ')}${lost.size > MAX_NAMED ? ` and ${lost.size - MAX_NAMED} more` : ''}`,
          ]),
    ];
  }

  /** Adds copies of the pod until one does not fit, and takes them away again. */
  async capacityFor(shape: string, model: Pod, limit: number): Promise<Capacity> {
    // Those that wait already must not take part.
    for (const pod of this.cluster.stores.pods.list()) if (!isPlaced(pod)) this.#parts.queue.remove(pod);
    const { nodeName: _, ...spec } = model.spec;
    const { ownerReferences: _o, ...metadata } = model.metadata;
    const copies: string[] = [];
    let stoppedBy = '';
    while (stoppedBy === '' && copies.length < limit) {
      const batch = Array.from({ length: Math.min(CAPACITY_STEP, limit - copies.length) }, (_copy, i) => {
        const name = `${model.metadata.name}-capacity-${copies.length + i}`;
        return {
          metadata: { ...metadata, name, uid: `capacity:${shape}:${name}` },
          spec: { ...spec, preemptionPolicy: 'Never' },
        };
      });
      for (const pod of batch) {
        copies.push(keyOf(pod));
        this.#submit(pod, 'pending');
      }
      await this.settle();
      const refused = batch
        .map((pod) => this.cluster.stores.pods.get(keyOf(pod)))
        .find((pod) => pod !== undefined && !isPlaced(pod));
      if (refused === undefined) continue;
      const gate = this.#parts.queue.describe(refused)?.queued.gatedBy;
      stoppedBy =
        (gate === undefined ? this.#parts.decisions.get(keyOf(refused))?.message : gate.reasons.join(', ')) ??
        'it was not looked at';
    }
    const byNode: Record<string, number> = {};
    let fits = 0;
    for (const key of copies) {
      const pod = this.cluster.stores.pods.get(key);
      if (pod === undefined) continue;
      const node = pod.spec.nodeName ?? '';
      if (node !== '') {
        fits++;
        byNode[node] = (byNode[node] ?? 0) + 1;
      }
      this.cluster.remove(pod);
    }
    return { shape, fits, atLimit: stoppedBy === '', stoppedBy: withoutPostFilter(stoppedBy), byNode };
  }

  #submit(pod: Pod, origin: Origin): void {
    const key = keyOf(pod);
    if (!this.#origins.has(key) || origin !== 'pending') this.#origins.set(key, origin);
    // Each its own moment: the queue is in order of age.
    this.#clock.tick(0.001);
    this.cluster.submit(pod);
  }

  #origin(pod: Pod): Origin {
    return this.#origins.get(keyOf(pod)) ?? 'pending';
  }

  #recorder(): EventRecorder {
    return {
      event: (regarding, _type, reason, _message, extras) => {
        const key = refOf(regarding);
        if (reason === 'Scheduled') this.#order.push(key);
        if (reason !== 'Preempted') return;
        const node = 'spec' in regarding ? nodeOf(regarding.spec) : '';
        const recreated = this.cluster.stores.pods.get(key) !== undefined;
        if (recreated) this.#origins.set(key, 'preempted');
        const { related } = extras ?? {};
        this.preemptions.push({
          victim: key,
          node,
          by: related === undefined ? '' : refOf(related),
          recreated,
        });
      },
      flush: () => Promise.resolve(),
    };
  }
}

/** Turns of 5 ms. */
const REAL_PATIENCE = 400;

function refOf(regarding: Parameters<EventRecorder['event']>[0]): string {
  const { namespace = '', name = '' } = 'metadata' in regarding ? regarding.metadata : regarding;
  return `${namespace}/${name}`;
}

function nodeOf(spec: unknown): string {
  return typeof spec === 'object' && spec !== null && 'nodeName' in spec ? String(spec.nodeName) : '';
}

/** Why filters refused, without what PostFilter plugins said: copies are not allowed to preempt. */
function withoutPostFilter(message: string): string {
  return message.replace(/(?<=^0\/\d+ nodes are available: .*?)\. .*$/, '.');
}
