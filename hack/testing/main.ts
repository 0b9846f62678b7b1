/**
 * hack/test: lint, types, unit tests, build, end to end; see `hack/test --help`. The last line of its output is
 * `N passed, N failed` over all of them.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SWAPPABLE, type Flavour, type Swappable } from '../cluster/options.ts';
import { runStage } from './run_stage.ts';
import { stages } from './stages.ts';

const names = stages({}).map((stage) => stage.name);
const USAGE = `usage: hack/test [flags]
  --only STAGE,...            run these stages only: ${names.join(', ')}
  --kubelet ours|stock        which kubelet the e2e stage runs (default ours); likewise --proxy, --scheduler
  --help
Brings up a cluster named e2e and takes it down again, whatever happens.`;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    kubelet: { type: 'string' },
    proxy: { type: 'string' },
    scheduler: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});

async function main(): Promise<number> {
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const flavours: Partial<Record<Swappable, Flavour>> = {};
  for (const part of SWAPPABLE) {
    const flavour = values[part];
    if (flavour === undefined) continue;
    if (flavour !== 'ours' && flavour !== 'stock')
      return refuse(`--${part}: got "${flavour}", want ours or stock`);
    flavours[part] = flavour;
  }
  const only = values.only?.split(',');
  const unknown = only?.filter((name) => !names.includes(name)) ?? [];
  if (unknown.length > 0)
    return refuse(`--only: no stage "${unknown.join('", "')}", want some of ${names.join(', ')}`);

  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => abort.abort());
  const context = {
    repo: resolve(import.meta.dirname, '../..'),
    write: (text: string | Buffer) => process.stdout.write(text),
    signal: abort.signal,
  };
  const results = new Map<string, string>();
  const broken = new Set<string>();
  let { passed, failed } = { passed: 0, failed: 0 };
  for (const stage of stages(flavours)) {
    if (abort.signal.aborted || only?.includes(stage.name) === false) continue;
    const missing = stage.needs?.find((need) => broken.has(need));
    console.log(`\n=== ${stage.name}`);
    const began = performance.now();
    const counts =
      missing === undefined ? await runStage(stage, context) : { passed: 0, failed: 1, flaky: [] };
    if (missing !== undefined) console.log(`not run: ${missing} failed`);
    if (counts.failed > 0) broken.add(stage.name);
    passed += counts.passed;
    failed += counts.failed;
    const seconds = Math.round((performance.now() - began) / 1000);
    const flaky = counts.flaky.length > 0 ? ` (${counts.flaky.length} of them at the second try)` : '';
    results.set(stage.name, `${counts.passed} passed${flaky}, ${counts.failed} failed in ${seconds} s`);
  }
  console.log('');
  for (const [name, result] of results) console.log(`${name}: ${result}`);
  if (abort.signal.aborted) {
    console.log('interrupted');
    failed++;
  }
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

function refuse(problem: string): number {
  console.error(`hack/test: ${problem}`);
  return 2;
}

process.exitCode = await main();
