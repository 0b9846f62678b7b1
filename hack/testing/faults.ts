/** hack/faults: faults as tests, on a cluster of its own; see `hack/faults --help`. */
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runStage } from './run_stage.ts';
import type { Command } from './stages.ts';

const CLUSTER = 'faults';
/** Components whose faults make the nodes that they need themselves. */
const NEED_NO_CLUSTER: ReadonlySet<string> = new Set(['proxy', 'scheduler']);
const MINUTE = 60_000;
const SUFFIX = '.fault.ts';

const repo = resolve(import.meta.dirname, '../..');
const folder = join(repo, 'test/faults');
const USAGE = `usage: hack/faults COMPONENT [NAME...] [flags]
  COMPONENT                   ${components().join(', ')}
  NAME                        files of test/faults/COMPONENT, without ${SUFFIX} (default: all)
  --scale NUMBER              share of the full measure (500 pods, 50 kills, minutes away, 30 s of a lock) that is taken (default 1)
  --kubelet ours|stock        which kubelet (default ours)
  --keep                      use the cluster ${CLUSTER} as it stands, if it does, and leave it standing
  --help`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scale: { type: 'string', default: '1' },
    kubelet: { type: 'string', default: 'ours' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
});

function components(): string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory() && entry.name !== 'support').map(({ name }) => name);
}

function problem(component: string | undefined, names: readonly string[]): string | undefined {
  if (component === undefined || !components().includes(component))
    return `want a component of ${components().join(', ')}, got ${JSON.stringify(component ?? '')}`;
  const known = readdirSync(join(folder, component))
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length));
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) return `no fault ${unknown}, want some of ${known.join(', ')}`;
  if (!(Number(values.scale) > 0))
    return `--scale: got ${JSON.stringify(values.scale)}, want a number above 0`;
  if (!['ours', 'stock'].includes(values.kubelet))
    return `--kubelet: got ${JSON.stringify(values.kubelet)}, want ours or stock`;
  return undefined;
}

async function main(): Promise<number> {
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const [component, ...names] = positionals;
  const wrong = problem(component, names);
  if (wrong !== undefined) {
    console.error(`hack/faults: ${wrong}`);
    return 2;
  }
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => abort.abort());
  const down: Command = { argv: ['hack/down', `--name=${CLUSTER}`], timeoutMs: 3 * MINUTE };
  const up: Command = {
    argv: ['hack/up', `--name=${CLUSTER}`, '--nodes=1', `--kubelet=${values.kubelet}`],
    timeoutMs: 15 * MINUTE,
  };
  const paths = names.map((name) => join(folder, component ?? '', `${name}${SUFFIX}`));
  const onCluster = !NEED_NO_CLUSTER.has(component ?? '');
  const select = names.length === 0 ? [join(folder, component ?? '')] : ['--runTestsByPath', ...paths];
  const { passed, failed } = await runStage(
    {
      name: `faults of ${component}`,
      commands: [
        ...(values.keep || !onCluster ? [] : [down]),
        { argv: ['hack/build/build.ts'], timeoutMs: 5 * MINUTE },
        ...(onCluster ? [up] : []),
        {
          argv: ['node_modules/.bin/jest', '--config=test/faults/jest.config.cjs', ...select],
          timeoutMs: 120 * MINUTE,
          env: { TSK_E2E_CLUSTER: CLUSTER, TSK_FAULTS_SCALE: values.scale },
        },
      ],
      cleanUp:
        values.keep || !onCluster
          ? []
          : [down, { argv: ['hack/testing/nothing_left.ts', CLUSTER], timeoutMs: MINUTE }],
    },
    { repo, write: (text) => process.stdout.write(text), signal: abort.signal },
  );
  console.log(`\n${passed} commands passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

process.exitCode = await main();
