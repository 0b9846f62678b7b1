import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { FakeClock } from '../../base/fake_clock.ts';
import { RecordingLog } from '../../base/log.ts';
import type { PodRuntimeStatus } from '../contracts.ts';
import { LogRotation } from './log_rotation.ts';
import { rotatedName } from './rotation_plan.ts';
import { runtimeContainer, runtimePod } from '../testing/runtime_pod.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tsk-rotation-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

function pods(...states: ('running' | 'exited')[]): PodRuntimeStatus[] {
  const containers = states.map((state, i) =>
    runtimeContainer(`c${i}`, { id: `id-${i}`, state, logPath: join(dir, `${i}.log`) }),
  );
  return [runtimePod(containers, { sandboxes: [] })];
}

function rotation(runtime: PodRuntimeStatus[], reopen: (id: string) => Promise<void>) {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const subject = new LogRotation({
    cri: {
      reopenContainerLog: async (request) => {
        await reopen(request?.containerId ?? '');
        return {};
      },
    },
    runtime: { pods: () => runtime },
    maxSizeBytes: 10,
    maxFiles: 3,
    workers: 2,
    intervalMs: 10_000,
    clock,
    log,
  });
  return { subject, clock, log };
}

const signal = new AbortController().signal;

test('K24: a log that is too large is renamed, the runtime makes a new one, and the next round compresses', async () => {
  const reopened: string[] = [];
  const { subject, clock } = rotation(pods('running', 'running', 'exited'), async (id) => {
    reopened.push(id);
    await writeFile(join(dir, '0.log'), 'new, and large again');
  });
  await writeFile(join(dir, '0.log'), 'more than ten');
  await writeFile(join(dir, '1.log'), 'small');
  await writeFile(join(dir, '2.log'), 'large, but nothing writes to it');
  await subject.rotateAll(signal);
  const first = rotatedName('0.log', clock.now());
  expect(reopened).toEqual(['id-0']);
  expect((await readdir(dir)).sort()).toEqual(['0.log', first, '1.log', '2.log']);

  // Within the same second the first rotated file would be overwritten.
  await subject.rotateAll(signal);
  expect(reopened).toEqual(['id-0']);
  await clock.advance(1000);
  await subject.rotateAll(signal);
  const second = rotatedName('0.log', clock.now());
  expect((await readdir(dir)).sort()).toEqual(['0.log', `${first}.gz`, second, '1.log', '2.log']);
  expect(gunzipSync(await readFile(join(dir, `${first}.gz`))).toString()).toBe('more than ten');

  await clock.advance(1000);
  await subject.rotateAll(signal);
  expect((await readdir(dir)).filter((name) => name.startsWith('0.log.'))).toHaveLength(2);
});

test('K24: when the runtime cannot reopen the log it gets its name back', async () => {
  const { subject, log } = rotation(pods('running'), () => Promise.reject(new Error('runtime is away')));
  await writeFile(join(dir, '0.log'), 'more than ten');
  await subject.rotateAll(signal);
  expect(await readdir(dir)).toEqual(['0.log']);
  expect(log.entries).toMatchObject([
    { severity: 'error', kv: { containerID: 'id-0' }, err: { message: 'runtime is away' } },
  ]);
});

test('K24: a log that is not there is opened anew', async () => {
  const reopened: string[] = [];
  const { subject } = rotation(pods('running'), (id) => {
    reopened.push(id);
    return Promise.resolve();
  });
  await subject.rotateAll(signal);
  expect(reopened).toEqual(['id-0']);
});
