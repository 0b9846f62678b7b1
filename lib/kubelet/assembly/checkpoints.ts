/** Checkpoints of running containers (KEP-2008): archives below the root folder, written by the runtime. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import type { RuntimeClient } from '../../cri/runtime_client.ts';
import type { KubeletDirs } from '../contracts.ts';
import type { KubeletView } from '../server/view.ts';

/** Memory of the container is written to disk, which takes its time. */
const TIMEOUT_MS = 15 * 60_000;

/** Resolves to the archive's path; rejects with `CriError`, `UNIMPLEMENTED` where the runtime cannot. */
export function checkpointer(options: {
  readonly cri: Pick<RuntimeClient, 'checkpointContainer'>;
  readonly dirs: Pick<KubeletDirs, 'root'>;
  readonly clock: Clock;
}): NonNullable<KubeletView['checkpoint']> {
  return async ({ namespace, name }, containerName, containerId, signal) => {
    const dir = join(options.dirs.root, 'checkpoints');
    // What a process had in memory is for nobody else to read.
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const at = new Date(options.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
    const location = join(dir, `checkpoint-${name}_${namespace}-${containerName}-${at}.tar`);
    await options.cri.checkpointContainer({ containerId, location }, { signal, timeoutMs: TIMEOUT_MS });
    return location;
  };
}
