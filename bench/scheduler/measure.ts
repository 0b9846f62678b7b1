/** One workload on one size of cluster. */
import type { Pod } from '../../lib/api/types.ts';
import { MemoryCluster } from './memory_cluster.ts';
import type { Workload } from './workloads.ts';

export interface Measurement {
  /** Pods per second of processor time. */
  readonly perSecond: number;
  readonly pods: number;
  /** Milliseconds between the ends of two pods that 99 % do not exceed. */
  readonly p99: number;
  /** Pods per second of the clock on the wall. */
  readonly perWallSecond: number;
  /** Most bytes of memory that the process ever had. */
  readonly peak: number;
}

/** @param wanted number of pods, where the nodes hold so many */
export async function measure(workload: Workload, nodes: number, wanted: number): Promise<Measurement> {
  const cluster = new MemoryCluster();
  for (let i = 0; i < nodes; i++) cluster.addNode(workload.node(i));
  // The timers of the scheduler do not keep the process alive.
  const alive = setInterval(() => undefined, 60_000);
  const stop = new AbortController();
  const running = cluster.run(stop.signal);
  const initial = workload.initial(nodes);
  if (initial.length > 0)
    await until(cluster, initial, 'onBound', () => {
      for (const pod of initial) cluster.createPod(pod);
    });
  const count = (workload.count ?? ((n, of) => Math.min(n, of * 30)))(wanted, nodes);
  const measured = Array.from({ length: count }, (_, i) => workload.measured(i, nodes));
  workload.before?.(cluster);
  const times: number[] = [];
  let last = performance.now();
  const began = performance.now();
  const started = process.cpuUsage();
  await until(
    cluster,
    measured,
    workload.isRefused === true ? 'onRefused' : 'onBound',
    () => {
      for (const pod of measured) cluster.createPod(pod);
    },
    (done) => {
      const now = performance.now();
      times.push(now - last);
      last = now;
      workload.during?.(cluster, done);
    },
  );
  // CPU time of the process: what others do on the machine does not count.
  const { user, system } = process.cpuUsage(started);
  const wall = (performance.now() - began) / 1000;
  clearInterval(alive);
  stop.abort(new Error('measured'));
  await running;
  times.sort((a, b) => a - b);
  return {
    perSecond: Math.round(count / ((user + system) / 1e6)),
    pods: count,
    p99: times[Math.floor(times.length * 0.99)] ?? 0,
    perWallSecond: Math.round(count / wall),
    peak: process.resourceUsage().maxRSS * 1024,
  };
}

/** Resolves when all of the pods came by. @param each called with how many there were before */
async function until(
  cluster: MemoryCluster,
  pods: readonly Pod[],
  event: 'onBound' | 'onRefused',
  begin: () => void,
  each: (done: number) => void = () => undefined,
): Promise<void> {
  const names = new Set(pods.map((pod) => pod.metadata.name));
  await new Promise<void>((resolve) => {
    cluster[event] = (pod) => {
      if (!names.delete(pod.metadata.name)) return;
      each(pods.length - names.size - 1);
      if (names.size === 0) resolve();
    };
    begin();
  });
}
