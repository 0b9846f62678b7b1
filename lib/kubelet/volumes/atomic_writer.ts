/**
 * Writes a set of files so that a reader sees either all of the old or all of the new ones: the files live in a new
 * directory named by the time, the symlink `..data` is swapped to it by rename, and the names that users see are
 * symlinks through `..data`. The layout is interface: programs watch `..data`.
 */
import { randomBytes } from 'node:crypto';
import {
  chmod,
  lchown,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  stat,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { codeOf, removeTree } from './remove_tree.ts';

/** A file to project. */
export interface ProjectedFile {
  readonly data: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
  /** Owner; left out: root. */
  readonly uid?: number | undefined;
}

/** Files by relative path. */
export type Payload = ReadonlyMap<string, ProjectedFile>;

/** A path that would leave the volume or collide with the writer's own names. */
export class PayloadPathError extends Error {
  override readonly name = 'PayloadPathError';
}

const DATA = '..data';
const NEW_DATA = '..data_tmp';
const MAX_NAME_BYTES = 255;
const MAX_PATH_BYTES = 4096;

/** @throws PayloadPathError unless the path is relative, stays below and does not begin with `..` */
export function validatePayloadPath(path: string): void {
  const fail = (why: string): never => {
    throw new PayloadPathError(`invalid path: ${why}: ${JSON.stringify(path)}`);
  };
  if (path === '') fail('must not be empty');
  if (path.startsWith('/')) fail('must be relative path');
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    fail(`must be less than or equal to ${MAX_PATH_BYTES} characters`);
  if (path.includes('\0')) fail('must not contain a NUL character');
  const parts = path.split('/');
  for (const part of parts) {
    if (part === '..') fail("must not contain '..'");
    if (part === '' || part === '.') fail("must not contain empty or '.' elements");
    if (Buffer.byteLength(part) > MAX_NAME_BYTES)
      fail(`filenames must be less than or equal to ${MAX_NAME_BYTES} characters`);
  }
  if (parts[0]?.startsWith('..') === true) fail("must not start with '..'");
}

/**
 * Brings `dir` to show exactly `payload`. Nothing is written when it does already. A crash at any moment leaves either
 * the old or the new state; leftovers are removed by the next call that writes.
 *
 * @param finish called with the new directory before it is swapped in (ownership)
 * @returns whether anything changed
 */
export async function writePayload(
  dir: string,
  payload: Payload,
  clock: Pick<Clock, 'now'>,
  finish?: (dataDir: string) => Promise<void>,
): Promise<boolean> {
  for (const path of payload.keys()) validatePayloadPath(path);
  const current = await currentDataDir(dir);
  if (current !== undefined && (await isSame(join(dir, current), payload))) {
    // A crash may have come between the swap and the links.
    await linkNames(dir, payload);
    await removeStale(dir, payload, current);
    return false;
  }
  const name = dataDirName(clock.now());
  const dataDir = join(dir, name);
  try {
    await writeAll(dataDir, payload);
    await finish?.(dataDir);
    const temporary = join(dir, NEW_DATA);
    await unlinkIfThere(temporary);
    await symlink(name, temporary);
    await rename(temporary, join(dir, DATA));
  } catch (err) {
    // Tried again and again on a full disk, the leftovers would only add up.
    await removeTree(dataDir);
    throw err;
  }
  await linkNames(dir, payload);
  await removeStale(dir, payload, name);
  return true;
}

async function writeAll(dataDir: string, payload: Payload): Promise<void> {
  await mkdir(dataDir, { mode: 0o755 });
  await chmod(dataDir, 0o755); // whatever the umask
  const made = new Set<string>();
  for (const [path, file] of payload) {
    await makeParents(dataDir, path, made);
    await writeOne(join(dataDir, path), file);
  }
}

async function writeOne(path: string, file: ProjectedFile): Promise<void> {
  // Created closed to others; opened up only when its owner is set.
  await writeFile(path, file.data, { mode: 0o600, flag: 'wx' });
  if (file.uid !== undefined) await lchown(path, file.uid, (await stat(path)).gid);
  await chmod(path, file.mode & 0o7777);
}

async function makeParents(dataDir: string, path: string, made: Set<string>): Promise<void> {
  const parent = dirname(path);
  if (parent === '.' || made.has(parent)) return;
  await makeParents(dataDir, parent, made);
  await mkdir(join(dataDir, parent), { mode: 0o755 });
  await chmod(join(dataDir, parent), 0o755);
  made.add(parent);
}

async function currentDataDir(dir: string): Promise<string | undefined> {
  try {
    return await readlink(join(dir, DATA));
  } catch (err) {
    if (codeOf(err) === 'ENOENT') return undefined;
    throw err;
  }
}

async function isSame(dataDir: string, payload: Payload): Promise<boolean> {
  let found: string[];
  try {
    found = await filesBelow(dataDir);
  } catch (err) {
    if (codeOf(err) === 'ENOENT') return false;
    throw err;
  }
  if (found.length !== payload.size) return false;
  for (const path of found) {
    const file = payload.get(path);
    if (file === undefined) return false;
    const at = join(dataDir, path);
    // fsGroup may have added read permission for owner and group.
    const { mode, uid } = await stat(at);
    if (((mode ^ file.mode) & 0o7777 & ~0o440) !== 0) return false;
    if (file.uid !== undefined && uid !== file.uid) return false;
    if (!(await readFile(at)).equals(file.data)) return false;
  }
  return true;
}

async function filesBelow(dir: string, prefix = ''): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(join(dir, prefix), { withFileTypes: true })) {
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await filesBelow(dir, path)));
    else found.push(path);
  }
  return found;
}

const topOf = (path: string): string => path.split('/', 1)[0] ?? path;

async function linkNames(dir: string, payload: Payload): Promise<void> {
  for (const name of new Set(Array.from(payload.keys(), topOf))) {
    const target = `${DATA}/${name}`;
    const at = join(dir, name);
    try {
      await symlink(target, at);
    } catch (err) {
      if (codeOf(err) !== 'EEXIST') throw err;
      if ((await readlinkOrUndefined(at)) === target) continue;
      await removeTree(at);
      await symlink(target, at);
    }
  }
}

/** Names that are projected no more, and data directories but the current one. */
async function removeStale(dir: string, payload: Payload, current: string): Promise<void> {
  const keep = new Set(Array.from(payload.keys(), topOf));
  for (const name of await readdir(dir)) {
    if (name === DATA || name === current || keep.has(name)) continue;
    await removeTree(join(dir, name));
  }
}

async function readlinkOrUndefined(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (err) {
    if (codeOf(err) === 'EINVAL') return undefined; // not a symlink
    throw err;
  }
}

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (err) {
    if (codeOf(err) !== 'ENOENT') throw err;
  }
}

function dataDirName(nowMs: number): string {
  const at = new Date(nowMs).toISOString(); // 2026-11-21T05:36:15.123Z
  return `..${at.slice(0, 19).replaceAll(/[-T:]/g, '_')}.${randomBytes(5).readUIntBE(0, 5).toString().padStart(10, '0').slice(-10)}`;
}
