/** An apiserver with nodes that nobody runs, and pods of the workload SchedulingBasic, for schedulers under test. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pod } from '../../lib/api/types.ts';
import type { NewObject } from '../../lib/client/client.ts';
import { LineSplitter } from '../../lib/client/line_splitter.ts';
import { NAMESPACES, NODES, PODS } from '../../lib/client/resource.ts';
import type { Apiserver } from '../../test/fixtures/apiserver.ts';
import { startApiserver } from '../../test/fixtures/apiserver.ts';
import { cpuSeconds } from '../process_cost.ts';
import type { Workload } from './workloads.ts';
import { WORKLOADS } from './workloads.ts';

const NAMESPACE = 'bench';
const EVENTS_PATH = `/apis/events.k8s.io/v1/namespaces/${NAMESPACE}/events`;
const CREATING_AT_ONCE = 16;

/** When a pod was seen to have a node, on the clock of `performance.now()`. */
export type SeenBound = ReadonlyMap<string, number>;

export class ApiCluster {
  readonly server: Apiserver;
  readonly nodes: number;
  readonly #workload: Workload;

  private constructor(server: Apiserver, nodes: number, workload: Workload) {
    this.server = server;
    this.nodes = nodes;
    this.#workload = workload;
  }

  static async start(nodes: number): Promise<ApiCluster> {
    const workload = WORKLOADS.find(({ name }) => name === 'SchedulingBasic');
    if (workload === undefined) throw new Error('no workload SchedulingBasic');
    const flags = ['--disable-admission-plugins=ServiceAccount,Priority,TaintNodesByCondition'];
    const cluster = new ApiCluster(await startApiserver({ flags }), nodes, workload);
    const { client } = cluster.server;
    await client.create(NAMESPACES, { metadata: { name: NAMESPACE } });
    await inParallel(nodes, async (i) => {
      const node = workload.node(i);
      const capacity = node.status?.allocatable ?? {};
      await client.create(NODES, { ...node, status: { ...node.status, capacity } });
    });
    return cluster;
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    await this.server.stop();
  }

  /** Pods `PREFIX-0`, `PREFIX-1`, ...; with a node, they are where the scheduler would have put them, evenly. */
  async createPods(
    prefix: string,
    count: number,
    options: { readonly placed?: boolean } = {},
  ): Promise<void> {
    await inParallel(count, (i) =>
      this.createPod(`${prefix}-${i}`, options.placed === true ? `node-${i % this.nodes}` : undefined),
    );
  }

  async createPod(name: string, nodeName?: string): Promise<void> {
    const { metadata, spec } = this.#workload.measured(0, this.nodes);
    const pod: NewObject<Pod> = {
      metadata: { namespace: metadata.namespace ?? NAMESPACE, name },
      spec: { ...spec, ...(nodeName === undefined ? {} : { nodeName }) },
    };
    await this.server.client.create(PODS, pod);
  }

  /** Removes pods and events: the whole of them, or those of which the name begins so. */
  async clear(): Promise<void> {
    const wipe = (path: string): Promise<unknown> =>
      this.server.client.request({
        method: 'DELETE',
        path,
        query: { gracePeriodSeconds: '0' },
        timeoutMs: 120_000,
      });
    await wipe(`/api/v1/namespaces/${NAMESPACE}/pods`);
    await wipe(EVENTS_PATH);
  }

  async deletePod(name: string): Promise<void> {
    await this.server.client.delete(PODS, { namespace: NAMESPACE, name }, { gracePeriodSeconds: 0 });
  }

  /** CPU seconds that the apiserver and etcd have taken so far. */
  get cpuSeconds(): number {
    return this.server.pids().reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  }

  /** How many events there are about pods. */
  async events(): Promise<number> {
    const list = await this.server.client.request<{
      readonly metadata: { readonly remainingItemCount?: number };
      readonly items: readonly unknown[];
    }>({ method: 'GET', path: EVENTS_PATH, query: { limit: 1 } });
    return list.items.length + (list.metadata.remainingItemCount ?? 0);
  }

  /**
   * Calls `body` while pods that get a node are seen, and waits until `count` pods of the prefix have one.
   *
   * @throws Error when they have not within `timeoutMs`
   */
  async whileWatching(
    { prefix, count, timeoutMs }: { prefix: string; count: number; timeoutMs: number },
    body: () => Promise<void>,
  ): Promise<SeenBound> {
    const seen = new Map<string, number>();
    const stop = new AbortController();
    const { client } = this.server;
    const path = `/api/v1/namespaces/${NAMESPACE}/pods`;
    const { promise: isOpen, resolve: opened } = Promise.withResolvers<void>();
    const { metadata } = await client.list(PODS, { namespace: NAMESPACE, limit: 1 });
    let version = metadata.resourceVersion;
    const watching = (async (): Promise<void> => {
      // The server ends the watch of a reader that cannot keep up.
      while (!stop.signal.aborted) {
        const { body: stream } = await client.stream({
          method: 'GET',
          path,
          // Such a watch shows a pod as ADDED when it gets its node.
          query: { watch: true, fieldSelector: 'spec.nodeName!=', resourceVersion: version },
          signal: stop.signal,
        });
        opened();
        const splitter = new LineSplitter();
        for await (const chunk of stream) {
          const now = performance.now();
          splitter.push(chunk, (line) => {
            const [, type, name = '', at] = POD_EVENT.exec(line) ?? [];
            if (at === undefined) throw new Error(`not the event of a pod: ${line.slice(0, 200)}`);
            version = at;
            if (type === 'ADDED' && name.startsWith(`${prefix}-`) && !seen.has(name)) seen.set(name, now);
          });
        }
      }
    })().catch((err: unknown) => {
      if (!stop.signal.aborted) throw err;
    });
    await Promise.race([isOpen, watching]);
    try {
      await body();
      const end = performance.now() + timeoutMs;
      while (seen.size < count) {
        if (performance.now() > end)
          throw new Error(`${seen.size} of ${count} pods ${prefix}-* have a node after ${timeoutMs} ms`);
        await Promise.race([sleep(20), watching]);
      }
    } finally {
      stop.abort(new Error('seen'));
      await watching;
    }
    return seen;
  }
}

const POD_EVENT = /^\{"type":"(\w+)".*?"metadata":\{"name":"([^"]+)".*?"resourceVersion":"(\d+)"/;

async function inParallel(count: number, each: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: CREATING_AT_ONCE }, async () => {
      while (next < count) await each(next++);
    }),
  );
}
