/** Against a real containerd of this test's own. Needs root. */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { systemClock } from '../../base/clock.ts';
import { nullLog } from '../../base/log.ts';
import { RuntimeCache } from '../pleg/runtime_cache.ts';
import { LogRotation } from './log_rotation.ts';
import { realContainerd } from '../../../test/fixtures/kubelet_containerd.ts';

const real = realContainerd();

test('K24: a container that writes without end loses no line over rotations and keeps no more files than allowed', async () => {
  const { containerd, cri } = real;
  const pod = { metadata: { name: 'p', namespace: 'ns', uid: 'uid-logs' }, spec: { containers: [] } };
  const logDirectory = join(containerd.dir, 'pod-logs');
  await mkdir(join(logDirectory, 'c'), { recursive: true });
  const sandbox = await real.sandbox(pod, { logDirectory });
  const containerId = await sandbox.create(
    'c',
    [
      'sh',
      '-c',
      'i=0; while [ $i -lt 4000 ]; do echo line $i; i=$((i+1)); [ $((i % 20)) = 0 ] && usleep 20000; done; sleep 600',
    ],
    { logPath: 'c/0.log' },
  );
  await cri.startContainer({ containerId });
  const cache = new RuntimeCache({ cri, clock: systemClock, log: nullLog });
  await cache.relist();
  const rotation = new LogRotation({
    cri,
    runtime: cache,
    maxSizeBytes: 4096,
    maxFiles: 50,
    workers: 1,
    intervalMs: 200,
    clock: systemClock,
    log: nullLog,
  });
  const signal = new AbortController().signal;
  const folder = join(logDirectory, 'c');
  const text = async (): Promise<string> => {
    const names = (await readdir(folder)).sort();
    // `0.log` sorts first and is the newest.
    const parts = await Promise.all(
      [...names.slice(1), ...names.slice(0, 1)].map(async (name) => {
        const data = await readFile(join(folder, name));
        return (name.endsWith('.gz') ? gunzipSync(data) : data).toString();
      }),
    );
    return parts.join('');
  };
  for (let attempt = 0; attempt < 100 && !(await text()).includes('line 3999\n'); attempt++) {
    await rotation.rotateAll(signal);
    await sleep(200);
  }
  const lines = (await text()).split('\n').flatMap((line) => /stdout F line (\d+)$/.exec(line)?.[1] ?? []);
  expect(lines).toEqual(Array.from({ length: 4000 }, (_, i) => String(i)));
  const names = await readdir(folder);
  expect(names.filter((name) => name.endsWith('.gz')).length).toBeGreaterThan(1);
  expect(names.filter((name) => name !== '0.log' && !name.endsWith('.gz'))).toHaveLength(1);
});
