/** Finds what is left of pods that no source names: in the runtime, on disk, in the cgroups. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeletDirs, PodRef, RuntimeView } from '../contracts.ts';
import type { PodCgroups } from '../cgroups/pod_cgroups.ts';
import type { ContainerLogsDir } from '../runtime/container_logs_dir.ts';

export interface OrphansOptions {
  readonly dirs: KubeletDirs;
  readonly runtime: RuntimeView;
  readonly cgroups: PodCgroups;
  readonly logs: ContainerLogsDir;
  /** Whether some source names the pod or a worker looks after it. */
  readonly known: (uid: string) => boolean;
}

/** One entry per pod of which something is left. */
export async function findOrphans(options: OrphansOptions): Promise<readonly PodRef[]> {
  const { cgroups, dirs, known, logs, runtime } = options;
  const found = new Map<string, PodRef>();
  const note = (ref: PodRef): void => {
    if (!known(ref.uid) && !found.has(ref.uid)) found.set(ref.uid, ref);
  };
  for (const { uid, namespace, name } of runtime.pods()) note({ uid, namespace, name });
  for (const ref of await logs.pods()) note(ref);
  const directories = await readdir(join(dirs.root, 'pods')).catch(() => []);
  const uids = [...directories.filter((name) => /^[A-Za-z0-9-]+$/.test(name)), ...(await cgroups.pods())];
  for (const uid of uids) note({ uid, namespace: '', name: uid });
  return [...found.values()];
}
