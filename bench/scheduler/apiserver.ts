/**
 * ts-scheduler beside the stock kube-scheduler through a real apiserver, in turns, in one run: pods a second, what a pod
 * costs the scheduler, how long a pod waits at a steady rate, and how soon a scheduler that starts binds its first pod.
 * The apiserver, etcd and the bench run on the same machine. Figures are minimum / median / maximum over the runs.
 *
 * Run: node bench/scheduler/apiserver.ts [--nodes 1000,5000] [--runs 3] [--parts throughput,latency,cold-start]
 *      [--pods 5000] [--only ours|stock] [--node-options='--cpu-prof --cpu-prof-dir=DIR']     (for ours)
 * Needs dist/ (`npm run build`) and the stock programs; no root. cold-start runs at the largest of the sizes only.
 */
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Comparison } from '../figures.ts';
import { ApiCluster } from './api_cluster.ts';
import { PARTS } from './api_parts.ts';
import { whole } from './command_line.ts';
import { FLAVOURS, SchedulerProcess } from './scheduler_process.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1000,5000' },
    runs: { type: 'string', default: '3' },
    parts: { type: 'string', default: Object.keys(PARTS).join() },
    pods: { type: 'string', default: '5000' },
    only: { type: 'string' },
    'node-options': { type: 'string', default: '' },
  },
});
const sizes = values.nodes.split(',').map((n) => whole(n, 'nodes'));
const runs = whole(values.runs, 'runs');
const pods = whole(values.pods, 'pods');
const chosen = values.parts.split(',');
const unknown = chosen.find((name) => !Object.hasOwn(PARTS, name));
const flavours = FLAVOURS.filter((flavour) => values.only === undefined || flavour === values.only);
if (unknown !== undefined || flavours.length === 0) {
  console.error(`want --parts of ${Object.keys(PARTS).join()}, --only of ${FLAVOURS.join(' or ')}`);
  process.exit(2);
}

console.log(`${runs} runs of each; min / median / max; ${availableParallelism()} CPUs`);
for (const name of chosen)
  for (const size of sizes) {
    if (name === 'cold-start' && size !== Math.max(...sizes)) continue;
    await compare(name, size);
  }

async function compare(name: string, size: number): Promise<void> {
  const part = PARTS[name];
  if (part === undefined) return;
  const found = new Comparison();
  const load = loadavg()[0] ?? NaN;
  const cluster = await ApiCluster.start(size);
  try {
    if (part.standing > 0) await cluster.createPods('standing', part.standing, { placed: true });
    for (let run = 0; run < runs; run++) {
      // Each is first in every other run.
      for (const flavour of run % 2 === 0 ? flavours : flavours.toReversed()) {
        const figures = await part.measure({
          cluster,
          start: () => new SchedulerProcess(flavour, cluster, values['node-options']),
          prefix: `${flavour}${run}`,
          pods,
        });
        found.add(flavour, figures);
        // A run that is cut short has told this much.
        console.error(`  ${name}, ${size} nodes, ${flavour}: ${JSON.stringify(figures)}`);
      }
    }
  } finally {
    await cluster.stop();
  }
  const count = part.standing > 0 ? `${part.standing} pods placed` : `${pods} pods`;
  console.log(`${name}: ${size} nodes, ${count} (load before ${load.toFixed(1)})`);
  for (const line of found.lines()) console.log(line);
}
