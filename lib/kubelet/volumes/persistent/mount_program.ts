/** Mounts that go through the machine's mount program: network file systems, and devices whose type it finds out. */
import { mkdir, realpath } from 'node:fs/promises';
import { run } from '../../../base/subprocess.ts';
import { readMountTable } from '../mount_table.ts';

/** What the mount program may take: a server that does not answer must not hold a pod for ever. */
const TIMEOUT_MS = 2 * 60_000;

export interface MountSpec {
  /** Empty: the program finds out. */
  readonly type: string;
  readonly source: string;
  readonly dir: string;
  readonly options: readonly string[];
  readonly signal: AbortSignal;
}

/** Mounts, unless something is mounted there already. Resolves to whether it did. @throws SubprocessError with what the program says */
export async function mountOnce(spec: MountSpec): Promise<boolean> {
  await mkdir(spec.dir, { recursive: true, mode: 0o750 });
  if (await isMounted(spec.dir)) return false;
  await run(
    [
      'mount',
      ...(spec.type === '' ? [] : ['-t', spec.type]),
      ...(spec.options.length === 0 ? [] : ['-o', spec.options.join(',')]),
      '--',
      spec.source,
      spec.dir,
    ],
    { timeoutMs: TIMEOUT_MS, signal: spec.signal, check: true },
  );
  return true;
}

/** Takes down the mount at `dir` through the umount program, which may be killed when a server does not answer. */
export async function unmountByProgram(dir: string): Promise<void> {
  if (!(await isMounted(dir))) return;
  await run(['umount', '--', dir], { timeoutMs: TIMEOUT_MS, check: true });
}

export async function isMounted(dir: string): Promise<boolean> {
  const path = await realpath(dir).catch(() => dir);
  return (await readMountTable()).some(({ mountPoint }) => mountPoint === path);
}
