/** A cluster whose API is a map in memory, with a whole scheduler on it: queue, plugins, cache, binding, decision log. */
import type { Node, Pod } from '../../lib/api/types.ts';
import { systemClock } from '../../lib/base/clock.ts';
import { nullLog } from '../../lib/base/log.ts';
import type { ApiClient, ObjectKey } from '../../lib/client/client.ts';
import { fakeClient } from '../../lib/client/fake_client.ts';
import { Store } from '../../lib/client/store.ts';
import { Metrics } from '../../lib/component/metrics.ts';
import { SchedulerCache } from '../../lib/scheduler/cache/cache.ts';
import { nodeHandler, podHandler } from '../../lib/scheduler/cluster_events.ts';
import { DecisionLog } from '../../lib/scheduler/explain/decision_log.ts';
import { createProfile } from '../../lib/scheduler/framework/profile.ts';
import { WaitingPods } from '../../lib/scheduler/framework/waiting_pods.ts';
import { createSchedulerMetrics } from '../../lib/scheduler/metrics.ts';
import { defaultPlugins } from '../../lib/scheduler/plugins/registry.ts';
import { NominatedPods } from '../../lib/scheduler/queue/nominated_pods.ts';
import { createQueue } from '../../lib/scheduler/queue/queue_of_profiles.ts';
import type { SchedulingQueue } from '../../lib/scheduler/queue/scheduling_queue.ts';
import { Scheduler } from '../../lib/scheduler/scheduler.ts';
import { pluginHandle } from '../../lib/scheduler/testing/plugin_handle.ts';

type PodHandler = ReturnType<typeof podHandler>;

export class MemoryCluster {
  readonly cache = new SchedulerCache();
  readonly #pods = new Store<Pod>();
  readonly #nodes = new Map<string, Node>();
  readonly #handler: PodHandler;
  readonly #nodeHandler: ReturnType<typeof nodeHandler>;
  readonly #scheduler: Scheduler;
  readonly queue: SchedulingQueue;
  readonly objects: ReturnType<typeof pluginHandle>['objects'];
  /** Told of each pod that is bound, and of each that is marked as unschedulable. */
  onBound: (pod: Pod) => void = () => undefined;
  onRefused: (pod: Pod) => void = () => undefined;
  #versions = 0;

  constructor() {
    const clock = systemClock;
    const nominated = new NominatedPods();
    const waiting = new WaitingPods(clock);
    const recorder = { event: () => undefined, flush: () => Promise.resolve() };
    let queue: SchedulingQueue | undefined;
    const client = this.#client();
    const handle = pluginHandle({
      cache: this.cache,
      nominated,
      waiting,
      client,
      clock,
      recorder,
      activate: (pod) => queue?.activate(pod),
      releaseGated: (pod) => queue?.releaseGated(pod),
    });
    this.objects = handle.objects;
    const profile = createProfile('default-scheduler', defaultPlugins(handle));
    const profiles = new Map([[profile.schedulerName, profile]]);
    queue = createQueue(profiles, {
      clock,
      nominated,
      initialBackoffMs: 1000,
      maxBackoffMs: 10_000,
      popsFromBackoff: true,
    });
    this.queue = queue;
    this.#handler = podHandler({ cache: this.cache, queue, waiting }, () => true);
    this.#nodeHandler = nodeHandler({ cache: this.cache, queue });
    this.#scheduler = new Scheduler({
      client,
      clock,
      log: nullLog,
      cache: this.cache,
      queue,
      profiles,
      recorders: new Map([[profile.schedulerName, recorder]]),
      decisions: new DecisionLog(),
      waiting,
      pods: this.#pods,
      metrics: createSchedulerMetrics(new Metrics(), { queue, cache: this.cache }),
    });
  }

  addNode(node: Node): void {
    this.#nodes.set(node.metadata.name, node);
    this.#nodeHandler.add(node);
  }

  removeNode(name: string): void {
    const node = this.#nodes.get(name);
    if (node !== undefined) this.#nodeHandler.delete(node);
    this.#nodes.delete(name);
  }

  createPod(pod: Pod): void {
    this.#pods.put(pod);
    this.#handler.add(pod);
  }

  deletePod(key: string): void {
    const pod = this.#pods.remove(key);
    if (pod !== undefined) this.#handler.delete(pod);
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#scheduler.run(signal);
    this.queue.close();
  }

  #change(key: string, change: (old: Pod) => Pod): Pod | undefined {
    const old = this.#pods.get(key);
    if (old === undefined) return undefined;
    const metadata = { ...old.metadata, resourceVersion: String(++this.#versions) };
    const pod = { ...change(old), metadata };
    this.#pods.put(pod);
    this.#handler.update(old, pod);
    return pod;
  }

  /** Answers come in a later turn, after what the watch tells. */
  #client(): ApiClient {
    return fakeClient({
      createSubresource: async <R>(_r: unknown, at: ObjectKey, _s: string, body: unknown) => {
        await Promise.resolve();
        const nodeName = targetOf(body);
        const pod = this.#change(keyOfAt(at), (old) => ({ ...old, spec: { ...old.spec, nodeName } }));
        if (pod !== undefined) this.onBound(pod);
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody reads the answer of a binding
        return undefined as R;
      },
      patch: async <T>(_r: unknown, at: ObjectKey, body: unknown) => {
        await Promise.resolve();
        const status = statusOf(body);
        const pod = this.#change(keyOfAt(at), (old) => ({ ...old, status: { ...old.status, ...status } }));
        if (pod !== undefined && pod.spec.nodeName === undefined) this.onRefused(pod);
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody reads the answer of a patch
        return pod as T;
      },
      delete: async (_r, at) => {
        await Promise.resolve();
        this.deletePod(keyOfAt(at));
      },
    });
  }
}

function keyOfAt({ namespace, name }: ObjectKey): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function targetOf(body: unknown): string {
  if (typeof body === 'object' && body !== null && 'target' in body) {
    const { target } = body;
    if (typeof target === 'object' && target !== null && 'name' in target && typeof target.name === 'string')
      return target.name;
  }
  throw new TypeError('want a Binding');
}

function statusOf(body: unknown): object {
  if (typeof body === 'object' && body !== null && 'status' in body) {
    const { status } = body;
    if (typeof status === 'object' && status !== null) return status;
  }
  throw new TypeError('want a patch of the status');
}
