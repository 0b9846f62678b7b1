/** What pods use: memory and writable layers as the runtime says, logs and volumes as they lie on the disk. */
import { join } from 'node:path';
import type { Pod } from '../../api/types.ts';
import { errorCode } from '../../base/errors.ts';
import type { RuntimeClient } from '../../cri/runtime_client.ts';
import { type KubeletDirs, podDir } from '../contracts.ts';
import { CONTAINER_NAME_LABEL, podLogDirName, POD_UID_LABEL, podUid } from '../runtime/runtime_names.ts';
import { folderUsage } from '../server/stats/disk_usage.ts';
import type { ContainerUse, DiskUse, PodUse } from './usage.ts';

export interface PodUseReaderOptions {
  readonly cri: Pick<RuntimeClient, 'listContainerStats'>;
  readonly dirs: Pick<KubeletDirs, 'root' | 'podLogs'>;
  /** Tasks in the pod's cgroup. */
  readonly processes: (pod: Pod) => Promise<number | undefined>;
  /** Told of what could not be measured: the pod is taken to use nothing there, and the others are measured. */
  readonly onError: (error: unknown, pod: Pod) => void;
}

export interface PodUseRequest {
  /** Walks logs and volumes as well, which takes as long as they are large. */
  readonly disk: boolean;
  readonly signal: AbortSignal;
}

const TIMEOUT_MS = 30_000;

export async function readPodUse(
  pods: readonly Pod[],
  options: PodUseReaderOptions,
  { disk, signal }: PodUseRequest,
): Promise<readonly PodUse[]> {
  if (pods.length === 0) return [];
  const { stats } = await options.cri.listContainerStats({}, { signal, timeoutMs: TIMEOUT_MS });
  const byPod = Map.groupBy(stats, (entry) => entry.attributes?.labels[POD_UID_LABEL] ?? '');
  const found: PodUse[] = [];
  // One after the other: walks of many pods at once would take the disk from the pods.
  for (const pod of pods) {
    const uid = podUid(pod);
    const directoryUse = measuring((error) => options.onError(error, pod));
    const logs = join(options.dirs.podLogs, podLogDirName(refOf(pod)));
    const containers: ContainerUse[] = [];
    for (const entry of byPod.get(uid) ?? []) {
      const name = entry.attributes?.labels[CONTAINER_NAME_LABEL] ?? entry.attributes?.metadata?.name ?? '';
      const memory = entry.memory?.workingSetBytes?.value;
      const layer = entry.writableLayer;
      containers.push({
        name,
        memoryBytes: memory === undefined ? undefined : Number(memory),
        rootfs:
          layer === undefined
            ? undefined
            : {
                bytes: Number(layer.usedBytes?.value ?? 0n),
                inodes: Number(layer.inodesUsed?.value ?? 0n),
              },
        logs: disk ? await directoryUse(join(logs, name)) : undefined,
      });
    }
    found.push({
      pod,
      containers: merged(containers),
      volumes: disk ? await volumesOf(pod, podDir(options.dirs, uid), directoryUse) : new Map(),
      processes: await options.processes(pod),
    });
  }
  return found;
}

/** Dead incarnations keep their writable layer; memory is the living one's. */
function merged(containers: readonly ContainerUse[]): ContainerUse[] {
  return [...Map.groupBy(containers, ({ name }) => name).values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const sum = (read: (use: ContainerUse) => DiskUse | undefined): DiskUse | undefined => {
      const known = group.flatMap((use) => read(use) ?? []);
      if (known.length === 0) return undefined;
      return {
        bytes: known.reduce((total, { bytes }) => total + bytes, 0),
        inodes: known.reduce((total, { inodes }) => total + inodes, 0),
      };
    };
    const memory = group.flatMap(({ memoryBytes }) => memoryBytes ?? []);
    return [
      {
        name: first.name,
        memoryBytes: memory.length === 0 ? undefined : Math.max(...memory),
        rootfs: sum(({ rootfs }) => rootfs),
        // Logs of all incarnations lie in one directory.
        logs: first.logs,
      },
    ];
  });
}

/** Types that take room on the node's own disk (or, of emptyDir, in memory up to a limit of its own). */
const LOCAL = [
  ['emptyDir', 'kubernetes.io~empty-dir'],
  ['configMap', 'kubernetes.io~configmap'],
  ['downwardAPI', 'kubernetes.io~downward-api'],
  ['secret', 'kubernetes.io~secret'],
  ['projected', 'kubernetes.io~projected'],
] as const;

async function volumesOf(
  pod: Pod,
  dir: string,
  directoryUse: (path: string) => Promise<DiskUse>,
): Promise<ReadonlyMap<string, DiskUse>> {
  const found = new Map<string, DiskUse>();
  for (const volume of pod.spec.volumes ?? []) {
    const type = LOCAL.find(([field]) => volume[field] !== undefined);
    if (type === undefined || volume.emptyDir?.medium?.startsWith('HugePages') === true) continue;
    if (volume.emptyDir?.medium === 'Memory') continue; // tmpfs holds it to its limit
    found.set(volume.name, await directoryUse(join(dir, 'volumes', type[1], volume.name)));
  }
  return found;
}

/** A directory that is not there takes nothing; neither does one that cannot be walked, as far as is known. */
function measuring(onError: (error: unknown) => void): (path: string) => Promise<DiskUse> {
  return async (path) => {
    const { usedBytes: bytes, inodesUsed: inodes } = await folderUsage(path).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') onError(error);
      return { usedBytes: 0, inodesUsed: 0 };
    });
    return { bytes, inodes };
  };
}

function refOf(pod: Pod): { namespace: string; name: string; uid: string } {
  return { uid: podUid(pod), namespace: pod.metadata.namespace ?? 'default', name: pod.metadata.name };
}
