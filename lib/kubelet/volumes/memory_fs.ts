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
 * A tmpfs at `dir`, which is created; nothing happens when there is one already. What it holds is kept out of swap
 * where the kernel can do that. Its mode is the kernel's own for tmpfs, 1777.
 *
 * @param sizeBytes limit; 0: the kernel's own (half of memory)
 */
export async function mountTmpfs(dir: string, sizeBytes: number): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o755 });
  if (await isOwnFileSystem(dir)) return;
  const size = sizeBytes > 0 ? [`size=${sizeBytes}`] : [];
  const quiet = (await knowsNoswap()) ? ['noswap'] : [];
  try {
    mountFs('tmpfs', 'tmpfs', dir, 0, [...size, ...quiet].join(','));
  } catch (err) {
    // A kernel that lists the version but refuses the option, as in an unprivileged user namespace.
    if (quiet.length === 0 || !(err instanceof MountError) || err.code !== 'EINVAL') throw err;
    noswap = false;
    mountFs('tmpfs', 'tmpfs', dir, 0, size.join(','));
  }
}

/** A directory that containers of any user can use, whatever the umask; further bits (set-gid, sticky) stay. */
export async function makeOpenDirectory(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o777 });
  const { mode } = await stat(dir);
  if ((mode & 0o777) !== 0o777) await chmod(dir, (mode & 0o7777) | 0o777);
}
