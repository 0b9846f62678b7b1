/**
 * How long `ts-scheduler simulate` takes, from the start of the process to its answer: files read, report written. Target:
 * 10,000 pods on 5,000 nodes in under 5 s.
 *
 * Run: npm run build, then node bench/scheduler/simulate.ts [--nodes 5000] [--pods 10000] [--only NAME,NAME]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cpuSeconds } from '../process_cost.ts';
import { chosenWorkloads, whole } from './command_line.ts';
import type { Workload } from './workloads.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '5000' },
    pods: { type: 'string', default: '10000' },
    only: { type: 'string' },
  },
});
const nodes = whole(values.nodes, 'nodes');
const pods = whole(values.pods, 'pods');
const program = resolve(import.meta.dirname, '../../dist/ts-scheduler');
const folder = mkdtempSync(join(tmpdir(), 'simulate-bench-'));
const cells = (first: string, ...rest: readonly string[]): string =>
  first.padEnd(28) + rest.map((text) => text.padStart(10)).join('');

try {
  console.log(`${nodes} nodes, ${pods} pods\n${cells('workload', 'wall s', 'CPU s', 'placed', 'input MB')}`);
  for (const workload of chosenWorkloads(values.only)) console.log(run(workload));
} finally {
  rmSync(folder, { recursive: true });
}

function run(workload: Workload): string {
  const file = join(folder, 'cluster.json');
  const items = [
    ...Array.from({ length: nodes }, (_, i) => ({ apiVersion: 'v1', kind: 'Node', ...workload.node(i) })),
    ...Array.from({ length: pods }, (_, i) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      ...workload.measured(i, nodes),
    })),
  ];
  writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const answer = join(folder, 'answer.html');
  const before = cpuSeconds(process.pid);
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(program, ['simulate', '--html', answer, file], {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  const wall = (performance.now() - started) / 1000;
  const cpu = cpuSeconds(process.pid) - before; // this process has done nothing but wait
  if (status !== 0) throw new Error(`simulate: exit code ${status}: ${stderr}`);
  const placed = /: (\d+) placed/.exec(stdout)?.[1] ?? '?';
  const megabytes = statSync(file).size / 1e6;
  return cells(workload.name, wall.toFixed(2), cpu.toFixed(2), placed, megabytes.toFixed(1));
}
