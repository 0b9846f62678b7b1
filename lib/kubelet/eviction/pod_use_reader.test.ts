import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '../../api/types.ts';
import type { ContainerStats } from '../../cri/runtime_client.ts';
import { podDir } from '../contracts.ts';
import { readPodUse } from './pod_use_reader.ts';
import { diskUse } from './usage.ts';

const { signal } = new AbortController();
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsk-use-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function pod(name: string): Pod {
  const volumes = [
    { name: 'cache', emptyDir: {} },
    { name: 'ram', emptyDir: { medium: 'Memory' } },
  ];
  return { metadata: { name, namespace: 'ns', uid: name }, spec: { containers: [{ name: 'c' }], volumes } };
}

const emptyDirs = (uid: string): string => join(podDir({ root }, uid), 'volumes', 'kubernetes.io~empty-dir');

function stats(uid: string, workingSet: bigint | undefined, layer: bigint): ContainerStats {
  return {
    attributes: {
      id: uid,
      metadata: { name: 'c', attempt: 0 },
      labels: { 'io.kubernetes.pod.uid': uid, 'io.kubernetes.container.name': 'c' },
      annotations: {},
    },
    cpu: undefined,
    memory:
      workingSet === undefined
        ? undefined
        : {
            timestamp: 0n,
            workingSetBytes: { value: workingSet },
            availableBytes: undefined,
            usageBytes: undefined,
            rssBytes: undefined,
            pageFaults: undefined,
            majorPageFaults: undefined,
            psi: undefined,
          },
    writableLayer: { timestamp: 0n, fsId: undefined, usedBytes: { value: layer }, inodesUsed: { value: 1n } },
    swap: undefined,
    io: undefined,
  };
}

function read(pods: readonly Pod[], found: readonly ContainerStats[], errors: string[] = []) {
  return readPodUse(
    pods,
    {
      cri: { listContainerStats: () => Promise.resolve({ stats: [...found] }) },
      dirs: { root, podLogs: join(root, 'logs') },
      processes: () => Promise.resolve(undefined),
      onError: (error, of) => void errors.push(`${of.metadata.name}: ${String(error)}`),
    },
    { disk: true, signal },
  );
}

test('K22: memory of the living incarnation, layers of all, logs and volumes on the disk', async () => {
  mkdirSync(join(emptyDirs('a'), 'cache'), { recursive: true });
  writeFileSync(join(emptyDirs('a'), 'cache', 'file'), Buffer.alloc(64 * 1024, 1));
  mkdirSync(join(emptyDirs('a'), 'ram'), { recursive: true });
  writeFileSync(join(emptyDirs('a'), 'ram', 'file'), Buffer.alloc(64 * 1024, 1));
  mkdirSync(join(root, 'logs', 'ns_a_a', 'c'), { recursive: true });
  writeFileSync(join(root, 'logs', 'ns_a_a', 'c', '0.log'), Buffer.alloc(8192, 1));
  const [use] = await read([pod('a')], [stats('a', undefined, 100n), stats('a', 50n, 20n)]);
  expect(use?.containers).toMatchObject([{ name: 'c', memoryBytes: 50, rootfs: { bytes: 120, inodes: 2 } }]);
  expect(use?.containers[0]?.logs?.bytes).toBeGreaterThanOrEqual(8192);
  expect([...(use?.volumes.keys() ?? [])]).toEqual(['cache']);
  expect(use?.volumes.get('cache')?.bytes).toBeGreaterThanOrEqual(64 * 1024);
});

test('K22: a volume that cannot be walked is told of, and the pods after it are measured', async () => {
  mkdirSync(join(podDir({ root }, 'broken'), 'volumes'), { recursive: true });
  writeFileSync(emptyDirs('broken'), 'no folder');
  const errors: string[] = [];
  const found = await read([pod('broken'), pod('b')], [stats('b', 1n, 70n)], errors);
  expect(found.map((use) => diskUse(use, { rootfs: true, logs: false, volumes: true }).bytes)).toEqual([
    0, 70,
  ]);
  expect(errors).toEqual([expect.stringContaining('broken: Error: ENOTDIR')]);
});

test('K22: of a pod that the runtime says nothing of nothing is known', async () => {
  const [use] = await read([pod('new')], []);
  expect(use?.containers).toEqual([]);
});
