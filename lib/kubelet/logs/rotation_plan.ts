/** Which files of a container's log directory go, and which are compressed, before its log is rotated. Pure. */

/** What to do with the files beside a log. Names, not paths. */
export interface RotationPlan {
  /** Left behind by a rotation that was cut short, or more than may be kept. */
  readonly remove: readonly string[];
  /** Rotated by an earlier round and not compressed yet, oldest first. */
  readonly compress: readonly string[];
}

const COMPRESSED = '.gz';
const TEMPORARY = '.tmp';

/** The newest rotated file is not compressed until the next rotation, so that who reads it can finish. */
export function compressedName(name: string): string {
  return `${name}${COMPRESSED}`;
}

/** Where a compressed file grows until it is complete. */
export function temporaryName(name: string): string {
  return `${name}${TEMPORARY}`;
}

/** `0.log` and a time to `0.log.20060102-150405`, as stock names rotated logs: names sort by age. */
export function rotatedName(logName: string, nowMs: number): string {
  const at = new Date(nowMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`;
  return `${logName}.${day}-${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}`;
}

/**
 * @param names all files of the directory
 * @param logName the log that is written to (`0.log`)
 * @param maxFiles files to keep per container, the log itself and the one that it is about to become included
 */
export function rotationPlan(names: readonly string[], logName: string, maxFiles: number): RotationPlan {
  const rotated = names.filter((name) => name.startsWith(`${logName}.`)).sort();
  const remove: string[] = [];
  const inUse: string[] = [];
  for (const name of rotated) {
    // Both forms of one file: it was compressed and then could not be removed.
    const replaced = rotated.includes(compressedName(name));
    if (name.endsWith(TEMPORARY) || replaced) remove.push(name);
    else inUse.push(name);
  }
  const excess = Math.max(0, inUse.length - Math.max(0, maxFiles - 2));
  remove.push(...inUse.slice(0, excess));
  return { remove, compress: inUse.slice(excess).filter((name) => !name.endsWith(COMPRESSED)) };
}
