import type { Pod } from '../../api/types.ts';

/** Bytes and inodes that something takes on a disk. */
export interface DiskUse {
  readonly bytes: number;
  readonly inodes: number;
}

export interface ContainerUse {
  readonly name: string;
  /** Working set; `undefined`: not known. */
  readonly memoryBytes: number | undefined;
  /** Writable layer. */
  readonly rootfs: DiskUse | undefined;
  readonly logs: DiskUse | undefined;
}

/** What one pod uses now, as far as it is known. */
export interface PodUse {
  readonly pod: Pod;
  readonly containers: readonly ContainerUse[];
  /** Volumes on the node's own disk (emptyDir, configMap, ...), by name. */
  readonly volumes: ReadonlyMap<string, DiskUse>;
  readonly processes: number | undefined;
}

/** Sum of the containers' working sets; `undefined` when nothing is known. */
export function memoryUse({ containers }: PodUse): number | undefined {
  const known = containers.flatMap(({ memoryBytes }) => (memoryBytes === undefined ? [] : [memoryBytes]));
  return known.length === 0 ? undefined : known.reduce((sum, bytes) => sum + bytes, 0);
}

/** Which parts of a pod count for a file system. */
export interface DiskParts {
  readonly rootfs: boolean;
  readonly logs: boolean;
  readonly volumes: boolean;
}

export const ALL_PARTS: DiskParts = { rootfs: true, logs: true, volumes: true };

export function diskUse(use: PodUse, parts: DiskParts): DiskUse {
  const all = [
    ...use.containers.flatMap(({ rootfs, logs }) => [
      ...(parts.rootfs && rootfs !== undefined ? [rootfs] : []),
      ...(parts.logs && logs !== undefined ? [logs] : []),
    ]),
    ...(parts.volumes ? use.volumes.values() : []),
  ];
  return all.reduce((sum, { bytes, inodes }) => ({ bytes: sum.bytes + bytes, inodes: sum.inodes + inodes }), {
    bytes: 0,
    inodes: 0,
  });
}
