/** What a pod takes on the node's disk: container layers, logs, volumes, and the few files that the kubelet writes. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../../api/types.ts';
import { podDir, type KubeletDirs } from '../../contracts.ts';
import { podLogDirName } from '../../runtime/runtime_names.ts';
import { claimNameOf } from '../../volumes/persistent/claim.ts';
import type { ContainerStats, FsStats, PodStats } from '../summary.ts';
import type { DiskUsage, FolderUsage } from './disk_usage.ts';
import { fileSystemStats } from './machine_stats.ts';

export interface PodDiskOptions {
  readonly dirs: Pick<KubeletDirs, 'root' | 'podLogs'>;
  /** For volumes, which may be large. */
  readonly volumes: DiskUsage;
  /** For logs, which are few files. */
  readonly logs: DiskUsage;
  readonly pod: (uid: string) => Pod | undefined;
  /** Where the volumes of a pod are, by their names in the pod. */
  readonly hostPaths: (uid: string) => ReadonlyMap<string, string>;
}

/** Volume plugins (by the name of their folder) whose contents lie in the pod's own folders. */
const LOCAL_PLUGINS = new Set(
  ['empty-dir', 'configmap', 'secret', 'projected', 'downward-api'].map((name) => `kubernetes.io~${name}`),
);

/** The file systems that figures are set against. */
export interface FileSystems {
  /** That of the kubelet's folders. */
  readonly node: FsStats | undefined;
  /** That of images and container layers. */
  readonly images: FsStats | undefined;
}

/** Adds logs, volumes and their sum to what the runtime said of a pod. */
export async function withDiskStats(
  stats: PodStats,
  fileSystems: FileSystems,
  options: PodDiskOptions,
  time: string,
): Promise<PodStats> {
  const { uid } = stats.podRef;
  const logDir = join(options.dirs.podLogs, podLogDirName(stats.podRef));
  const containers = await Promise.all(
    stats.containers.map(async (container): Promise<ContainerStats> => {
      const logs = await options.logs.of(join(logDir, container.name));
      return {
        ...container,
        ...(container.rootfs === undefined
          ? {}
          : { rootfs: { ...space(fileSystems.images), ...container.rootfs } }),
        ...(logs === undefined ? {} : { logs: { time, ...space(fileSystems.node), ...logs } }),
      };
    }),
  );
  const volumes = await volumeStats(uid, options, time);
  const etcHosts = await options.logs.of(join(podDir(options.dirs, uid), 'etc-hosts'));
  const counted: (FolderUsage | undefined)[] = [
    ...containers.flatMap(({ rootfs, logs }) => [usageOf(rootfs), usageOf(logs)]),
    ...volumes.filter(({ onDisk }) => onDisk).map(({ stats: volume }) => usageOf(volume)),
    etcHosts,
  ];
  return {
    ...stats,
    containers,
    ...(volumes.length === 0 ? {} : { volume: volumes.map((volume) => volume.stats) }),
    'ephemeral-storage': { time, ...space(fileSystems.node), ...total(counted) },
  };
}

type VolumeStats = NonNullable<PodStats['volume']>[number];

async function volumeStats(
  uid: string,
  options: PodDiskOptions,
  time: string,
): Promise<{ stats: VolumeStats; onDisk: boolean }[]> {
  const pod = options.pod(uid);
  const claims = pod === undefined ? [] : await claimStats(pod, options.hostPaths(uid), time);
  const claimed = new Set(claims.map(({ path }) => path));
  const root = join(podDir(options.dirs, uid), 'volumes');
  const plugins = await readdir(root).catch(() => []);
  const found = await Promise.all(
    plugins.map(async (plugin) => {
      const names = await readdir(join(root, plugin)).catch(() => []);
      const others = names.filter((name) => !claimed.has(join(root, plugin, name)));
      return Promise.all(
        others.map((name) => volumeStat(join(root, plugin, name), plugin, name, options, time)),
      );
    }),
  );
  const inMemory = new Set(
    (pod?.spec.volumes ?? [])
      .filter(
        ({ emptyDir, secret, projected }) =>
          secret !== undefined ||
          projected !== undefined ||
          (emptyDir?.medium !== undefined && emptyDir.medium !== ''),
      )
      .map(({ name }) => name),
  );
  const inPod = found
    .flat()
    .filter((stat) => stat !== undefined)
    .map(({ stats, local }) => ({ stats, onDisk: local && !inMemory.has(stats.name) }));
  return [...inPod, ...claims.map(({ stats }) => ({ stats, onDisk: false }))];
}

/** Volumes that are claims, under the names that the pod gives them. */
async function claimStats(
  pod: Pod,
  hostPaths: ReadonlyMap<string, string>,
  time: string,
): Promise<{ stats: VolumeStats; path: string }[]> {
  const found = await Promise.all(
    (pod.spec.volumes ?? []).map(async (volume) => {
      const claim = claimNameOf(pod, volume);
      const path = hostPaths.get(volume.name);
      if (claim === undefined || path === undefined) return [];
      const fs = await fileSystemStats(path, time).catch(() => undefined);
      if (fs === undefined) return [];
      const pvcRef = { name: claim, namespace: pod.metadata.namespace ?? '' };
      return [{ stats: { ...fs, name: volume.name, pvcRef }, path }];
    }),
  );
  return found.flat();
}

async function volumeStat(
  path: string,
  plugin: string,
  name: string,
  options: PodDiskOptions,
  time: string,
): Promise<{ stats: FsStats & { name: string }; local: boolean } | undefined> {
  const fs = await fileSystemStats(path, time).catch(() => undefined);
  if (fs === undefined) return undefined;
  const local = LOCAL_PLUGINS.has(plugin);
  // Other volumes have a file system of their own, whose figures are theirs.
  const usage = local ? await options.volumes.of(path) : undefined;
  return { stats: { ...fs, ...usage, name }, local };
}

/** Room of a file system, without what is used of it. */
function space(fs: FsStats | undefined): Partial<FsStats> {
  if (fs === undefined) return {};
  const { time: _time, usedBytes: _usedBytes, inodesUsed: _inodesUsed, ...room } = fs;
  return room;
}

function usageOf(fs: FsStats | undefined): FolderUsage | undefined {
  return fs === undefined ? undefined : { usedBytes: fs.usedBytes ?? 0, inodesUsed: fs.inodesUsed ?? 0 };
}

function total(usages: readonly (FolderUsage | undefined)[]): FolderUsage {
  return usages.reduce<FolderUsage>(
    (sum, usage) => ({
      usedBytes: sum.usedBytes + (usage?.usedBytes ?? 0),
      inodesUsed: sum.inodesUsed + (usage?.inodesUsed ?? 0),
    }),
    { usedBytes: 0, inodesUsed: 0 },
  );
}
