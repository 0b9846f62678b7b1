import { FakeClock } from '../../base/fake_clock.ts';
import { RecordingLog } from '../../base/log.ts';
import type { RuntimeClient } from '../../cri/runtime_client.ts';
import type { ContainerRuntimeState, PodRuntimeStatus } from '../contracts.ts';
import type { RuntimeCache } from '../pleg/runtime_cache.ts';
import { ContainerGc } from './container_gc.ts';
import type { ContainerLogsDir } from './container_logs_dir.ts';
import type { DeadContainerLimits } from './dead_containers.ts';
import { runtimeContainer, runtimePod, runtimeSandbox } from '../testing/runtime_pod.ts';

type Entry = readonly [id: string, name: string, state: ContainerRuntimeState, sandboxId?: string];

function statusOf(
  containers: readonly Entry[],
  sandboxes: readonly (readonly [string, 'ready' | 'notready'])[],
) {
  return runtimePod(
    containers.map(([id, name, state, sandboxId = 's1']) =>
      runtimeContainer(name, { id, state, sandboxId, logPath: `/logs/${id}` }),
    ),
    {
      sandboxes: sandboxes.map(([id, state], i) =>
        runtimeSandbox({ id, state, attempt: sandboxes.length - i, ips: [] }),
      ),
    },
  );
}

function scene(pods: readonly PodRuntimeStatus[], refuse?: string, limits?: DeadContainerLimits) {
  const told: string[] = [];
  const clock = new FakeClock();
  const log = new RecordingLog();
  const note = async (what: string): Promise<void> => {
    if (what === refuse) throw new Error('refused');
    told.push(what);
  };
  /* oxlint-disable typescript/no-unsafe-type-assertion -- the calls that are made */
  const gc = new ContainerGc({
    cri: {
      removeContainer: ({ containerId }: { containerId: string }) => note(`remove ${containerId}`),
    } as unknown as RuntimeClient,
    stop: { removeSandbox: (id) => note(`remove sandbox ${id}`) },
    cache: { pods: () => pods, inspect: (uid: string) => note(`look at ${uid}`) } as unknown as RuntimeCache,
    logs: {
      unlink: (_ref: unknown, _name: string, id: string) => note(`unlink ${id}`),
      removeLog: (path: string) => note(`log ${path}`),
    } as unknown as ContainerLogsDir,
    ...(limits === undefined ? {} : { limits }),
    clock,
    log,
  });
  /* oxlint-enable typescript/no-unsafe-type-assertion */
  return { gc, told, clock, log };
}

// Newest first, as the cache has them.
test.each<[string, Parameters<typeof statusOf>, string[]]>([
  [
    'the newest dead one of each container stays',
    [
      [
        ['a3', 'a', 'running'],
        ['a2', 'a', 'exited'],
        ['a1', 'a', 'exited'],
        ['b1', 'b', 'exited'],
      ],
      [['s1', 'ready']],
    ],
    ['remove a1', 'unlink a1', 'log /logs/a1', 'look at u'],
  ],
  [
    'one of which nothing is known stays, and counts as dead',
    [
      [
        ['a2', 'a', 'unknown'],
        ['a1', 'a', 'exited'],
      ],
      [['s1', 'ready']],
    ],
    ['remove a1', 'unlink a1', 'log /logs/a1', 'look at u'],
  ],
  [
    'an old sandbox goes when nothing is in it any more',
    [
      [
        ['a3', 'a', 'running', 's3'],
        ['a2', 'a', 'exited', 's2'],
        ['a1', 'a', 'exited', 's1'],
      ],
      [
        ['s3', 'ready'],
        ['s2', 'notready'],
        ['s1', 'notready'],
      ],
    ],
    ['remove a1', 'unlink a1', 'log /logs/a1', 'remove sandbox s1', 'look at u'],
  ],
  ['the newest sandbox stays, also when it has ended', [[], [['s1', 'notready']]], []],
  [
    'a sandbox that is up stays',
    [
      [],
      [
        ['s2', 'ready'],
        ['s1', 'ready'],
      ],
    ],
    [],
  ],
])('K24: %s', async (_what, [containers, sandboxes], expected) => {
  const { gc, told } = scene([statusOf(containers, sandboxes)]);
  await gc.collect(new AbortController().signal);
  expect(told).toEqual(expected);
});

test.each<[string, Partial<DeadContainerLimits>, string[]]>([
  ['two of each', { perContainer: 2 }, ['a1']],
  ['all of each', { perContainer: -1 }, []],
  ['never none of each', { perContainer: 0 }, ['a2', 'a1', 'b1']],
  ['the share of each, where there are too many', { perContainer: -1, total: 4 }, ['a1']],
  ['one of each, however few are wanted', { perContainer: -1, total: 0 }, ['a2', 'a1', 'b1']],
  ['what is not old enough', { minAgeMs: Number.MAX_SAFE_INTEGER }, []],
  ['one of each of what is', { minAgeMs: 60_000 }, ['a2', 'a1', 'b1']],
])('K24: kept are %s', async (_, limits, removed) => {
  const dead = (['a3', 'a2', 'a1', 'b2', 'b1'] as const).map((id) => [id, id.charAt(0), 'exited'] as const);
  const all = { perContainer: 1, total: -1, minAgeMs: 0, ...limits };
  const { gc, told } = scene([statusOf(dead, [['s1', 'ready']])], undefined, all);
  await gc.collect(new AbortController().signal);
  expect(told.filter((what) => what.startsWith('remove ')).map((what) => what.slice(7))).toEqual(removed);
});

test('K24: goes round every minute; a failure is said and does not end it', async () => {
  const pod = statusOf(
    [
      ['a2', 'a', 'exited'],
      ['a1', 'a', 'exited'],
    ],
    [['s1', 'ready']],
  );
  const { gc, clock, log } = scene([pod], 'remove a1');
  const stop = new AbortController();
  const running = gc.run(stop.signal);
  await clock.advance(59_999);
  expect(log.messages).toEqual([]);
  await clock.advance(60_001);
  expect(log.messages).toEqual(Array(2).fill('Container garbage collection failed'));
  stop.abort();
  await running;
});

test('K24: remains that cannot be removed keep nobody else waiting', async () => {
  const dead = (id: string) =>
    statusOf(
      [
        [`${id}2`, 'a', 'exited'],
        [`${id}1`, 'a', 'exited'],
      ],
      [['s1', 'ready']],
    );
  const { gc, told } = scene([dead('x'), dead('y')], 'remove x1');
  await gc.collect(new AbortController().signal);
  expect(told).toEqual(['remove y1', 'unlink y1', 'log /logs/y1', 'look at u']);
});
