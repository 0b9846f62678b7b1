/**
 * ts-kube-proxy beside the stock kube-proxy, in the same mode, on the same machine, in one run, in turns: first sync, one
 * endpoint changed, 100 changes a second, connections to the last Service, memory, idle CPU. Figures are minimum / median
 * / maximum over the runs.
 *
 * Run: node bench/proxy/main.ts [--sizes 1000x3,10000x3,50000x1] [--parts first-sync,change,churn,data-path,memory,idle]
 *        [--mode iptables|nftables] [--only ours|stock] [--runs N] [--changes N] [--churn-seconds N] [--idle-seconds N]
 *        [--min-sync 500ms] [--portion N] [--ours PROGRAM]
 * --portion: N Services arrive at a time, so that stock's iptables mode comes through with many ("first sync" is then all of them).
 * Needs root, dist/ts-kube-proxy (`npm run build`) and the stock kube-proxy (`hack/stock-binaries`).
 */
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import type { Mode } from '../../lib/proxy/testing/situations.ts';
import { TestBed } from '../../lib/proxy/testing/test_bed.ts';
import { stockBinary } from '../../test/fixtures/stock_binaries.ts';
import type { Figures, Part, Workload } from './measure.ts';
import { PARTS, measure, prepareBed } from './measure.ts';

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '1000x3,10000x3' },
    parts: { type: 'string', default: PARTS.join(',') },
    mode: { type: 'string' },
    only: { type: 'string' },
    runs: { type: 'string', default: '3' },
    changes: { type: 'string', default: '12' },
    'churn-seconds': { type: 'string', default: '60' },
    'idle-seconds': { type: 'string', default: '65' },
    'min-sync': { type: 'string' },
    portion: { type: 'string' },
    ours: { type: 'string', default: 'dist/ts-kube-proxy' },
  },
});

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

function count(name: 'runs' | 'changes' | 'churn-seconds' | 'idle-seconds' | 'portion'): number {
  const n = Number(values[name]);
  return Number.isInteger(n) && n > 0
    ? n
    : fail(`--${name}: got "${values[name]}", want a whole number above 0`);
}

const sizes = values.sizes.split(',').map((text) => {
  const [, services, endpoints] =
    /^(\d+)x(\d+)$/.exec(text) ?? fail(`--sizes: got "${text}", want e.g. 10000x3`);
  return { services: Number(services), endpoints: Number(endpoints) };
});
const parts = new Set(
  values.parts
    .split(',')
    .map(
      (text): Part =>
        PARTS.find((p) => p === text) ?? fail(`--parts: got "${text}", want some of ${PARTS.join(',')}`),
    ),
);
const modes = (['iptables', 'nftables'] as const).filter(
  (m) => values.mode === undefined || values.mode === m,
);
if (modes.length === 0) fail(`--mode: got "${values.mode}", want iptables or nftables`);
const programs = [
  ['ours', [values.ours]],
  ['stock', [stockBinary('kube-proxy')]],
] as const;
const chosen = programs.filter(([who]) => values.only === undefined || values.only === who);
if (chosen.length === 0) fail(`--only: got "${values.only}", want ours or stock`);

function spread(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (i: number): string => (sorted[i] ?? NaN).toFixed((sorted[0] ?? 0) < 10 ? 2 : 0);
  return `${at(0)} / ${at(sorted.length >> 1)} / ${at(sorted.length - 1)}`;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? NaN;
}

async function compare(bed: TestBed, mode: Mode, workload: Workload): Promise<void> {
  const found = new Map<string, Figures[]>();
  const [load = 0] = loadavg();
  const busy = load > availableParallelism() / 2 ? `, machine busy: load ${load.toFixed(1)}` : '';
  console.log(`\n${mode} mode, ${workload.services} Services with ${workload.endpoints} endpoints${busy}`);
  const runs = count('runs');
  for (let run = 0; run < runs; run++) {
    // Whoever comes second finds a warmer machine.
    for (const [who, argv] of run % 2 === 0 ? chosen : chosen.toReversed()) {
      const figures = await measure(bed, argv, mode, workload);
      found.set(who, [...(found.get(who) ?? []), figures]);
      // A run that is cut off has said what it had.
      const said = Object.entries(figures).map(([name, numbers]) => `${name} ${spread(numbers)}`);
      console.error(`  run ${run + 1}, ${who}: ${said.join('; ')}`);
    }
  }
  for (const name of Object.keys(found.values().next().value?.[0] ?? {})) {
    const all = [...found].map(([who, list]) => [who, list.flatMap((f) => f[name] ?? [])] as const);
    const cells = all.map(([who, numbers]) => `${who} ${spread(numbers)}`.padEnd(34));
    const [ours, stock] = all.map(([, numbers]) => median(numbers));
    const ratio = ours === undefined || stock === undefined ? '' : `ratio ${(ours / stock).toFixed(2)}`;
    console.log(`  ${name.padEnd(42)} ${cells.join(' ')} ${ratio}`);
  }
}

console.log(`${values.runs} runs; minimum / median / maximum; ratio of medians, ours to stock`);
const bed = await TestBed.create('tskbe');
try {
  prepareBed(bed);
  for (const size of sizes) {
    for (const mode of modes) {
      await compare(bed, mode, {
        ...size,
        portion: values.portion === undefined ? size.services : count('portion'),
        parts,
        changes: count('changes'),
        churnSeconds: count('churn-seconds'),
        idleSeconds: count('idle-seconds'),
        minSync: values['min-sync'],
      });
    }
  }
} finally {
  bed.close();
}
