import { SchedulerCache } from './lib/scheduler/cache/cache.ts';
import { createProfile } from './lib/scheduler/framework/profile.ts';
import { defaultPlugins } from './lib/scheduler/plugins/registry.ts';
import { pluginHandle } from './lib/scheduler/testing/plugin_handle.ts';
import { SignatureTable } from './lib/scheduler/columns/signature_table.ts';
import { DecisionLog } from './lib/scheduler/explain/decision_log.ts';
import { WORKLOADS } from './bench/scheduler/workloads.ts';
const handle = pluginHandle({ cache: new SchedulerCache() });
const profile = createProfile('default-scheduler', defaultPlugins(handle));
const w = WORKLOADS.find((x) => x.name === process.argv[2]);
const nodes = 5000, n = 30000;
for (let i = 0; i < nodes; i++) handle.cache.setNode(w.node(i));
const table = new SignatureTable(profile, handle.cache, handle.nominated);
const log = new DecisionLog();
const pods = Array.from({ length: n }, (_, i) => w.measured(i, nodes));
const t = { decide: 0, log: 0, assume: 0, confirm: 0 };
for (let k = 0; k < n; k++) {
  const pod = pods[k];
  const a = performance.now();
  const d = table.decide(pod, Math.random);
  const b = performance.now();
  log.record(pod, d, 1, 0);
  const c = performance.now();
  if (d.kind !== 'node') break;
  const placed = { ...pod, spec: { ...pod.spec, nodeName: d.node } };
  handle.cache.assumePod(placed, d.node);
  const e = performance.now();
  handle.cache.addPod({ ...pod, spec: { ...pod.spec, nodeName: d.node } });
  const f = performance.now();
  if (k > 5000) { t.decide += b - a; t.log += c - b; t.assume += e - c; t.confirm += f - e; }
}
for (const [k, v] of Object.entries(t)) console.log(k, (1000 * v / (n - 5000)).toFixed(2), 'us');
