import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '../../base/fake_clock.ts';
import { CriError } from '../../cri/errors.ts';
import { checkpointer } from './checkpoints.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsk-checkpoint-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const pod = { uid: 'u', namespace: 'ns', name: 'web' };
const { signal } = new AbortController();

test('the runtime is asked for an archive named after pod, container and time, in a folder of its own', async () => {
  const asked: unknown[] = [];
  const checkpoint = checkpointer({
    cri: { checkpointContainer: async (request) => (asked.push(request), {}) },
    dirs: { root },
    clock: new FakeClock(Date.parse('2026-01-02T03:04:05.678Z')),
  });
  const archive = join(root, 'checkpoints', 'checkpoint-web_ns-app-2026-01-02T03:04:05Z.tar');
  expect(await checkpoint(pod, 'app', 'id', signal)).toBe(archive);
  expect(asked).toEqual([{ containerId: 'id', location: archive }]);
  expect(statSync(join(root, 'checkpoints')).mode & 0o777).toBe(0o700);
});

test('a runtime that cannot is an error', async () => {
  const unimplemented = new CriError(
    'CheckpointContainer',
    'UNIMPLEMENTED',
    'method CheckpointContainer not implemented',
  );
  const checkpoint = checkpointer({
    cri: { checkpointContainer: () => Promise.reject(unimplemented) },
    dirs: { root },
    clock: new FakeClock(),
  });
  await expect(checkpoint(pod, 'app', 'id', signal)).rejects.toBe(unimplemented);
  expect(unimplemented.rpcMessage).toBe(
    'rpc error: code = Unimplemented desc = method CheckpointContainer not implemented',
  );
  expect(existsSync(join(root, 'checkpoints'))).toBe(true);
});
