import { chmod, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MountError, mountFs } from './kernel.ts';

/** Whether something is mounted right at `dir`. Sees file systems, not bind mounts of the same one. */
export async function isOwnFileSystem(dir: string): Promise<boolean> {
  const [own, parent] = await Promise.all([stat(dir), stat(dirname(dir))]);
  return own.dev !== parent.dev;
}

let noswap: boolean | undefined;

/** Whether tmpfs knows `noswap` (Linux 6.4), without which secrets may reach the swap device. */
async function knowsNoswap(): Promise<boolean> {
  if (noswap === undefined) {
    const [major = 0, minor = 0] = (await readFile('/proc/sys/kernel/osrelease', 'utf8'))
      .split('.')
      .map(Number);
    noswap = major > 6 || (major === 6 && minor >= 4);
  }
  return noswap;
}

/**
 * A tmpfs at `dir`, which is created; nothing happens when there is one already.
 *
 * @param options.sizeBytes limit; left out or 0: the kernel's own (half of memory)
 * @param options.keepFromSwap ask for `noswap` where the kernel has it
 */
export async function mountTmpfs(
  dir: string,
  options: { readonly sizeBytes?: number | undefined; readonly keepFromSwap?: boolean },
): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o755 });
  if (await isOwnFileSystem(dir)) return;
  const size = options.sizeBytes !== undefined && options.sizeBytes > 0 ? [`size=${options.sizeBytes}`] : [];
  const quiet = options.keepFromSwap === true && (await knowsNoswap()) ? ['noswap'] : [];
  try {
    mountFs('tmpfs', 'tmpfs', dir, 0, [...size, ...quiet, 'mode=0777'].join(','));
  } catch (err) {
    // A kernel that lists the version but refuses the option, as in an unprivileged user namespace.
    if (quiet.length === 0 || !(err instanceof MountError) || err.code !== 'EINVAL') throw err;
    noswap = false;
    mountFs('tmpfs', 'tmpfs', dir, 0, [...size, 'mode=0777'].join(','));
  }
}

/** A directory for a disk-backed volume, 0777 as containers of any user must be able to use it. */
export async function makeOpenDirectory(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o777 });
  await chmod(dir, 0o777);
}
