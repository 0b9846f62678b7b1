/**
 * How long `ts-scheduler simulate` takes, from the start of the process to its answer: files read, report written. Target:
 * 10,000 pods on 5,000 nodes in under 5 s.
 *
 * Run: npm run build, then node bench/scheduler/simulate.ts [--nodes 5000] [--pods 10000] [--rounds 3] [--only NAME,NAME]
 * Each cell: minimum / median / maximum of the rounds.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { spread } from '../figures.ts';
import { cpuSeconds } from '../process_cost.ts';
import { chosenWorkloads, whole } from './command_line.ts';
import type { Workload } from './workloads.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '5000' },
    pods: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
  },
});
const nodes = whole(values.nodes, 'nodes');
const pods = whole(values.pods, 'pods');
const rounds = whole(values.rounds, 'rounds');
const program = resolve(import.meta.dirname, '../../dist/ts-scheduler');
const folder = mkdtempSync(join(tmpdir(), 'simulate-bench-'));
const cells = (first: string, ...rest: readonly string[]): string =>
  first.padEnd(28) + rest.map((text) => text.padStart(22)).join('');

try {
  console.log(`${nodes} nodes, ${pods} pods\n${cells('workload', 'wall s', 'CPU s', 'placed', 'input MB')}`);
  for (const workload of chosenWorkloads(values.only)) console.log(line(workload));
} finally {
  rmSync(folder, { recursive: true });
}

function line(workload: Workload): string {
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
  const runs = Array.from({ length: rounds }, () => run(file));
  const walls = spread(runs.map(({ wall }) => wall));
  const cpus = spread(runs.map(({ cpu }) => cpu));
  const megabytes = statSync(file).size / 1e6;
  return cells(workload.name, walls, cpus, runs[0]?.placed ?? '?', megabytes.toFixed(1));
}

function run(file: string): { readonly wall: number; readonly cpu: number; readonly placed: string } {
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
  return { wall, cpu, placed: /: (\d+) placed/.exec(stdout)?.[1] ?? '?' };
}
