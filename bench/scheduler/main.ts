/**
 * How many pods a second of processor time the scheduler places, in process: the whole scheduler from the queue to the
 * binding, with an API in memory. Every node is considered. The time is that of all threads of the process, compiler and
 * garbage collector included. Each figure comes from a new process, started with the options of the launcher of
 * ts-scheduler, which has placed nothing but the pods that the workload begins with; of several rounds the least, the middle
 * and the most are shown. Of the round in the middle: pods per second on the wall, 99th percentile between two pods, and
 * the most memory that the process ever had.
 *
 * Run: node bench/scheduler/main.ts [--nodes 100,1000,5000,15000] [--pods 10000] [--rounds 3] [--only NAME,NAME]
 *      [--plot FILE.svg] (default: 5000 nodes, Daemonset at 15000)
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Measurement } from './measure.ts';
import { measure } from './measure.ts';
import { NODE_OPTIONS } from '../../hack/build/node_options.ts';
import { chosenWorkloads, whole } from './command_line.ts';
import { scalePlot } from './scale_plot.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string' },
    pods: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    plot: { type: 'string' },
    /** Measure this one here and now, and print the figures as JSON. */
    child: { type: 'string' },
  },
});

const sizes = values.nodes?.split(',').map((n) => whole(n, 'nodes'));
const pods = whole(values.pods, 'pods');
const rounds = whole(values.rounds, 'rounds');
const chosen = chosenWorkloads(values.only ?? values.child);

const [first] = chosen;
if (values.child !== undefined && first !== undefined)
  console.log(JSON.stringify(await measure(first, sizes?.[0] ?? 5000, pods)));
else report();

function report(): void {
  const cells = (list: readonly (string | number)[]): string =>
    list.map((cell, i) => (i === 0 ? String(cell).padEnd(28) : String(cell).padStart(9))).join('');
  const series = new Map<string, { nodes: number; microseconds: number }[]>();
  console.log(
    cells([
      'workload',
      'nodes',
      'pods',
      'target',
      'min/s',
      'median/s',
      'max/s',
      'wall/s',
      'p99 ms',
      'peak MB',
    ]),
  );
  for (const { name, target } of chosen)
    for (const nodes of sizes ?? [name === 'Daemonset' ? 15_000 : 5000]) {
      const runs = Array.from({ length: rounds }, () => inChild(name, nodes)).sort(
        (a, b) => a.perSecond - b.perSecond,
      );
      const middle = runs[Math.floor(runs.length / 2)];
      if (middle === undefined) continue;
      const { perSecond, perWallSecond, p99, peak } = middle;
      const [least, most] = [runs[0]?.perSecond ?? 0, runs.at(-1)?.perSecond ?? 0];
      const mb = Math.round(peak / 1e6);
      const shown = [nodes, middle.pods, target, least, perSecond, most, perWallSecond, p99.toFixed(2), mb];
      console.log(cells([name, ...shown]));
      series.set(name, [...(series.get(name) ?? []), { nodes, microseconds: 1e6 / perSecond }]);
    }
  if (values.plot !== undefined) writeFileSync(values.plot, scalePlot(series));
}

function inChild(name: string, nodes: number): Measurement {
  const [, script = ''] = process.argv;
  const args = [
    ...(NODE_OPTIONS['ts-scheduler'] ?? []),
    script,
    '--child',
    name,
    '--nodes',
    String(nodes),
    '--pods',
    String(pods),
  ];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- printed by this very script
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Measurement;
}
