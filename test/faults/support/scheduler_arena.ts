/** An apiserver with nodes that nobody runs, on which schedulers are started, stopped and killed. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { getCondition } from '../../../lib/api/conditions.ts';
import type { Pod } from '../../../lib/api/types.ts';
import { keyOf } from '../../../lib/api/types.ts';
import { NODES, PODS } from '../../../lib/client/resource.ts';
import type { Apiserver } from '../../fixtures/apiserver.ts';
import { startApiserver } from '../../fixtures/apiserver.ts';
import { ServerProcess } from '../../fixtures/processes.ts';
import { stockBinary } from '../../fixtures/stock_binaries.ts';

const PROGRAM = resolve('dist/ts-scheduler');
const LEASE = { leaseDuration: '3s', renewDeadline: '2s', retryPeriod: '500ms' };
/** Each node takes so many pods of {@link SchedulerArena.createPod}. */
export const PODS_PER_NODE = 20;

/** A scheduler under way. */
export class RunningScheduler {
  readonly process: ServerProcess;

  constructor(process: ServerProcess) {
    this.process = process;
  }

  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    const { pid } = this.process;
    if (pid !== undefined) process.kill(pid, name);
  }
}

export class SchedulerArena {
  readonly server: Apiserver;
  readonly #running = new Set<RunningScheduler>();
  #configs = 0;

  private constructor(server: Apiserver) {
    this.server = server;
  }

  static async start(nodes: number): Promise<SchedulerArena> {
    const flags = ['--disable-admission-plugins=ServiceAccount,Priority,TaintNodesByCondition'];
    const arena = new SchedulerArena(await startApiserver({ flags }));
    await Promise.all(Array.from({ length: nodes }, (_, i) => arena.createNode(`n${i}`)));
    return arena;
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    await Promise.all(Array.from(this.#running, (scheduler) => this.end(scheduler)));
    await this.server.stop();
  }

  /**
   * @param withLease competes with others for the lease; without, it schedules whatever others do
   * @param stock the stock kube-scheduler in place of ours
   */
  startScheduler({
    withLease = false,
    config = {},
    stock = false,
  }: { withLease?: boolean; config?: object; stock?: boolean } = {}): RunningScheduler {
    const { dir, kubeconfigPath } = this.server;
    const name = `scheduler-${++this.#configs}`;
    const path = join(dir, `${name}.json`);
    writeFileSync(
      path,
      JSON.stringify({
        apiVersion: 'kubescheduler.config.k8s.io/v1',
        kind: 'KubeSchedulerConfiguration',
        clientConnection: { kubeconfig: kubeconfigPath, qps: 5000, burst: 5000 },
        leaderElection: withLease ? { leaderElect: true, ...LEASE } : { leaderElect: false },
        ...config,
      }),
    );
    const program = stock ? stockBinary('kube-scheduler') : PROGRAM;
    const argv = [program, `--config=${path}`, '--secure-port=0'] as const;
    const scheduler = new RunningScheduler(new ServerProcess(argv, join(dir, `${name}.log`)));
    this.#running.add(scheduler);
    return scheduler;
  }

  async end(scheduler: RunningScheduler, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#running.delete(scheduler);
    await scheduler.process.end(signal, 10_000);
  }

  async createNode(name: string): Promise<void> {
    const resources = { cpu: String(PODS_PER_NODE / 10), memory: '64Gi', pods: '110' };
    const status = { capacity: resources, allocatable: resources };
    const labels = { 'kubernetes.io/hostname': name };
    await this.server.client.create(NODES, { metadata: { name, labels }, status });
  }

  async createPod(name: string, spec: Partial<Pod['spec']> = {}): Promise<void> {
    const container = { name: 'c', image: 'i', resources: { requests: { cpu: '100m' } } };
    await this.server.client.create(PODS, {
      metadata: { namespace: 'default', name },
      spec: { containers: [container], ...spec },
    });
  }

  /** `first` to `last`, without `last`. */
  async createPods(first: number, last: number): Promise<void> {
    for (let i = first; i < last; i += 50)
      await Promise.all(
        Array.from({ length: Math.min(50, last - i) }, (_, k) => this.createPod(`p${i + k}`)),
      );
  }

  /** Node by pod, of the pods that have one. */
  async placements(): Promise<ReadonlyMap<string, string>> {
    const { items } = await this.server.client.list(PODS);
    return new Map(
      items.flatMap((pod): [string, string][] =>
        pod.spec.nodeName === undefined
          ? []
          : [[`${keyOf(pod)} ${pod.metadata.uid ?? ''}`, pod.spec.nodeName]],
      ),
    );
  }

  /** Waits until so many pods were told that no node takes them. */
  async refused(count: number, timeoutMs = 30_000): Promise<void> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const { items } = await this.server.client.list(PODS);
      const isRefused = (pod: Pod): boolean =>
        getCondition(pod.status?.conditions, 'PodScheduled')?.reason === 'Unschedulable';
      const now = items.filter(isRefused).length;
      if (now >= count) return;
      if (Date.now() > end) throw new Error(`${now} of ${count} pods are refused after ${timeoutMs} ms`);
      await sleep(50);
    }
  }

  /** Waits until so many pods have a node, and gives their placements. */
  async bound(count: number, timeoutMs = 60_000): Promise<ReadonlyMap<string, string>> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const placements = await this.placements();
      if (placements.size >= count) return placements;
      if (Date.now() > end)
        throw new Error(`${placements.size} of ${count} pods have a node after ${timeoutMs} ms`);
      await sleep(50);
    }
  }
}

/** Most pods that any node has. */
export function fullest(placements: ReadonlyMap<string, string>): number {
  const counts = new Map<string, number>();
  for (const node of placements.values()) counts.set(node, (counts.get(node) ?? 0) + 1);
  return Math.max(0, ...counts.values());
}

/** Pods that have another node now than before. */
export function moved(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): readonly string[] {
  return [...before].filter(([pod, node]) => after.get(pod) !== node).map(([pod]) => pod);
}
