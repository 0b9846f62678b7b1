import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '../../base/fake_clock.ts';
import type { PodRef } from '../contracts.ts';
import { runtimeContainer, runtimePod, runtimeSandbox } from '../testing/runtime_pod.ts';
import { PodRemover } from './pod_remover.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsk-remover-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function scene(options: { tearingDown?: () => boolean; removal?: () => Promise<void> } = {}) {
  const told: string[] = [];
  const tell = (what: string): Promise<Record<string, never>> => {
    told.push(what);
    return Promise.resolve({});
  };
  const clock = new FakeClock();
  const remover = new PodRemover({
    clock,
    dirs: { root, podLogs: '', containerLogs: '' },
    cri: {
      removeContainer: async (request) => {
        await options.removal?.();
        return tell(`remove ${request?.containerId}`);
      },
    },
    cache: {
      inspect: () => Promise.resolve(),
      podStatus: () =>
        runtimePod([runtimeContainer('a', { state: 'exited' })], {
          sandboxes: [runtimeSandbox({ state: 'notready', ips: [] })],
        }),
    },
    stop: {
      removeSandbox: (id) => tell(`remove ${id}`).then(() => undefined),
      get isTearingDown() {
        return options.tearingDown?.() === true;
      },
    },
    logs: {
      unlink: () => Promise.resolve(),
      removePod: ({ uid }) => tell(`logs ${uid}`).then(() => undefined),
    },
  });
  return { clock, remover, told };
}

const ref = (uid: string): PodRef => ({ uid, namespace: 'ns', name: 'p' });
const { signal } = new AbortController();

test('K5: containers, sandboxes, logs and the directory of the pod go', async () => {
  const { remover, told } = scene();
  mkdirSync(join(root, 'pods/u/etc-hosts'), { recursive: true });
  await remover.remove(ref('u'), signal);
  expect(told).toEqual(['remove a-id', 'remove s', 'logs u']);
  expect(existsSync(join(root, 'pods/u'))).toBe(false);
});

test('K5: few are removed at once, and one that hangs holds up nobody for long', async () => {
  let begun = 0;
  const hangs = new Promise<void>(() => undefined);
  const { clock, remover } = scene({
    removal: () => {
      begun++;
      return hangs;
    },
  });
  for (let i = 0; i < availableParallelism() + 1; i++) void remover.remove(ref(`u${i}`), signal);
  await clock.advance(4999);
  expect(begun).toBe(availableParallelism());
  await clock.advance(1);
  expect(begun).toBe(availableParallelism() + 1);
});

test('K5: pods that end come first, for ten seconds at most', async () => {
  let tearingDown = true;
  const { clock, remover, told } = scene({ tearingDown: () => tearingDown });
  const first = remover.remove(ref('u1'), signal);
  await clock.advance(4000);
  expect(told).toEqual([]);
  tearingDown = false;
  await clock.advance(250);
  await first;
  expect(told).toEqual(['remove a-id', 'remove s', 'logs u1']);
  tearingDown = true;
  const second = remover.remove(ref('u2'), signal);
  await clock.advance(9999);
  expect(told).toHaveLength(3);
  await clock.advance(1);
  await second;
  expect(told).toHaveLength(6);
});
