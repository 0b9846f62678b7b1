import { randomBytes } from 'node:crypto';
import { open, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorMessage } from './errors.ts';

/** A file could not be replaced; the one before it is untouched. */
export class AtomicWriteError extends Error {
  override readonly name = 'AtomicWriteError';
}

export interface AtomicWriteOptions {
  /** Permission bits of the new file, whatever the umask. Default 0o600. */
  readonly mode?: number;
}

/**
 * Replaces the contents of `path` so that readers, and the file system after a crash, see the old contents or the
 * new, never a part. Written beside the target (same file system), synced, renamed, and the folder synced.
 *
 * A symbolic link at `path` is replaced by the file. The folder must exist.
 *
 * Rejects with {@link AtomicWriteError}; nothing is left behind then.
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  options: AtomicWriteOptions = {},
): Promise<void> {
  const { mode = 0o600 } = options;
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(data);
      await file.chmod(mode); // the umask may have taken bits away
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (err) {
    await unlink(temporary).catch(() => undefined); // may never have come to exist
    throw new AtomicWriteError(`cannot write ${path}: ${errorMessage(err)}`, { cause: err });
  }
  try {
    await syncFolder(folder);
  } catch (err) {
    throw new AtomicWriteError(`wrote ${path} but cannot sync its folder: ${errorMessage(err)}`, {
      cause: err,
    });
  }
}

const LEFTOVER = /^\..+\.[0-9a-f]{12}\.tmp$/;

/**
 * Removes what writers that were killed in the middle left behind in these folders; to be called when nobody else writes
 * there. What cannot be removed stays: it does no harm. Resolves to the paths that were removed.
 */
export async function removeLeftovers(folders: readonly string[]): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const folder of folders) {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of entries.filter((found) => found.isFile() && LEFTOVER.test(found.name))) {
      const path = join(folder, entry.name);
      await unlink(path).then(
        () => removed.push(path),
        () => undefined,
      );
    }
  }
  return removed.sort();
}

// Makes the rename itself durable.
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
