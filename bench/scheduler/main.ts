/**
 * How many pods a second the scheduler decides on, on one core, in process: PreFilter to the choice of a node and its
 * assumption in the cache; no queue, no binding, no network. Every node is considered.
 *
 * Run: node bench/scheduler/main.ts [NODES [PODS]]   (default 5000 nodes, 500 pods measured, 1000 placed before)
 */
import { SchedulerCache } from '../../lib/scheduler/cache/cache.ts';
import { CycleState } from '../../lib/scheduler/framework/cycle_state.ts';
import { createProfile } from '../../lib/scheduler/framework/profile.ts';
import { defaultPlugins } from '../../lib/scheduler/plugins/registry.ts';
import { schedulePod } from '../../lib/scheduler/schedule_pod.ts';
import { pluginHandle } from '../../lib/scheduler/testing/plugin_handle.ts';
import type { Workload } from './workloads.ts';
import { WORKLOADS } from './workloads.ts';

const [nodes = 5000, pods = 500] = process.argv.slice(2).map(Number);
if (!Number.isInteger(nodes) || nodes < 1 || !Number.isInteger(pods) || pods < 1) {
  console.error('want whole numbers of at least 1: [NODES [PODS]]');
  process.exit(2);
}
const INITIAL = 1000;

function measure(workload: Workload): { perSecond: number; placed: number; p99: number } {
  const cache = new SchedulerCache();
  const handle = pluginHandle({ cache });
  const profile = createProfile('default-scheduler', defaultPlugins(handle));
  for (let i = 0; i < nodes; i++) cache.setNode(workload.node(i));
  for (let i = 0; i < INITIAL; i++) {
    const pod = workload.initial(i);
    cache.addPod({ ...pod, spec: { ...pod.spec, nodeName: `node-${i % nodes}` } });
  }
  const wanted = Array.from({ length: pods }, (_, i) => workload.measured(i));
  const times: number[] = [];
  let placed = 0;
  const started = process.cpuUsage();
  for (const pod of wanted) {
    const begin = performance.now();
    const decision = schedulePod(pod, cache.nodes(), profile, new CycleState());
    if (decision.kind === 'node') {
      cache.assumePod({ ...pod, spec: { ...pod.spec, nodeName: decision.node } }, decision.node);
      placed++;
    }
    times.push(performance.now() - begin);
  }
  // CPU time of the process: what others do on the machine does not count.
  const { user, system } = process.cpuUsage(started);
  times.sort((a, b) => a - b);
  return {
    perSecond: Math.round(pods / ((user + system) / 1e6)),
    placed,
    p99: times[Math.floor(times.length * 0.99)] ?? 0,
  };
}

console.log(`${nodes} nodes, ${pods} pods`);
console.log(
  `${'workload'.padEnd(26)}${'pods/s'.padStart(8)}${'target'.padStart(8)}${'placed'.padStart(8)}  p99 ms`,
);
for (const workload of WORKLOADS) {
  const { perSecond, placed, p99 } = measure(workload);
  console.log(
    workload.name.padEnd(26) +
      String(perSecond).padStart(8) +
      String(workload.target).padStart(8) +
      String(placed).padStart(8) +
      p99.toFixed(2).padStart(8),
  );
}
