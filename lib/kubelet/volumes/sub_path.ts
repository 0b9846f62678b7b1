/**
 * Sub-paths of volumes, bound so that no symlink a container plants in its volume, at whatever moment, can lead out of
 * it: the path is opened component by component without following links, and what is bound is the open descriptor.
 */
import { constants } from 'node:fs';
import { chmod, mkdir, open, readlink, realpath, rmdir, unlink, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bindMount, unmount } from './kernel.ts';
import { mountsBelow, readMountTable } from './mount_table.ts';
import { codeOf, lstatOrUndefined } from './remove_tree.ts';

/** A subPath leads out of its volume or through a symlink that appeared meanwhile. */
export class SubPathError extends Error {
  override readonly name = 'SubPathError';
}

/** O_PATH (open(2)), which node:fs does not name: a descriptor that only stands for a place. */
const O_PATH = 0o10000000;

/** @throws SubPathError for absolute paths and for `..` elements, worded as users know it */
export function validateSubPath(subPath: string): void {
  if (subPath.startsWith('/'))
    throw new SubPathError(`error SubPath \`${subPath}\` must not be an absolute path`);
  if (subPath.split('/').includes('..')) {
    throw new SubPathError(`unable to provision SubPath \`${subPath}\`: must not contain '..'`);
  }
  if (subPath.includes('\0')) throw new SubPathError('unable to provision SubPath: must not contain NUL');
}

/**
 * Creates `subPath` (directories only) below the volume where it does not exist, with the permissions of the volume's
 * root. Symlinks inside the volume are followed as long as they stay in it.
 *
 * @throws SubPathError
 */
export async function makeSubPath(volumeRoot: string, subPath: string): Promise<void> {
  const root = await realpath(volumeRoot);
  const parts = elements(subPath);
  let existing = parts.length;
  let base: string | undefined;
  while (base === undefined) {
    base = await realpathOrUndefined(join(root, ...parts.slice(0, existing)));
    if (base === undefined) existing--;
  }
  const missing = parts.slice(existing);
  if (missing.length === 0) return;
  const perm = (await lstatOrUndefined(root))?.mode ?? 0o755;
  let dir = await openBelow(root, base);
  try {
    for (const name of missing) {
      const at = `/proc/self/fd/${dir.fd}/${name}`;
      try {
        await mkdir(at, { mode: perm & 0o7777 });
      } catch (err) {
        if (codeOf(err) !== 'EEXIST') throw err;
      }
      const next = await openElement(dir, name, join(base, name));
      await dir.close();
      dir = next;
      if (!(await dir.stat()).isDirectory()) throw new SubPathError(`${join(base, name)} is not a directory`);
      await chmod(`/proc/self/fd/${dir.fd}`, perm & 0o7777); // whatever the umask
    }
  } finally {
    await dir.close();
  }
}

/**
 * Binds `volumeRoot/subPath`, which must exist, to `target`, replacing what an earlier container had there.
 *
 * @throws SubPathError
 */
export async function bindSubPath(volumeRoot: string, subPath: string, target: string): Promise<void> {
  const handle = await openWithin(volumeRoot, subPath);
  try {
    await prepareTarget(target, (await handle.stat()).isDirectory());
    bindMount(`/proc/self/fd/${handle.fd}`, target);
  } finally {
    await handle.close();
  }
}

/**
 * Opens (O_PATH) what `subPath` names within the volume; symlinks are resolved once and then followed no more.
 *
 * @throws SubPathError when it lies outside
 */
export async function openWithin(volumeRoot: string, subPath: string): Promise<FileHandle> {
  const root = await realpath(volumeRoot);
  const handle = await openBelow(root, await realpath(join(root, ...elements(subPath))));
  // A directory on the way may have been moved out of the volume while it was walked.
  if (!isWithin(root, await readlink(`/proc/self/fd/${handle.fd}`))) {
    await handle.close();
    throw new SubPathError(`subpath "${subPath}" not within volume path "${volumeRoot}"`);
  }
  return handle;
}

/** An empty directory or file at `target`, nothing mounted on it. */
async function prepareTarget(target: string, directory: boolean): Promise<void> {
  await mkdir(dirname(target), { recursive: true, mode: 0o750 });
  const real = join(await realpath(dirname(target)), target.slice(target.lastIndexOf('/') + 1));
  for (const mount of mountsBelow(await readMountTable(), real)) unmount(mount.mountPoint);
  const found = await lstatOrUndefined(target);
  if (found !== undefined && found.isDirectory() === directory) return;
  if (found?.isDirectory() === true) await rmdir(target);
  else if (found !== undefined) await unlink(target);
  if (directory) await mkdir(target, { mode: 0o750 });
  else await writeFile(target, '', { mode: 0o640, flag: 'wx' });
}

/** Opens `path`, which was resolved before, following no link on the way from `root`. */
async function openBelow(root: string, path: string): Promise<FileHandle> {
  if (!isWithin(root, path)) throw new SubPathError(`subpath "${path}" not within volume path "${root}"`);
  let handle = await open(root, O_PATH | constants.O_NOFOLLOW);
  let shown = root;
  try {
    for (const name of elements(path.slice(root === '/' ? 0 : root.length))) {
      shown = join(shown, name);
      const next = await openElement(handle, name, shown);
      await handle.close();
      handle = next;
    }
    return handle;
  } catch (err) {
    await handle.close();
    throw err;
  }
}

async function openElement(dir: FileHandle, name: string, shown: string): Promise<FileHandle> {
  const handle = await open(`/proc/self/fd/${dir.fd}/${name}`, O_PATH | constants.O_NOFOLLOW);
  const stat = await handle.stat();
  if (stat.isSymbolicLink()) {
    await handle.close();
    throw new SubPathError(`unexpected symlink found ${shown}`);
  }
  return handle;
}

function elements(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function isWithin(root: string, path: string): boolean {
  return root === '/' || path === root || path.startsWith(`${root}/`);
}

async function realpathOrUndefined(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (err) {
    if (codeOf(err) === 'ENOENT') return undefined;
    throw err;
  }
}
