import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '../../../api/types.ts';
import { FakeClock } from '../../../base/fake_clock.ts';
import { DiskUsage } from './disk_usage.ts';
import { withDiskStats } from './pod_disk_stats.ts';

const TIME = '2026-01-01T00:00:00.000Z';
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsk-pod-disk-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('K27: layers, logs and volumes on disk add up; what lies in memory is shown and not counted', async () => {
  const volumes = join(dir, 'pods', 'u1', 'volumes');
  for (const [plugin, name] of [
    ['kubernetes.io~empty-dir', 'scratch'],
    ['kubernetes.io~empty-dir', 'ram'],
    ['kubernetes.io~secret', 'keys'],
    ['kubernetes.io~local-volume', 'pv-1'],
  ])
    mkdirSync(join(volumes, plugin ?? '', name ?? ''), { recursive: true });
  mkdirSync(join(dir, 'logs', 'ns_web_u1', 'app'), { recursive: true });
  writeFileSync(join(dir, 'pods', 'u1', 'etc-hosts'), 'x');
  const clock = new FakeClock();
  const usage = (bytes: number) =>
    new DiskUsage({ clock, maxAgeMs: 1, walk: async () => ({ usedBytes: bytes, inodesUsed: 1 }) });
  const pod: unknown = {
    metadata: { name: 'web', namespace: 'ns', uid: 'u1' },
    spec: {
      volumes: [
        { name: 'scratch', emptyDir: {} },
        { name: 'ram', emptyDir: { medium: 'Memory' } },
        { name: 'keys', secret: {} },
        { name: 'data', persistentVolumeClaim: { claimName: 'db' } },
        { name: 'lost', persistentVolumeClaim: { claimName: 'gone' } },
      ],
    },
  };
  const room = { capacityBytes: 1000, availableBytes: 600 };
  const stats = await withDiskStats(
    {
      podRef: { name: 'web', namespace: 'ns', uid: 'u1' },
      startTime: TIME,
      containers: [{ name: 'app', startTime: TIME, rootfs: { time: TIME, usedBytes: 7, inodesUsed: 2 } }],
    },
    { node: { time: TIME, ...room, usedBytes: 400 }, images: { time: TIME, ...room, usedBytes: 1 } },
    {
      dirs: { root: dir, podLogs: join(dir, 'logs') },
      volumes: usage(100),
      logs: usage(10),
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only the volumes are read
      pod: () => pod as Pod,
      hostPaths: () =>
        new Map([
          ['data', join(volumes, 'kubernetes.io~local-volume', 'pv-1')],
          ['lost', join(dir, 'nowhere')],
        ]),
    },
    TIME,
  );
  expect(stats.containers[0]).toMatchObject({
    rootfs: { ...room, usedBytes: 7 },
    logs: { ...room, usedBytes: 10 },
  });
  const claims = stats.volume?.filter(({ pvcRef }) => pvcRef !== undefined);
  expect(claims?.map(({ name, pvcRef, capacityBytes }) => [name, pvcRef, (capacityBytes ?? 0) > 0])).toEqual([
    ['data', { name: 'db', namespace: 'ns' }, true],
  ]);
  const own = stats.volume?.filter(({ pvcRef }) => pvcRef === undefined);
  expect(own?.map(({ name, usedBytes }) => [name, usedBytes]).sort()).toEqual([
    ['keys', 100],
    ['ram', 100],
    ['scratch', 100],
  ]);
  // layer 7 + log 10 + scratch 100 + etc-hosts 10
  expect(stats['ephemeral-storage']).toEqual({ time: TIME, ...room, usedBytes: 127, inodesUsed: 5 });
});
