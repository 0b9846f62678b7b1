/** What configMap, secret, downwardAPI and projected volumes share: a file system, and a payload written into it at once. */
import { mkdir } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import type { Pod } from '../../api/types.ts';
import { writePayload, type Payload } from './atomic_writer.ts';
import { makeOpenDirectory, mountTmpfs } from './memory_fs.ts';
import { setDirectoryGroup, setVolumeOwnership } from './ownership.ts';
import type { ReadyVolume, VolumeRequest } from './plugin.ts';
import { ObjectUnavailableError } from '../objects/object_cache.ts';

export interface ProjectionDeps {
  readonly clock: Pick<Clock, 'now'>;
  /** Upper bound of memory-backed volumes in bytes; see emptyDir. */
  readonly memoryBound: (pod: Pod) => number;
}

/** Writes the payload of a read-only volume and gives it to the fsGroup. */
export async function project(
  request: VolumeRequest,
  payload: Payload,
  medium: 'disk' | 'memory',
  deps: ProjectionDeps,
): Promise<ReadyVolume> {
  const { dir, fsGroup } = request;
  await mkdir(dir, { recursive: true, mode: 0o755 });
  if (medium === 'memory') await mountTmpfs(dir, deps.memoryBound(request.pod));
  await makeOpenDirectory(dir);
  // The directory is the group's as well, and passes it on to the links in it.
  if (fsGroup !== undefined) await setDirectoryGroup(dir, fsGroup);
  await writePayload(dir, payload, deps.clock, async (dataDir) => {
    if (fsGroup !== undefined)
      await setVolumeOwnership(dataDir, fsGroup, { readOnly: true, signal: request.signal });
  });
  return { hostPath: dir, readOnly: true };
}

/** The object, or `undefined` when it is missing and optional. */
export async function optionally<T>(optional: boolean | undefined, read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (err) {
    if (optional === true && err instanceof ObjectUnavailableError && err.notFound) return undefined;
    throw err;
  }
}

/** API default of `defaultMode`. */
export const DEFAULT_MODE = 0o644;
