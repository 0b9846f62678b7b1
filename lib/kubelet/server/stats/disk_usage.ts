/** What folders take of their file system: found out by walking them, one at a time, and remembered for a while. */
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../../base/clock.ts';

export interface FolderUsage {
  /** Blocks that are allocated, each file counted once however many links it has. */
  readonly usedBytes: number;
  /** Files and folders, the folder itself included. */
  readonly inodesUsed: number;
}

/** Walks below `path`, not into other file systems. Files that go away meanwhile do not count. */
export async function folderUsage(path: string): Promise<FolderUsage> {
  const top = await lstat(path);
  const linked = new Set<number>();
  let [usedBytes, inodesUsed] = [0, 0];
  const folders: string[] = [];
  const count = (entry: Awaited<ReturnType<typeof lstat>>): void => {
    if (entry.nlink !== 1 && !entry.isDirectory()) {
      if (linked.has(Number(entry.ino))) return;
      linked.add(Number(entry.ino));
    }
    usedBytes += Number(entry.blocks) * 512;
    inodesUsed += 1;
  };
  count(top);
  if (top.isDirectory()) folders.push(path);
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await opendir(folder).catch(() => undefined);
    if (entries === undefined) continue;
    try {
      for await (const { name } of entries) {
        const entry = await lstat(join(folder, name)).catch(() => undefined);
        if (entry === undefined || entry.dev !== top.dev) continue;
        count(entry);
        if (entry.isDirectory()) folders.push(join(folder, name));
      }
    } catch {
      // The folder went away while it was read: what was counted of it stands.
    }
  }
  return { usedBytes, inodesUsed };
}

interface Known {
  readonly atMs: number;
  readonly usage: FolderUsage | undefined;
  seen: boolean;
}

/** Remembers usages, and walks anew (after one another, so as not to keep the disk busy) those that have become old. */
export class DiskUsage {
  readonly #clock: Clock;
  readonly #maxAgeMs: number;
  readonly #walk: (path: string) => Promise<FolderUsage>;
  readonly #known = new Map<string, Known>();
  readonly #walking = new Map<string, Promise<FolderUsage | undefined>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: { clock: Clock; maxAgeMs: number; walk?: (path: string) => Promise<FolderUsage> }) {
    this.#clock = options.clock;
    this.#maxAgeMs = options.maxAgeMs;
    this.#walk = options.walk ?? folderUsage;
  }

  /** The last figures, however old; waits only where there are none. Undefined for a folder that is not there. */
  async of(path: string): Promise<FolderUsage | undefined> {
    const known = this.#known.get(path);
    if (known !== undefined) known.seen = true;
    const fresh = known !== undefined && this.#clock.monotonic() - known.atMs < this.#maxAgeMs;
    if (fresh) return known.usage;
    const walk = this.#walking.get(path) ?? this.#begin(path);
    return known === undefined ? walk : known.usage;
  }

  /** Drops what was not asked about since the last call. */
  forgetUnseen(): void {
    for (const [path, known] of this.#known) {
      if (!known.seen) this.#known.delete(path);
      known.seen = false;
    }
  }

  #begin(path: string): Promise<FolderUsage | undefined> {
    const walk = this.#last.then(async () => {
      const usage = await this.#walk(path).catch(() => undefined);
      this.#known.set(path, { atMs: this.#clock.monotonic(), usage, seen: true });
      this.#walking.delete(path);
      return usage;
    });
    this.#walking.set(path, walk);
    this.#last = walk;
    return walk;
  }
}
