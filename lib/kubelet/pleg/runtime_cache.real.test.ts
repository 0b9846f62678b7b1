/** Against a real containerd of this test's own. Needs root. */
import { systemClock } from '../../base/clock.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { nullLog } from '../../base/log.ts';
import { removable } from '../runtime/dead_containers.ts';
import { RuntimeCache } from './runtime_cache.ts';
import { realContainerd } from '../../../test/fixtures/kubelet_containerd.ts';

const real = realContainerd();

const pod = {
  metadata: { name: 'p', namespace: 'ns', uid: 'uid-1', labels: { app: 'x' } },
  spec: { containers: [] },
};

test('a pod from its sandbox to its removal', async () => {
  const { cri } = real;
  const cache = new RuntimeCache({ cri, clock: systemClock, log: nullLog });
  const changes: string[] = [];
  cache.onChange((uid) => changes.push(uid));
  expect([cache.synced, cache.problem()]).toEqual([false, 'pleg has yet to be successful']);
  await cache.relist();
  expect([cache.synced, cache.problem(), cache.pods()]).toEqual([true, undefined, []]);

  const sandbox = await real.sandbox(pod, { attempt: 2 });
  const podSandboxId = sandbox.id;
  await cache.relist();
  expect(cache.podStatus('uid-1')).toMatchObject({
    uid: 'uid-1',
    namespace: 'ns',
    name: 'p',
    sandboxes: [{ id: podSandboxId, state: 'ready', attempt: 2, ips: ['127.0.0.1'], hostNetwork: false }],
    containers: [],
  });

  const first = await sandbox.create('c', ['sh', '-c', 'exit 3']);
  await cache.inspect('uid-1');
  expect(cache.podStatus('uid-1')?.containers).toMatchObject([
    { id: first, name: 'c', state: 'created', startedAtMs: 0 },
  ]);
  await cri.startContainer({ containerId: first });
  const exited = (): boolean => cache.podStatus('uid-1')?.containers[0]?.state === 'exited';
  while (!exited()) await cache.relist();
  expect(cache.podStatus('uid-1')?.containers).toMatchObject([
    { id: first, exitCode: 3, reason: 'Error', restartCount: 0 },
  ]);

  // The newest incarnation comes first; a relist without news tells nobody.
  const second = await sandbox.create('c', ['sleep', '1000'], { attempt: 1 });
  await cri.startContainer({ containerId: second });
  await cache.relist();
  expect(cache.podStatus('uid-1')?.containers).toMatchObject([
    { id: second, state: 'running', restartCount: 1 },
    { id: first, state: 'exited' },
  ]);
  const told = changes.length;
  await cache.relist();
  expect(changes.length).toBe(told);

  // The dead one is kept for its logs; with two of them the older goes.
  const status = cache.podStatus('uid-1');
  if (status === undefined) throw new Error('no status');
  expect(removable(status)).toEqual({ containers: [], sandboxes: [] });
  await cri.stopContainer({ containerId: second, timeout: 0n });
  await cache.relist();
  const after = cache.podStatus('uid-1');
  if (after === undefined) throw new Error('no status');
  expect(removable(after).containers.map(({ id }) => id)).toEqual([first]);

  await cri.stopPodSandbox({ podSandboxId });
  await cache.relist();
  expect(cache.podStatus('uid-1')?.sandboxes).toMatchObject([{ state: 'notready' }]);
  await cri.removePodSandbox({ podSandboxId });
  await cache.relist();
  expect(cache.podStatus('uid-1')).toBeUndefined();
});

test('a runtime that is away: the view stays as it was, and says so after three minutes', async () => {
  const { containerd, cri } = real;
  const clock = new FakeClock();
  const cache = new RuntimeCache({ cri, clock, log: nullLog });
  await cache.relist();
  await containerd.kill();
  await expect(cache.relist()).rejects.toThrow('ECONNREFUSED');
  expect(cache.problem()).toBeUndefined();
  await clock.advance(181_000);
  expect(cache.problem()).toBe('pleg was last seen active 181s ago; threshold is 3m0s');
  await containerd.start();
  for (;;) {
    const done = await cache.relist().then(
      () => true,
      () => false,
    );
    if (done) break;
  }
  expect(cache.problem()).toBeUndefined();
});
