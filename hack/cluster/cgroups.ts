/**
 * The cluster's own control groups, in version 1 hierarchies or the unified one:
 * `/ts-kubernetes/CLUSTER/system` holds our processes, `/ts-kubernetes/CLUSTER/NODE` is the node's cgroup root.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Mount } from './procfs.ts';

const OURS = 'ts-kubernetes';

/** The hierarchies of a machine. */
export interface CgroupHierarchies {
  readonly version: 1 | 2;
  /** Mount points: one per hierarchy in version 1 (named ones too), exactly one in version 2. */
  readonly mountPoints: readonly string[];
  readonly controllers: readonly string[];
}

const V1_CONTROLLERS = [
  'cpu',
  'cpuacct',
  'cpuset',
  'memory',
  'pids',
  'devices',
  'freezer',
  'blkio',
  'hugetlb',
  'net_cls',
  'net_prio',
  'perf_event',
  'rdma',
  'misc',
];

/** Reads the hierarchies off the mount table; `undefined` when there is none under /sys/fs/cgroup. */
export function cgroupHierarchies(
  mounts: readonly Mount[],
  readFile: (file: string) => string,
): CgroupHierarchies | undefined {
  const here = mounts.filter((mount) => mount.mountPoint.startsWith('/sys/fs/cgroup'));
  const unified = here.find((mount) => mount.fsType === 'cgroup2' && mount.mountPoint === '/sys/fs/cgroup');
  if (unified !== undefined)
    return {
      version: 2,
      mountPoints: [unified.mountPoint],
      controllers: readFile(`${unified.mountPoint}/cgroup.controllers`).split(/\s+/).filter(Boolean),
    };
  const first = here.filter((mount) => mount.fsType === 'cgroup');
  if (first.length === 0) return undefined;
  return {
    version: 1,
    // Runtimes make groups in a unified hierarchy beside the old ones as well, though it controls nothing there.
    mountPoints: [
      ...new Set(here.filter((mount) => mount.fsType !== 'tmpfs').map((mount) => mount.mountPoint)),
    ],
    controllers: first
      .flatMap((mount) => mount.superOptions.split(','))
      .filter((option) => V1_CONTROLLERS.includes(option)),
  };
}

/** Path of a cluster's group inside each hierarchy. */
export const clusterGroup = (cluster: string): string => `/${OURS}/${cluster}`;
export const nodeGroup = (cluster: string, node: string): string => `${clusterGroup(cluster)}/${node}`;
export const systemGroup = (cluster: string): string => `${clusterGroup(cluster)}/system`;

/** Makes `group` in every hierarchy, ready to hold processes and children. Returns whether anything was missing. */
export function ensureGroup(hierarchies: CgroupHierarchies, group: string): boolean {
  let made = false;
  for (const mountPoint of hierarchies.mountPoints) {
    let dir = mountPoint;
    for (const part of group.split('/').filter(Boolean)) {
      if (hierarchies.version === 2) enableControllers(dir, hierarchies.controllers);
      const parent = dir;
      dir = path.join(dir, part);
      if (!existsSync(dir)) {
        mkdirSync(dir);
        made = true;
        weigh(dir, part);
      }
      // A new cpuset group of version 1 takes no process until it has cores and memory nodes.
      for (const file of ['cpuset.cpus', 'cpuset.mems'])
        if (
          hierarchies.version === 1 &&
          existsSync(path.join(dir, file)) &&
          readFileSync(path.join(dir, file), 'utf8').trim() === ''
        )
          writeFileSync(path.join(dir, file), readFileSync(path.join(parent, file), 'utf8'));
    }
  }
  return made;
}

/**
 * A group counts as one task among those of its parent: without a weight, all clusters together would get as much of a
 * busy machine as one shell, and all daemons of a cluster as much as the pods of one node.
 */
function weigh(dir: string, name: string): void {
  const tasks = { [OURS]: 10, system: 8 }[name];
  if (tasks === undefined) return;
  for (const [file, weight] of [
    ['cpu.shares', 1024 * tasks],
    ['cpu.weight', 100 * tasks],
  ] as const)
    if (existsSync(path.join(dir, file))) writeFileSync(path.join(dir, file), String(weight));
}

function enableControllers(dir: string, controllers: readonly string[]): void {
  const file = path.join(dir, 'cgroup.subtree_control');
  const enabled = readFileSync(file, 'utf8').split(/\s+/);
  for (const controller of controllers) {
    if (enabled.includes(controller)) continue;
    try {
      writeFileSync(file, `+${controller}`);
    } catch {
      // Not to be delegated here; the preflight has looked at those that are needed.
    }
  }
}

/** The `cgroup.procs` files through which a process enters `group`. */
export function entryFiles(hierarchies: CgroupHierarchies, group: string): string[] {
  return hierarchies.mountPoints.map((mountPoint) => path.join(mountPoint, group, 'cgroup.procs'));
}

/** Every process in `group` or below it, in any hierarchy. */
export function processesIn(hierarchies: CgroupHierarchies, group: string): number[] {
  const found = new Set<number>();
  for (const dir of groupDirectories(hierarchies, group))
    for (const line of readOrEmpty(path.join(dir, 'cgroup.procs')).split('\n'))
      if (line !== '') found.add(Number(line));
  found.delete(0);
  return [...found];
}

/** Removes the empty `group` with everything below it. Returns the groups that would not go. */
export function removeGroup(hierarchies: CgroupHierarchies, group: string): string[] {
  const stuck: string[] = [];
  for (const dir of groupDirectories(hierarchies, group).reverse()) {
    try {
      rmdirSync(dir);
    } catch (error) {
      if (existsSync(dir)) stuck.push(`${dir} (${error instanceof Error ? error.message : String(error)})`);
    }
  }
  return stuck;
}

/** Removes the parent of all clusters' groups when no cluster is left in it. */
export function removeEmptyRoot(hierarchies: CgroupHierarchies): void {
  for (const mountPoint of hierarchies.mountPoints) {
    try {
      rmdirSync(path.join(mountPoint, OURS));
    } catch {
      // Another cluster lives in it, or it was never made.
    }
  }
}

/** Names of the clusters that have a group on this machine. */
export function clustersWithGroups(hierarchies: CgroupHierarchies): string[] {
  return [...new Set(hierarchies.mountPoints.flatMap((mountPoint) => children(path.join(mountPoint, OURS))))];
}

// Parents before children.
function groupDirectories(hierarchies: CgroupHierarchies, group: string): string[] {
  const below = (dir: string): string[] => [
    dir,
    ...children(dir).flatMap((name) => below(path.join(dir, name))),
  ];
  return hierarchies.mountPoints
    .map((mountPoint) => path.join(mountPoint, group))
    .filter((dir) => existsSync(dir))
    .flatMap(below);
}

function children(dir: string): string[] {
  try {
    return readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // The group went away while we looked.
  }
}
