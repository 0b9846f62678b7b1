/**
 * Takes a cluster away. What is there is found twice: by the records, and by looking (control groups, namespaces by
 * name, processes and mounts by the state folder), so that nothing depends on how the cluster came to its end.
 */
import { existsSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterGroup, processesIn, removeEmptyRoot, removeGroup } from './cgroups.ts';
import type { CgroupHierarchies } from './cgroups.ts';
import { clusterNamespaces, interfaceExists, removeNamespace } from './network.ts';
import type { ClusterPaths } from './paths.ts';
import { isAlive, readRecords, signalProcess } from './processes.ts';
import { allProcesses, commandLine, mounts, processStat } from './procfs.ts';
import { attempt, run } from './program.ts';

/** What is left of a cluster, in words; empty when nothing is. */
export type Leftovers = readonly string[];

export interface TearDown {
  readonly name: string;
  readonly paths: ClusterPaths;
  readonly cgroups: CgroupHierarchies;
  /** Of the host's end of the cluster's cable, if the slot is known. */
  readonly hostInterface: string | undefined;
}

/** Removes everything of the cluster. Returns what it removed, in words. Rejects when something would not go. */
export async function tearDown(target: TearDown): Promise<string[]> {
  const { name, paths, cgroups, hostInterface } = target;
  const removed: string[] = [];
  const killed = await killAll(target);
  if (killed > 0) removed.push(`${killed} processes`);

  const namespaces = clusterNamespaces(name);
  for (const namespace of namespaces) await removeNamespace(namespace);
  if (namespaces.length > 0) removed.push(`${namespaces.length} network namespaces`);
  // It goes with the switch's namespace, but not if the run that made it was killed half-way.
  if (hostInterface !== undefined && (await interfaceExists(hostInterface))) {
    await attempt(['ip', 'link', 'delete', hostInterface]);
    removed.push(`interface ${hostInterface}`);
  }

  const mounted = mountsBelow(paths.dir);
  for (const mountPoint of mounted) await run(['umount', '--lazy', mountPoint]);
  if (mounted.length > 0) removed.push(`${mounted.length} mounts`);

  const stuck = await removeGroups(cgroups, clusterGroup(name));
  removeEmptyRoot(cgroups);
  if (existsSync(paths.dir)) {
    rmSync(paths.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    removed.push(paths.dir);
  }
  const left = [...stuck, ...(await leftovers(target))];
  if (left.length > 0) throw new Error(`cluster ${name} is not wholly gone: ${left.join('; ')}`);
  return removed;
}

/** Looks for anything of the cluster that is still there. */
export async function leftovers(target: TearDown): Promise<Leftovers> {
  const { name, paths, cgroups, hostInterface } = target;
  return [
    ...clusterProcesses(target).map((pid) => `process ${pid} (${commandLine(pid)[0] ?? '?'})`),
    ...clusterNamespaces(name).map((namespace) => `network namespace ${namespace}`),
    ...(hostInterface !== undefined && (await interfaceExists(hostInterface))
      ? [`interface ${hostInterface}`]
      : []),
    ...mountsBelow(paths.dir).map((mountPoint) => `mount ${mountPoint}`),
    ...cgroups.mountPoints
      .map((mountPoint) => path.join(mountPoint, clusterGroup(name)))
      .filter((dir) => existsSync(dir))
      .map((dir) => `control group ${dir}`),
    ...(existsSync(paths.dir) ? [`folder ${paths.dir}`] : []),
  ];
}

/** Pids of everything that belongs to the cluster. */
export function clusterProcesses({ name, paths, cgroups }: Omit<TearDown, 'hostInterface'>): number[] {
  const found = new Set<number>();
  for (const entry of readRecords(paths)) if (isAlive(entry)) found.add(entry.pid);
  for (const pid of processesIn(cgroups, clusterGroup(name)))
    if (processStat(pid) !== undefined) found.add(pid);
  // A process caught between its start and its group is known by its namespaces or by the folder in its command line.
  const namespaces = new Set(clusterNamespaces(name).map((one) => namespaceInode(`/run/netns/${one}`)));
  for (const { pid } of allProcesses()) {
    if (pid === process.pid || pid === process.ppid) continue;
    const inNamespace = namespaces.size > 0 && namespaces.has(namespaceInode(`/proc/${pid}/ns/net`));
    if (inNamespace || isLauncherOf(commandLine(pid), paths.dir, name)) found.add(pid);
  }
  return [...found];
}

/** Whether a command line is that of enter.bash, nsenter or unshare starting something of this cluster. */
export function isLauncherOf(argv: readonly string[], dir: string, name: string): boolean {
  const ours = argv.some((argument) => /\/(enter|node_init)\.bash$/.test(argument));
  return (
    ours &&
    argv.some(
      (argument) =>
        argument === dir || argument.includes(`${dir}/`) || argument.includes(`/ts-kubernetes/${name}/`),
    )
  );
}

async function killAll(target: TearDown): Promise<number> {
  const seen = new Set<number>();
  // Nodes first: with its first process the kernel ends everything in a node, in whatever group it is.
  const nodes = readRecords(target.paths).filter((entry) => /^node-\d+$/.test(entry.id));
  for (const node of nodes) if (isAlive(node)) signalProcess(node.pid, 'SIGKILL');
  for (let tries = 0; tries < 200; tries++) {
    const all = clusterProcesses(target);
    if (all.length === 0) return seen.size;
    for (const pid of all) {
      seen.add(pid);
      signalProcess(pid, 'SIGKILL');
    }
    await sleep(25);
  }
  const left = clusterProcesses(target).map((pid) => `${pid} (${commandLine(pid)[0] ?? '?'})`);
  throw new Error(`cluster ${target.name}: processes that do not end: ${left.join(', ')}`);
}

async function removeGroups(cgroups: CgroupHierarchies, group: string): Promise<string[]> {
  let stuck: string[] = [];
  // A group whose last process has just ended is busy for a moment.
  for (let tries = 0; tries < 40; tries++) {
    stuck = removeGroup(cgroups, group);
    if (stuck.length === 0) return [];
    await sleep(50);
  }
  return stuck.map((dir) => `control group ${dir}`);
}

/** Mount points at or below `dir`, the deepest first. */
function mountsBelow(dir: string): string[] {
  return mounts()
    .map((mount) => mount.mountPoint)
    .filter((mountPoint) => mountPoint === dir || mountPoint.startsWith(`${dir}/`))
    .reverse();
}

function namespaceInode(file: string): string | undefined {
  try {
    if (!file.startsWith('/proc')) return statInode(file);
    return /\[(\d+)\]/.exec(readlinkSync(file))?.[1];
  } catch {
    return undefined;
  }
}

function statInode(file: string): string {
  return String(statSync(file).ino);
}

/** Clusters that have left anything in the state root, recorded or not. */
export function knownClusters(stateRoot: string): string[] {
  if (!existsSync(stateRoot)) return [];
  return readdirSync(stateRoot, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}
