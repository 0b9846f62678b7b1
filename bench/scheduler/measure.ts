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
  /** Bytes of memory in use afterwards. */
  readonly rss: number;
}

/** @param wanted number of pods, where the nodes hold so many */
export async function measure(workload: Workload, nodes: number, wanted: number): Promise<Measurement> {
  const cluster = new MemoryCluster();
  for (let i = 0; i < nodes; i++) cluster.addNode(workload.node(i));
  for (const pod of workload.initial(nodes)) cluster.createPod(pod);
  const count = (workload.count ?? ((n, of) => Math.min(n, of * 30)))(wanted, nodes);
  const measured = Array.from({ length: count }, (_, i) => workload.measured(i, nodes));
  const names = new Set(measured.map((pod) => pod.metadata.name));
  workload.before?.(cluster);
  const stop = new AbortController();
  let done = 0;
  const times: number[] = [];
  let last = performance.now();
  const ended = (pod: Pod): void => {
    if (!names.delete(pod.metadata.name)) return;
    const now = performance.now();
    times.push(now - last);
    last = now;
    workload.during?.(cluster, done);
    done++;
    if (done === count) stop.abort(new Error('measured'));
  };
  if (workload.isRefused === true) cluster.onRefused = ended;
  else cluster.onBound = ended;
  // The timers of the scheduler do not keep the process alive.
  const alive = setInterval(() => undefined, 60_000);
  const started = process.cpuUsage();
  for (const pod of measured) cluster.createPod(pod);
  await cluster.run(stop.signal);
  // CPU time of the process: what others do on the machine does not count.
  const { user, system } = process.cpuUsage(started);
  clearInterval(alive);
  times.sort((a, b) => a - b);
  return {
    perSecond: Math.round(count / ((user + system) / 1e6)),
    pods: count,
    p99: times[Math.floor(times.length * 0.99)] ?? 0,
    rss: process.memoryUsage.rss(),
  };
}
