/** What becomes of pods, counted and timed as it happens, under the names that dashboards of the kubelet know. */
import type { Pod, PodStatus } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import { exponentialBuckets, type Metrics } from '../../component/metrics.ts';

/** Seconds from half a second to an hour: how long a pod may take to start. */
const START_SECONDS = [
  0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700,
  3600,
];
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export type ContainerType = 'init_container' | 'container' | 'ephemeral_container';

interface Starting {
  readonly seenMs: number;
  readonly createdMs: number;
  readonly hostNetwork: boolean;
  pullMs: number;
  pullingSinceMs: number | undefined;
}

export class PodLifecycleMetrics {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>;
  /** Pods whose start goes on, by UID. */
  readonly #starting = new Map<string, Starting>();
  #lastRelistMs: number | undefined;
  readonly #rejections;
  readonly #evictions;
  readonly #evictionStatsAge;
  readonly #preemptions;
  readonly #containersPerPod;
  readonly #startDuration;
  readonly #totalDuration;
  readonly #sliDuration;
  readonly #firstNetworkPod;
  #networkPodSeen = false;
  readonly #turns;
  readonly #firstTurns;
  readonly #statusSyncs;
  readonly #relists;
  readonly #relistGaps;
  readonly #sandboxes;
  readonly #startedPods;
  readonly #failedPods;
  readonly #startedUserNamespaces;
  readonly #failedUserNamespaces;
  readonly #startedContainers;
  readonly #failedContainers;
  readonly #orphans;
  readonly #cgroups;

