/** The kernel's cgroup hierarchies: where they are mounted and how groups are made, set and removed. */
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../base/errors.ts';

export interface Hierarchy {
  readonly version: 1 | 2;
  /** Mount point of each controller; for v2 the same for all. */
  readonly mounts: ReadonlyMap<string, string>;
  /** Mount points, each once. */
  readonly roots: readonly string[];
}

/** Controllers that the kubelet makes groups in. */
const CONTROLLERS = [
  'cpu',
  'cpuacct',
  'cpuset',
  'memory',
  'pids',
  'hugetlb',
  'blkio',
  'devices',
  'freezer',
  'systemd',
];

/** Reads the mount table. v2 is when the only hierarchy is the unified one at /sys/fs/cgroup. */
export function parseHierarchy(mounts: string): Hierarchy {
  const found = new Map<string, string>();
  let unified: string | undefined;
  let beside: string | undefined;
  for (const line of mounts.split('\n')) {
    const [, path, type, options = ''] = line.split(' ');
    if (path === undefined) continue;
    if (type === 'cgroup2' && path === '/sys/fs/cgroup') unified = path;
    else if (type === 'cgroup2' && path.startsWith('/sys/fs/cgroup/')) beside ??= path;
    if (type !== 'cgroup') continue;
    for (const option of options.split(',')) {
      const controller = option.startsWith('name=') ? option.slice('name='.length) : option;
      if (CONTROLLERS.includes(controller) && !found.has(controller)) found.set(controller, path);
    }
  }
  if (unified !== undefined) {
    return { version: 2, mounts: new Map(CONTROLLERS.map((c) => [c, unified])), roots: [unified] };
  }
  // A unified hierarchy beside those of v1 controls nothing, but runtimes make groups in it as well.
  const roots = [...found.values(), ...(beside === undefined ? [] : [beside])];
  return { version: 1, mounts: found, roots: [...new Set(roots)] };
}

export async function readHierarchy(): Promise<Hierarchy> {
  return parseHierarchy(await readFile('/proc/self/mounts', 'utf8'));
}

/** Makes the group in every hierarchy, parents included. */
export async function createGroup(hierarchy: Hierarchy, path: string): Promise<void> {
  for (const root of hierarchy.roots) {
    let at = root;
    for (const part of path.split('/')) {
      if (hierarchy.version === 2) await enableControllers(at);
      at = join(at, part);
      try {
        await mkdir(at, { mode: 0o755 });
      } catch (error) {
        if (errorCode(error) === 'EEXIST') continue;
        throw error;
      }
      if (at.startsWith(hierarchy.mounts.get('cpuset') ?? '\0') && hierarchy.version === 1)
        await inheritCpuset(at);
    }
  }
}

// Under v1 a group without CPUs and memory nodes of its own can hold no process.
async function inheritCpuset(path: string): Promise<void> {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    const own = (await readFile(join(path, file), 'utf8').catch(() => '')).trim();
    if (own !== '') continue;
    const parent = (await readFile(join(path, '..', file), 'utf8').catch(() => '')).trim();
    if (parent !== '') await writeFile(join(path, file), parent);
  }
}

async function enableControllers(path: string): Promise<void> {
  const available = (await readFile(join(path, 'cgroup.controllers'), 'utf8').catch(() => '')).trim();
  for (const controller of available.split(' ')) {
    // One by one: a controller that cannot be delegated must not keep the others out.
    if (controller !== '')
      await writeFile(join(path, 'cgroup.subtree_control'), `+${controller}`).catch(() => undefined);
  }
}

/** Writes one setting; `false` when the kernel has no such file here. */
export async function setValue(
  hierarchy: Hierarchy,
  controller: string,
  path: string,
  file: string,
  value: string,
): Promise<boolean> {
  const root = hierarchy.mounts.get(controller);
  if (root === undefined) return false;
  try {
    await writeFile(join(root, path, file), value);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Removes a group with all below it from every hierarchy. Rejects (`EBUSY`) while a process is in it. */
export async function removeGroup(hierarchy: Hierarchy, path: string): Promise<void> {
  for (const root of hierarchy.roots) await removeTree(join(root, path));
}

async function removeTree(path: string): Promise<void> {
  let children;
  try {
    children = await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  for (const child of children) if (child.isDirectory()) await removeTree(join(path, child.name));
  try {
    await rmdir(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** Names of the groups directly below one, in any hierarchy. */
export async function childGroups(hierarchy: Hierarchy, path: string): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const root of hierarchy.roots) {
    const entries = await readdir(join(root, path), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) if (entry.isDirectory()) names.add(entry.name);
  }
  return [...names];
}
