import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  cgroupHierarchies,
  clusterGroup,
  entryFiles,
  nodeGroup,
  removeGroup,
  systemGroup,
} from './cgroups.ts';
import type { Mount } from './procfs.ts';

const mount = (mountPoint: string, fsType: string, superOptions = 'rw'): Mount => ({
  mountPoint,
  root: '/',
  fsType,
  source: fsType,
  superOptions,
});
const nothing = (): string => '';

test('version 2', () => {
  const found = cgroupHierarchies(
    [mount('/', 'ext4'), mount('/sys/fs/cgroup', 'cgroup2')],
    () => 'cpuset cpu io memory pids\n',
  );
  expect(found).toEqual({
    version: 2,
    mountPoints: ['/sys/fs/cgroup'],
    controllers: ['cpuset', 'cpu', 'io', 'memory', 'pids'],
  });
});

test('version 1, with controllers that share a hierarchy and a unified one beside', () => {
  const found = cgroupHierarchies(
    [
      mount('/sys/fs/cgroup', 'tmpfs'),
      mount('/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'rw,cpu,cpuacct'),
      mount('/sys/fs/cgroup/memory', 'cgroup', 'rw,memory'),
      mount('/sys/fs/cgroup/systemd', 'cgroup', 'rw,xattr,name=systemd'),
      mount('/sys/fs/cgroup/unified', 'cgroup2'),
    ],
    nothing,
  );
  expect(found?.version).toBe(1);
  expect(found?.controllers).toEqual(['cpu', 'cpuacct', 'memory']);
  expect(found?.mountPoints).toContain('/sys/fs/cgroup/unified'); // runtimes make groups there too
  expect(found?.mountPoints).toHaveLength(4);
});

test('none', () => {
  expect(cgroupHierarchies([mount('/sys/fs/cgroup', 'tmpfs')], nothing)).toBeUndefined();
});

test('groups of a cluster lie below its own', () => {
  expect(nodeGroup('a', 'node-1')).toBe(`${clusterGroup('a')}/node-1`);
  const hierarchies = { version: 1 as const, mountPoints: ['/m', '/p'], controllers: [] };
  expect(entryFiles(hierarchies, systemGroup('a'))).toEqual([
    '/m/ts-kubernetes/a/system/cgroup.procs',
    '/p/ts-kubernetes/a/system/cgroup.procs',
  ]);
});

test('removal goes from the leaves up and names what is stuck', () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'tsk-cgroup-'));
  try {
    mkdirSync(path.join(root, 'ts-kubernetes/a/node-1/kubepods'), { recursive: true });
    mkdirSync(path.join(root, 'ts-kubernetes/a/system'));
    const hierarchies = { version: 2 as const, mountPoints: [root], controllers: [] };
    const busy = path.join(root, 'ts-kubernetes/a/system/process');
    writeFileSync(busy, ''); // what a plain folder has instead of processes
    expect(removeGroup(hierarchies, '/ts-kubernetes/a').map((text) => text.split(' ')[0])).toEqual([
      path.dirname(busy),
      path.join(root, 'ts-kubernetes/a'),
    ]);
    rmSync(busy);
    expect(removeGroup(hierarchies, '/ts-kubernetes/a')).toEqual([]);
    expect(removeGroup(hierarchies, '/ts-kubernetes/a')).toEqual([]); // nothing there is no failure
  } finally {
    rmSync(root, { recursive: true });
  }
});
