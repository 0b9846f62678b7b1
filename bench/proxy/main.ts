/**
 * ts-kube-proxy beside the stock kube-proxy, in the same mode, on the same machine, in one run: first sync, one endpoint
 * changed, connections to the last Service, CPU and memory. Figures are minimum / median / maximum over the runs.
 *
 * Run: node bench/proxy/main.ts [--services N] [--endpoints N] [--runs N] [--mode iptables|nftables]
 * Needs root, dist/ts-kube-proxy (`npm run build`) and the stock kube-proxy (`hack/stock-binaries`).
 */
import { loadavg, availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { TestBed } from '../../lib/proxy/testing/test_bed.ts';
import { stockBinary } from '../../test/fixtures/stock_binaries.ts';
import type { Figures } from './measure.ts';
import { measure } from './measure.ts';

const { values } = parseArgs({
  options: {
    services: { type: 'string', default: '1000' },
    endpoints: { type: 'string', default: '3' },
    runs: { type: 'string', default: '3' },
    mode: { type: 'string' },
  },
});
const [services, endpoints, runs] = [values.services, values.endpoints, values.runs].map(Number);
if (![services, endpoints, runs].every((n) => n !== undefined && Number.isInteger(n) && n > 0)) {
  console.error('--services, --endpoints and --runs: want whole numbers of at least 1');
  process.exit(2);
}
const modes = (['iptables', 'nftables'] as const).filter(
  (mode) => values.mode === undefined || values.mode === mode,
);

const PROGRAMS = {
  ours: [process.execPath, 'dist/ts-kube-proxy'],
  stock: [stockBinary('kube-proxy')],
} as const;

function spread(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (i: number): string => (sorted[i] ?? NaN).toFixed((sorted[0] ?? 0) < 10 ? 2 : 0);
  return `${at(0)} / ${at(sorted.length >> 1)} / ${at(sorted.length - 1)}`;
}

const [load = 0] = loadavg();
console.log(`${services} Services with ${endpoints} endpoints, ${runs} runs; min / median / max`);
if (load > availableParallelism() / 2)
  console.log(
    `note: the machine is busy (load ${load.toFixed(1)}): times of the wall clock include its other work`,
  );

const bed = await TestBed.create('tskbe');
try {
  for (const mode of modes) {
    const found = new Map<string, Figures[]>();
    for (let run = 0; run < (runs ?? 1); run++) {
      for (const [who, argv] of Object.entries(PROGRAMS)) {
        const figures = await measure(bed, argv, mode, {
          services: services ?? 1,
          endpoints: endpoints ?? 1,
        });
        found.set(who, [...(found.get(who) ?? []), figures]);
      }
    }
    console.log(`\n${mode} mode`);
    const names = Object.keys(found.values().next().value?.[0] ?? {});
    for (const name of names) {
      const cells = [...found].map(([who, all]) => `${who} ${spread(all.flatMap((f) => f[name] ?? []))}`);
      console.log(`  ${name.padEnd(44)} ${cells.join('    ')}`);
    }
  }
} finally {
  bed.close();
}
