/** hack/test-vm: see --help. */
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { mkdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { installPackages, locate } from '../cluster/packages.ts';
import { rootsFrom } from '../cluster/paths.ts';
import { run } from '../cluster/program.ts';
import { createProgress } from '../cluster/progress.ts';
import { obtainStock } from '../cluster/stock_programs.ts';
import { ConsoleReader } from './console.ts';
import { ensureImage } from './image.ts';
import { rootDisk, runMachine } from './machine.ts';
import { IMAGES, payload, STOCK } from './payload.ts';

const USAGE = `usage: hack/test-vm [flags]
Boots Debian with systemd and cgroup v2 twice in a virtual machine (software emulation, no network) with etcd, kube-apiserver
and ts-kubelet as units, and checks what an ordinary machine of development cannot show. Ends by "N passed, N failed".
  --verbose     print the machine's console
  --shell FILE  a shell of the machine at the Unix socket FILE (socat -,raw,echo=0 UNIX:FILE)
  --help`;
const REQUIREMENTS = [
  { program: 'qemu-system-x86_64', packages: ['qemu-system-x86'] },
  { program: 'qemu-img', packages: ['qemu-utils'] },
  { program: 'debootstrap', packages: ['debootstrap'] },
  { program: 'mke2fs', packages: ['e2fsprogs'] },
];
const BOOTS = [1, 2];
/** For both boots; a machine of its own needs a third of it. */
const TIMEOUT_MS = 40 * 60_000;
/** The image, and what a run writes. */
const DISK_BYTES = 4 * 1024 ** 3;

async function main(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      verbose: { type: 'boolean', default: false },
      shell: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const began = performance.now();
  const repo = path.resolve(import.meta.dirname, '../..');
  const { cache } = rootsFrom(process.env);
  const progress = createProgress((line) => console.log(line));
  mkdirSync(cache, { recursive: true });
  for (const dir of [cache, os.tmpdir()]) await expectRoom(dir);
  const missing = REQUIREMENTS.filter(({ program }) => locate(program) === undefined);
  if (missing.length > 0) await installPackages(missing, progress, signal);
  await obtainStock(STOCK, { repo, cache, download: false, progress, signal });
  await progress.step('building ours', () =>
    run([process.execPath, 'hack/build/build.ts'], { cwd: repo, signal }),
  );
  await progress.step('images', () =>
    run([process.execPath, 'hack/images/main.ts', ...IMAGES], { cwd: repo, signal, timeoutMs: 600_000 }),
  );
  const image = await ensureImage(cache, progress, signal);
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'tsk-vm-'));
  const reader = new ConsoleReader();
  const lines: string[] = [];
  let problem: string | undefined;
  try {
    const payloadDisk = path.join(scratch, 'payload.ext4');
    await progress.step('payload disk', () => payload(repo, cache, scratch, payloadDisk, signal));
    const root = await rootDisk(image, scratch);
    const deadline = performance.now() + TIMEOUT_MS;
    for (const boot of BOOTS) {
      await progress.step(`boot ${boot}`, (detail) =>
        runMachine({
          image,
          rootDisk: root,
          payloadDisk,
          ...(values.shell === undefined ? {} : { shell: values.shell }),
          memoryMiB: 3072,
          cores: 1,
          timeoutMs: deadline - performance.now(),
          signal,
          onLine: (line) => {
            lines.push(line);
            const said = reader.take(line);
            if (said !== undefined) detail(said);
            if (values.verbose) console.log(line);
            else if (said !== undefined) progress.note(said);
          },
        }),
      );
      if (!reader.outcome.boots.includes(boot)) throw new Error(`boot ${boot} ended before its checks had`);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    problem = error instanceof Error ? error.message : String(error);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  const { passed, failed } = reader.outcome;
  if ((problem !== undefined || failed.length > 0) && !values.verbose)
    console.log(lines.slice(-300).join('\n'));
  for (const one of failed) console.log(`failed: ${one}`);
  if (problem !== undefined) console.log(`failed: ${problem}`);
  const failures = failed.length + (problem === undefined ? 0 : 1);
  console.log(
    `\n${passed} passed, ${failures} failed in ${((performance.now() - began) / 60_000).toFixed(1)} min`,
  );
  return failures === 0 && passed > 0 ? 0 : 1;
}

async function expectRoom(dir: string): Promise<void> {
  const { bavail, bsize } = await statfs(dir);
  if (bavail * bsize < DISK_BYTES)
    throw new Error(
      `${dir}: ${Math.floor((bavail * bsize) / 1024 ** 2)} MiB are free, want ${DISK_BYTES / 1024 ** 2} for the machine's disks`,
    );
}

const abort = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => abort.abort());
try {
  process.exitCode = await main(process.argv.slice(2), abort.signal);
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  console.error(`hack/test-vm: ${abort.signal.aborted ? 'interrupted; nothing is left behind' : message}`);
  process.exitCode = abort.signal.aborted ? 130 : 1;
}
