/**
 * How many pods a second the scheduler places, on one core, in process: the whole scheduler from the queue to the binding,
 * with an API in memory. Every node is considered. Each figure comes from a process of its own; of several rounds the
 * least, the middle and the most are shown.
 *
 * Run: node bench/scheduler/main.ts [--nodes 100,1000,5000,15000] [--pods 10000] [--rounds 3] [--only NAME,NAME]
 *      (default: 5000 nodes, Daemonset at 15000)
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import type { Measurement } from './measure.ts';
import { measure } from './measure.ts';
import { chosenWorkloads, whole } from './command_line.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string' },
    pods: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
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
  console.log(cells(['workload', 'nodes', 'pods', 'target', 'min/s', 'median/s', 'max/s', 'p99 ms', 'MB']));
  for (const { name, target } of chosen)
    for (const nodes of sizes ?? [name === 'Daemonset' ? 15_000 : 5000]) {
      const runs = Array.from({ length: rounds }, () => inChild(name, nodes)).sort(
        (a, b) => a.perSecond - b.perSecond,
      );
      const middle = runs[Math.floor(runs.length / 2)];
      if (middle === undefined) continue;
      const { perSecond, p99, rss } = middle;
      const [least, most] = [runs[0]?.perSecond ?? 0, runs.at(-1)?.perSecond ?? 0];
      const mb = Math.round(rss / 1e6);
      console.log(cells([name, nodes, middle.pods, target, least, perSecond, most, p99.toFixed(2), mb]));
    }
}

function inChild(name: string, nodes: number): Measurement {
  const [, script = ''] = process.argv;
  const args = [script, '--child', name, '--nodes', String(nodes), '--pods', String(pods)];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- printed by this very script
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Measurement;
}