  constructor(metrics: Metrics, clock: Pick<Clock, 'now' | 'monotonic'>) {
    this.#clock = clock;
    this.#rejections = metrics.counter({
      name: 'kubelet_admission_rejections_total',
      help: 'Pods that the node did not let in, by reason.',
      labelNames: ['reason'],
    });
    this.#evictions = metrics.counter({
      name: 'kubelet_evictions',
      help: 'Pods that were evicted, by what for.',
      labelNames: ['eviction_signal'],
    });
    this.#evictionStatsAge = metrics.histogram({
      name: 'kubelet_eviction_stats_age_seconds',
      help: 'How old the figures were that pods were evicted on, by what for.',
      labelNames: ['eviction_signal'],
      buckets: SECONDS,
    });
    this.#preemptions = metrics.counter({
      name: 'kubelet_preemptions',
      help: 'Pods that had to give way to critical ones, by what these lacked.',
      labelNames: ['preemption_signal'],
    });
    this.#containersPerPod = metrics.histogram({
      name: 'kubelet_containers_per_pod_count',
      help: 'Containers of each pod.',
      buckets: exponentialBuckets(1, 2, 5),
    });
    const start = (name: string, help: string) => metrics.histogram({ name, help, buckets: START_SECONDS });
    this.#startDuration = start(
      'kubelet_pod_start_duration_seconds',
      'From the first sight of a pod to its containers running.',
    );
    this.#totalDuration = start(
      'kubelet_pod_start_total_duration_seconds',
      'From the creation of a pod to its containers running.',
    );
    this.#sliDuration = start(
      'kubelet_pod_start_sli_duration_seconds',
      'From the creation of a pod to its containers running, pulls of images left out.',
    );
    this.#firstNetworkPod = metrics.gauge({
      name: 'kubelet_first_network_pod_start_sli_duration_seconds',
      help: 'The same of the first pod on this node with a network of its own; 0 until there is one.',
    });
    this.#turns = metrics.histogram({
      name: 'kubelet_pod_worker_duration_seconds',
      help: 'How long one turn of a pod took, by what the pod was at.',
      labelNames: ['operation_type'],
      buckets: SECONDS,
    });
    this.#firstTurns = metrics.histogram({
      name: 'kubelet_pod_worker_start_duration_seconds',
      help: 'From the first sight of a pod to the first work on it.',
      buckets: SECONDS,
    });
    this.#statusSyncs = metrics.histogram({
      name: 'kubelet_pod_status_sync_duration_seconds',
      help: 'How long it took to write the status of a pod to the API.',
      buckets: SECONDS,
    });
    this.#relists = metrics.histogram({
      name: 'kubelet_pleg_relist_duration_seconds',
      help: 'How long it took to look at the runtime as a whole.',
      buckets: SECONDS,
    });
    this.#relistGaps = metrics.histogram({
      name: 'kubelet_pleg_relist_interval_seconds',
      help: 'Time between two looks at the runtime as a whole.',
      buckets: SECONDS,
    });
    this.#sandboxes = metrics.histogram({
      name: 'kubelet_run_podsandbox_duration_seconds',
      help: 'How long it took to make a sandbox, by handler of the runtime.',
      labelNames: ['runtime_handler'],
      buckets: exponentialBuckets(0.005, 2.5, 14),
    });
    this.#startedPods = metrics.counter({
      name: 'kubelet_started_pods_total',
      help: 'Sandboxes that were begun for pods.',
    });
    this.#failedPods = metrics.counter({
      name: 'kubelet_started_pods_errors_total',
      help: 'Sandboxes that could not be made.',
    });
    this.#startedUserNamespaces = metrics.counter({
      name: 'kubelet_started_user_namespaced_pods_total',
      help: 'Pods with a user namespace of their own whose sandbox was begun.',
    });
    this.#failedUserNamespaces = metrics.counter({
      name: 'kubelet_started_user_namespaced_pods_errors_total',
      help: 'The same whose sandbox could not be made.',
    });
    this.#startedContainers = metrics.counter({
      name: 'kubelet_started_containers_total',
      help: 'Containers whose start was tried, by type.',
      labelNames: ['container_type'],
    });
    this.#failedContainers = metrics.counter({
      name: 'kubelet_started_containers_errors_total',
      help: 'Containers that could not be started, by type and reason.',
      labelNames: ['container_type', 'code'],
    });
    this.#orphans = metrics.counter({
      name: 'kubelet_orphaned_runtime_pods_total',
      help: 'Pods found in the runtime that no source names.',
    });
    this.#cgroups = metrics.histogram({
      name: 'kubelet_cgroup_manager_duration_seconds',
      help: 'How long operations on the groups of pods took.',
      labelNames: ['operation_type'],
      buckets: SECONDS,
    });
    metrics
      .counter({
        name: 'kubelet_restarted_pods_total',
        help: 'Pods made again under their UID.',
        labelNames: ['static'],
      })
      .inc({ static: '' }, 0);
  }

  /** A source named a pod, for the first time or again. @param fresh it has not run yet as far as the API knows */
  seen(uid: string, pod: Pod, fresh: boolean): void {
    const hostNetwork = pod.spec.hostNetwork === true;
    // One that ran before this kubelet was the first, or came after it.
    if (!fresh && !hostNetwork && !this.#starting.has(uid)) this.#networkPodSeen = true;
    if (!fresh || this.#starting.has(uid)) return;
    this.#containersPerPod.observe(pod.spec.containers.length);
    const created = Date.parse(pod.metadata.creationTimestamp ?? '');
    this.#starting.set(uid, {
      seenMs: this.#clock.monotonic(),
      createdMs: Number.isNaN(created) ? this.#clock.now() : created,
      hostNetwork,
      pullMs: 0,
      pullingSinceMs: undefined,
    });
  }

  gone(uid: string): void {
    this.#starting.delete(uid);
  }

  /** An event about one of its containers: pulls are taken off. */
  told(uid: string, reason: string): void {
    const starting = this.#starting.get(uid);
    if (starting === undefined) return;
    if (reason === 'Pulling') starting.pullingSinceMs ??= this.#clock.monotonic();
    else if (starting.pullingSinceMs !== undefined && (reason === 'Pulled' || reason === 'Failed')) {
      starting.pullMs += this.#clock.monotonic() - starting.pullingSinceMs;
      starting.pullingSinceMs = undefined;
    }
  }

  /** The status of a pod is now this. */
  became(uid: string, status: PodStatus): void {
    const starting = this.#starting.get(uid);
    if (starting === undefined || status.phase === 'Pending') return;
    this.#starting.delete(uid);
    if (status.phase !== 'Running') return;
    const total = Math.max(0, this.#clock.now() - starting.createdMs);
    this.#startDuration.observe((this.#clock.monotonic() - starting.seenMs) / 1000);
    this.#totalDuration.observe(total / 1000);
    const sli = Math.max(0, total - starting.pullMs) / 1000;
    this.#sliDuration.observe(sli);
    if (starting.hostNetwork || this.#networkPodSeen) return;
    this.#networkPodSeen = true;
    this.#firstNetworkPod.set(sli);
  }

  rejected(reason: string): void {
    this.#rejections.inc({ reason });
  }

  evicted(eviction_signal: string): void {
    this.#evictions.inc({ eviction_signal });
  }

  evictionStatsAge(eviction_signal: string, seconds: number): void {
    this.#evictionStatsAge.observe({ eviction_signal }, seconds);
  }

  preempted(preemption_signal: string): void {
    this.#preemptions.inc({ preemption_signal });
  }

  /** A turn of a pod's worker has ended. @param ageMs set with the first turn: time since the worker was made */
  turn(state: string, durationMs: number, ageMs: number | undefined): void {
    const operation_type = state === 'syncing' ? 'sync' : state;
    this.#turns.observe({ operation_type }, durationMs / 1000);
    if (ageMs !== undefined) this.#firstTurns.observe(ageMs / 1000);
  }

  statusWritten(durationMs: number): void {
    this.#statusSyncs.observe(durationMs / 1000);
  }

  relisted(durationMs: number): void {
    const now = this.#clock.monotonic();
    this.#relists.observe(durationMs / 1000);
    if (this.#lastRelistMs !== undefined) this.#relistGaps.observe((now - this.#lastRelistMs) / 1000);
    this.#lastRelistMs = now;
  }

  sandbox(durationMs: number, failed: boolean): void {
    this.#sandboxes.observe({ runtime_handler: '' }, durationMs / 1000);
    this.#startedPods.inc();
    if (failed) this.#failedPods.inc();
  }

  userNamespaced(failed: boolean): void {
    this.#startedUserNamespaces.inc();
    if (failed) this.#failedUserNamespaces.inc();
  }

  /** @param code why it failed; `undefined`: it did not */
  container(container_type: ContainerType, code: string | undefined): void {
    this.#startedContainers.inc({ container_type });
    if (code !== undefined) this.#failedContainers.inc({ container_type, code });
  }

  orphan(): void {
    this.#orphans.inc();
  }

  /** Times an operation on a pod's group. */
  async cgroup<T>(operation_type: 'create' | 'destroy', work: () => Promise<T>): Promise<T> {
    const began = this.#clock.monotonic();
    try {
      return await work();
    } finally {
      this.#cgroups.observe({ operation_type }, (this.#clock.monotonic() - began) / 1000);
    }
  }
}
