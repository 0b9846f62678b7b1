import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../base/errors.ts';
import type { DiskUse } from './usage.ts';

const BLOCK = 512;

/**
 * What a directory takes on its file system, as du counts it: blocks and inodes, files with several names once, nothing
 * behind symlinks or of other file systems mounted below. A directory that is not there takes nothing.
 */
export async function directoryUse(path: string, signal?: AbortSignal): Promise<DiskUse> {
  let root;
  try {
    root = await lstat(path, { bigint: true });
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { bytes: 0, inodes: 0 };
    throw error;
  }
  const seen = new Set<bigint>([root.ino]);
  let blocks = root.blocks;
  const pending = root.isDirectory() ? [path] : [];
  for (let dir = pending.pop(); dir !== undefined; dir = pending.pop()) {
    signal?.throwIfAborted();
    // What is removed while it is counted does not count.
    const entries = await opendir(dir).catch(ignoreGone);
    if (entries === undefined) continue;
    for await (const entry of entries) {
      const child = join(dir, entry.name);
      const found = await lstat(child, { bigint: true }).catch(ignoreGone);
      if (found === undefined || found.dev !== root.dev || seen.has(found.ino)) continue;
      seen.add(found.ino);
      blocks += found.blocks;
      if (found.isDirectory()) pending.push(child);
    }
  }
  return { bytes: Number(blocks) * BLOCK, inodes: seen.size };
}

function ignoreGone(error: unknown): undefined {
  if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
  throw error;
}
