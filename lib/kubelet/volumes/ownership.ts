import { constants } from 'node:fs';
import { chmod, lchown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from './remove_tree.ts';

/** `spec.securityContext.fsGroupChangePolicy`. */
export type ChangePolicy = 'Always' | 'OnRootMismatch';

const READ_WRITE = 0o660;
const READ_ONLY = 0o440;
const DIRECTORY_EXECUTE = 0o110;
const SET_GID = 0o2000;

/**
 * Gives a volume to the pod's fsGroup: everything in it belongs to the group, owner and group may read (and write,
 * unless the volume is read-only), and directories pass the group on (set-gid). The root is changed last, so that with
 * `OnRootMismatch` a root that is right means that all below was done.
 */
export async function setVolumeOwnership(
  root: string,
  gid: number,
  options: {
    readonly readOnly: boolean;
    readonly policy?: ChangePolicy | undefined;
    readonly signal?: AbortSignal;
  },
): Promise<void> {
  if (options.policy === 'OnRootMismatch' && (await rootMatches(root, gid, options.readOnly))) return;
  await applyBelow(root, gid, options.readOnly, options.signal);
  await applyTo(root, gid, options.readOnly);
}

/** Gives a directory itself, writable, to the group; nothing happens when it has it. */
export async function setDirectoryGroup(dir: string, gid: number): Promise<void> {
  if (!(await rootMatches(dir, gid, false))) await applyTo(dir, gid, false);
}

async function applyBelow(dir: string, gid: number, readOnly: boolean, signal?: AbortSignal): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    signal?.throwIfAborted();
    const path = join(dir, entry.name);
    try {
      if (entry.isDirectory()) await applyBelow(path, gid, readOnly, signal);
      await applyTo(path, gid, readOnly);
    } catch (err) {
      if (codeOf(err) !== 'ENOENT') throw err; // removed meanwhile
    }
  }
}

async function applyTo(path: string, gid: number, readOnly: boolean): Promise<void> {
  const stat = await lstat(path);
  await lchown(path, stat.uid, gid);
  if (stat.isSymbolicLink()) return;
  // chown clears the set-uid and set-gid bits of files; the mode from before is put back with it.
  await chmod(path, (stat.mode & 0o7777) | modeMask(stat.isDirectory(), readOnly));
}

async function rootMatches(root: string, gid: number, readOnly: boolean): Promise<boolean> {
  const stat = await lstat(root);
  const mask = modeMask(true, readOnly);
  return (
    stat.gid === gid && (stat.mode & mask) === mask && (stat.mode & constants.S_IFMT) === constants.S_IFDIR
  );
}

function modeMask(isDirectory: boolean, readOnly: boolean): number {
  return (readOnly ? READ_ONLY : READ_WRITE) | (isDirectory ? SET_GID | DIRECTORY_EXECUTE : 0);
}
