/**
 * ts-kubelet beside the stock kubelet on the same node, in turns, in one run: how fast pods start and go, what the kubelet
 * costs, how it does on a full node, how soon it is back. Figures are minimum / median / maximum over the runs.
 *
 * Run: node bench/kubelet/main.ts [--runs N] [--parts single,batch,steady,cold,full] [--only ours|stock]
 *      [--node-options='--cpu-prof --cpu-prof-dir=DIR']     (for ours)
 * Needs root, dist/ (`npm run build`) and the stock programs; brings up a cluster named bench-kubelet and takes it down.
 */
import { resolve } from 'node:path';
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Comparison } from '../figures.ts';
import { BenchPods } from './bench_pods.ts';
import { FLAVOURS, NodeUnderTest } from './node_under_test.ts';
import { PARTS } from './parts.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    parts: { type: 'string', default: Object.keys(PARTS).join() },
    only: { type: 'string' },
    'node-options': { type: 'string', default: '' },
    name: { type: 'string', default: 'bench-kubelet' },
  },
});
const runs = Number(values.runs);
const chosen = values.parts.split(',');
const unknown = chosen.find((name) => !Object.hasOwn(PARTS, name));
const flavours = FLAVOURS.filter((flavour) => values.only === undefined || flavour === values.only);
if (unknown !== undefined || flavours.length === 0 || !Number.isInteger(runs) || runs < 1) {
  console.error(
    `want --runs of at least 1, --parts of ${Object.keys(PARTS).join()}, --only of ${FLAVOURS.join(' or ')}`,
  );
  process.exit(2);
}

console.log(`${runs} runs of each; min / median / max`);
const node = await NodeUnderTest.create(
  resolve(import.meta.dirname, '../..'),
  values.name,
  values['node-options'].split(' ').filter((option) => option !== ''),
);
let pods: BenchPods | undefined;
try {
  pods = await BenchPods.create(node.client, node.name);
  // The kubelet that the cluster came up with has not the bench's configuration.
  await node.use(flavours[0] ?? 'ours');
  for (const name of chosen) {
    const part = PARTS[name];
    if (part === undefined) continue;
    const found = new Comparison();
    const { obedient = 0, http = 0, tcp = 0 } = part.standing;
    await pods.keep(obedient, 'obedient');
    await pods.keep(http, 'http');
    await pods.keep(tcp, 'tcp');
    for (let run = 0; run < runs; run++) {
      for (const flavour of flavours) {
        await node.use(flavour);
        found.add(flavour, await part.measure({ node, pods, flavour, name: `${flavour}-${run}` }));
      }
    }
    console.log(
      `\n${part.title} (load ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} processors, this bench included)`,
    );
    for (const line of found.lines()) console.log(line);
  }
} finally {
  await pods?.close();
  await node[Symbol.asyncDispose]();
}
