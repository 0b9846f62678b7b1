import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '../../base/fake_clock.ts';
import { RecordingLog } from '../../base/log.ts';
import { isWaitedFor, LockFile } from './lock_file.ts';

let path: string;
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'tsk-lock-')), 'kubelet.lock');
});
afterEach(() => rm(join(path, '..'), { recursive: true }));

function scene() {
  const clock = new FakeClock(Date.parse('2026-01-01T00:00:00Z'));
  const log = new RecordingLog();
  const stop = new AbortController();
  const acquire = () => LockFile.acquire({ path, clock, log, signal: stop.signal });
  return { acquire, clock, log, stop };
}

test('K29: a second kubelet waits until the first has let go, which hears of it', async () => {
  const { acquire, clock, log } = scene();
  const first = await acquire();
  expect([await first.isWanted(), log.messages]).toEqual([false, []]);
  const got: LockFile[] = [];
  const waiting = acquire().then((lock) => got.push(lock));
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  while (!(await first.isWanted())) await turn();
  expect(got).toEqual([]);
  expect(log.messages).toEqual(['Waiting for another kubelet to let go of the lock file']);
  first.release();
  // The second looks once a second.
  while (got.length === 0) {
    await clock.advance(1000);
    await turn();
  }
  await waiting;
  expect(await got[0]?.isWanted()).toBe(false);
  got[0]?.release();
});

test('K29: a lock file that is removed is no lock any more', async () => {
  const { acquire } = scene();
  const lock = await acquire();
  await rm(path);
  expect(await lock.isWanted()).toBe(true);
  lock.release();
});

test('K29: who waits can be told to stop; a folder that is not there is an error', async () => {
  const { acquire, stop } = scene();
  const first = await acquire();
  const second = acquire();
  stop.abort(new Error('shutting down'));
  await expect(second).rejects.toThrow('shutting down');
  first.release();
  const nowhere = scene();
  path = join(path, 'x', 'kubelet.lock');
  await expect(nowhere.acquire()).rejects.toThrow(/ENOTDIR|ENOENT/);
  path = join(path, '..', '..');
});

test('K29: other kubelets wait in the kernel', () => {
  const locks = `1: FLOCK  ADVISORY  WRITE 100 fe:00:77 0 EOF
1: -> FLOCK  ADVISORY  WRITE 200 fe:00:77 0 EOF
2: POSIX  ADVISORY  WRITE 300 fe:00:78 0 EOF
`;
  expect([77, 78, 7].map((inode) => isWaitedFor(locks, inode))).toEqual([true, false, false]);
});
