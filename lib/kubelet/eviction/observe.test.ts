import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecordingLog } from '../../base/log.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { observeNode, type ObserverOptions } from './observe.ts';

const { signal } = new AbortController();
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsk-observe-'));
});
afterEach(() => rmSync(root, { recursive: true }));

async function observe(over: Partial<ObserverOptions> = {}) {
  const log = new RecordingLog();
  const found = await observeNode(
    {
      cri: { imageFsInfo: () => runtimeSays(root, '') },
      rootDir: root,
      podsMemory: () => Promise.resolve({ available: 5, capacity: 10 }),
      clock: new FakeClock(),
      log,
      ...over,
    },
    signal,
  );
  return { ...found, log };
}

function runtimeSays(images: string, containers: string) {
  const at = (mountpoint: string) => ({
    timestamp: 0n,
    fsId: { mountpoint },
    usedBytes: undefined,
    inodesUsed: undefined,
  });
  return Promise.resolve({
    imageFilesystems: [at(images)],
    containerFilesystems: containers === '' ? [] : [at(containers)],
  });
}

test('K22: memory, processes, disks and inodes are seen, with what there is of them', async () => {
  const { signals, dedicatedImageFs } = await observe();
  for (const name of [
    'memory.available',
    'pid.available',
    'nodefs.available',
    'imagefs.available',
  ] as const) {
    const { available = 0, capacity = 0 } = signals.get(name) ?? {};
    expect([name, available > 0, available <= capacity]).toEqual([name, true, true]);
  }
  expect(signals.get('allocatableMemory.available')).toEqual({ available: 5, capacity: 10 });
  expect(dedicatedImageFs).toBe(false);
});

test('K22: images on a file system of their own, with and without the writable layers', async () => {
  // /proc is never the file system that the temporary folder is on.
  expect(await observe({ cri: { imageFsInfo: () => runtimeSays('/proc', '') } })).toMatchObject({
    dedicatedImageFs: true,
    splitContainerFs: false,
  });
  expect(await observe({ cri: { imageFsInfo: () => runtimeSays('/proc', '/proc') } })).toMatchObject({
    dedicatedImageFs: true,
    splitContainerFs: false,
  });
  expect(await observe({ cri: { imageFsInfo: () => runtimeSays('/proc', root) } })).toMatchObject({
    dedicatedImageFs: true,
    splitContainerFs: true,
  });
});

test('K22: what cannot be seen is told of and left out: the rest is seen', async () => {
  const { log, signals } = await observe({
    cri: { imageFsInfo: () => Promise.reject(new Error('runtime is away')) },
    podsMemory: () => Promise.reject(new Error('no group')),
  });
  expect(signals.has('memory.available')).toBe(true);
  expect(signals.has('imagefs.available')).toBe(false);
  expect(signals.has('allocatableMemory.available')).toBe(false);
  expect(log.entries.map(({ kv }) => kv['what'])).toEqual(['memory of all pods', 'image file system']);
});
