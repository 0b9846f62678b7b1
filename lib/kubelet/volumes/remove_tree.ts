import type { Stats } from 'node:fs';
import { constants } from 'node:fs';
import { lstat, open, readdir, readFile, rmdir, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

/** A directory could not be removed because something is mounted in it. Nothing behind the mount was touched. */
export class MountedError extends Error {
  override readonly name = 'MountedError';
}

/**
 * Removes a directory with everything in it, but never anything behind a mount point or a symlink, whatever other
 * processes do to the tree meanwhile: every directory is opened without following links, is compared by mount id with
 * its parent, and is then addressed by its descriptor alone. A path that does not exist is fine.
 *
 * @throws MountedError naming the mount point
 */
export async function removeTree(path: string): Promise<void> {
  const stat = await lstatOrUndefined(path);
  if (stat === undefined) return;
  if (!stat.isDirectory()) {
    await unlink(path);
    return;
  }
  const slash = path.lastIndexOf('/');
  const parent = await openDirectory(path.slice(0, slash) || '/');
  try {
    await removeDirectory(parent, path.slice(slash + 1), path, await mountId(parent));
  } finally {
    await parent.close();
  }
}

async function removeDirectory(
  parent: FileHandle,
  name: string,
  shown: string,
  mount: string,
): Promise<void> {
  const at = `/proc/self/fd/${parent.fd}/${name}`;
  const dir = await openDirectory(at);
  try {
    if ((await mountId(dir)) !== mount) throw new MountedError(`${shown} is a mount point`);
    const base = `/proc/self/fd/${dir.fd}`;
    for (const entry of await readdir(base, { withFileTypes: true })) {
      if (entry.isDirectory()) await removeDirectory(dir, entry.name, `${shown}/${entry.name}`, mount);
      else await removeFile(`${base}/${entry.name}`, `${shown}/${entry.name}`);
    }
  } finally {
    await dir.close();
  }
  try {
    await rmdir(at);
  } catch (err) {
    if (codeOf(err) === 'EBUSY') throw new MountedError(`${shown} is a mount point`, { cause: err });
    if (codeOf(err) !== 'ENOENT') throw err;
  }
}

async function removeFile(path: string, shown: string): Promise<void> {
  try {
    await unlink(path);
  } catch (err) {
    if (codeOf(err) === 'EBUSY') throw new MountedError(`${shown} is a mount point`, { cause: err });
    if (codeOf(err) !== 'ENOENT') throw err;
  }
}

function openDirectory(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
}

/** Which mount a descriptor is on: bind mounts of the same file system differ in this alone. */
async function mountId(handle: FileHandle): Promise<string> {
  const info = await readFile(`/proc/self/fdinfo/${handle.fd}`, 'utf8');
  const id = /^mnt_id:\s*(\d+)$/m.exec(info)?.[1];
  if (id === undefined) throw new Error('the kernel tells no mount id in /proc/self/fdinfo');
  return id;
}

/** `lstat`, or `undefined` when there is nothing of that name. */
export async function lstatOrUndefined(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (err) {
    if (codeOf(err) === 'ENOENT' || codeOf(err) === 'ENOTDIR') return undefined;
    throw err;
  }
}

/** The symbolic errno of a failed file system call. */
export function codeOf(err: unknown): string | undefined {
  // Not `instanceof Error`: errors of node's own modules may come from another realm.
  if (typeof err !== 'object' || err === null || !('code' in err)) return undefined;
  return typeof err.code === 'string' ? err.code : undefined;
}
