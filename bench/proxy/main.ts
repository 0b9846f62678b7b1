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
import { Comparison } from '../figures.ts';
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

const [load = 0] = loadavg();
console.log(`${services} Services with ${endpoints} endpoints, ${runs} runs; min / median / max`);
if (load > availableParallelism() / 2)
  console.log(
    `note: the machine is busy (load ${load.toFixed(1)}): times of the wall clock include its other work`,
  );

const bed = await TestBed.create('tskbe');
try {
  for (const mode of modes) {
    const found = new Comparison();
    for (let run = 0; run < (runs ?? 1); run++) {
      for (const [who, argv] of Object.entries(PROGRAMS)) {
        const figures = await measure(bed, argv, mode, {
          services: services ?? 1,
          endpoints: endpoints ?? 1,
        });
        found.add(who, figures);
      }
    }
    console.log(`\n${mode} mode`);
    for (const line of found.lines()) console.log(line);
  }
} finally {
  bed.close();
}
