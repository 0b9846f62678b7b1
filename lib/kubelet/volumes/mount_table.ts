import { readFile } from 'node:fs/promises';

/** One line of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export interface MountEntry {
  /** Unique while mounted. */
  readonly id: number;
  readonly parentId: number;
  /** `major:minor` of the file system. */
  readonly device: string;
  /** Path within the file system that is mounted. */
  readonly root: string;
  readonly mountPoint: string;
  readonly fsType: string;
  readonly source: string;
  /** Options of this mount, e.g. `rw`, `nosuid`. */
  readonly options: readonly string[];
  /** Options of the file system, e.g. `size=1024k`. */
  readonly superOptions: readonly string[];
}

/** Parses mountinfo; a line that is not one is left out (the kernel writes none). */
export function parseMountInfo(text: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split('\n')) {
    const [left = '', right = ''] = line.split(' - ', 2);
    const [id, parentId, device, root, mountPoint, options] = left.split(' ');
    const [fsType, source, superOptions] = right.split(' ');
    if (id === undefined || device === undefined || mountPoint === undefined || fsType === undefined)
      continue;
    entries.push({
      id: Number(id),
      parentId: Number(parentId),
      device,
      root: unescapeOctal(root ?? ''),
      mountPoint: unescapeOctal(mountPoint),
      fsType,
      source: unescapeOctal(source ?? ''),
      options: (options ?? '').split(','),
      superOptions: (superOptions ?? '').split(','),
    });
  }
  return entries;
}

/** The mounts of this process's mount namespace, in the order they were mounted. */
export async function readMountTable(): Promise<MountEntry[]> {
  return parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8'));
}

/**
 * Mounts at or below a path, the innermost and latest first: the order in which they can be taken down.
 *
 * @param path absolute, without symlinks
 */
export function mountsBelow(table: readonly MountEntry[], path: string): MountEntry[] {
  return table.filter((m) => m.mountPoint === path || m.mountPoint.startsWith(`${path}/`)).toReversed();
}

// Space, tab, newline and backslash are written as \ooo; the bytes may be parts of a UTF-8 character.
function unescapeOctal(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replaceAll(/\\([0-7]{3})/g, (_all, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
