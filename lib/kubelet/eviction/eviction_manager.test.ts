import type { Pod } from '../../api/types.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { nullLog, RecordingLog } from '../../base/log.ts';
import { EvictionManager, type EvictionOptions } from './eviction_manager.ts';
import type { Observation } from './pressure.ts';
import type { DiskLayout } from './ranking.ts';
import type { Signal, Threshold } from './thresholds.ts';

const signal = new AbortController().signal;
const memory: Threshold = {
  signal: 'memory.available',
  amount: { bytes: 100 },
  graceMs: 0,
  hard: true,
  minReclaim: undefined,
};
const disk: Threshold = { ...memory, signal: 'nodefs.available' };

function pod(name: string, spec: Partial<Pod['spec']> = {}): Pod {
  return { metadata: { name, namespace: 'ns', uid: name }, spec: { containers: [{ name: 'c' }], ...spec } };
}

function setUp(pods: Pod[], over: Partial<EvictionOptions> = {}) {
  const clock = new FakeClock();
  const state = {
    pods,
    signals: new Map<Signal, Observation>(),
    used: new Map<string, number>(),
    cleaned: new Set<string>(),
    reclaimed: [] as string[],
    changes: 0,
  };
  const ages: string[] = [];
  const annotated: (Readonly<Record<string, string>> | undefined)[] = [];
  const evicted: string[] = [];
  const signals: string[] = [];
  const events: string[] = [];
  const manager = new EvictionManager({
    thresholds: [memory, disk],
    transitionMs: 0,
    maxPodGraceSeconds: 0,
    storageLimits: true,
    pods: {
      active: () => state.pods,
      evict: (victim, { message, reason, disruption = 'no disruption' }, grace) => {
        state.pods = state.pods.filter((other) => other !== victim);
        evicted.push(`${victim.metadata.name} ${reason} ${disruption} ${grace}s: ${message}`);
      },
      cleaned: (uid) => state.cleaned.has(uid),
    },
    observe: () => Promise.resolve({ signals: state.signals, dedicatedImageFs: false }),
    use: (asked) =>
      Promise.resolve(
        asked.map((found) => ({
          pod: found,
          containers: [
            {
              name: 'c',
              memoryBytes: state.used.get(found.metadata.name) ?? 0,
              rootfs: undefined,
              logs: undefined,
            },
          ],
          volumes: new Map([['v', { bytes: state.used.get(found.metadata.name) ?? 0, inodes: 1 }]]),
          processes: undefined,
        })),
      ),
    reclaimDisk: (what) => {
      state.reclaimed.push(what);
      return Promise.resolve();
    },
    acted: (what, seconds) => void ages.push(`${what} ${seconds}`),
    evicted: (what) => void signals.push(what),
    pressureChanged: () => void state.changes++,
    events: {
      pod: (about, _type, reason, _message, annotations) => {
        events.push(`${about.metadata.name} ${reason}`);
        annotated.push(annotations);
      },
      node: (_type, reason, message) => void events.push(`node ${reason} ${message}`),
    },
    timeline: { record: () => undefined },
    clock,
    log: nullLog,
    ...over,
  });
  const see = (name: Signal, available: number): void => {
    state.signals = new Map(state.signals).set(name, { available, capacity: 1000 });
  };
  return { manager, clock, state, evicted, events, see, signals, ages, annotated };
}

test('K22: memory: the pod that uses most beyond its request goes, at once, and the node says so', async () => {
  const { manager, state, evicted, events, see, signals, annotated } = setUp([pod('small'), pod('large')]);
  state.used.set('large', 50).set('small', 5);
  see('memory.available', 500);
  expect(await manager.synchronize(signal)).toBeUndefined();
  expect(manager.pressure.memory).toBe(false);
  see('memory.available', 50);
  expect((await manager.synchronize(signal))?.metadata.name).toBe('large');
  expect(manager.pressure).toEqual({ memory: true, disk: false, pid: false });
  expect(state.changes).toBe(1);
  expect(signals).toEqual(['memory.available']);
  expect(events).toEqual(['node EvictionThresholdMet Attempting to reclaim memory', 'large Evicted']);
  expect(evicted).toEqual([
    'large Evicted TerminationByKubelet 1s: The node was low on resource: memory. Threshold quantity: 100, available: 50. ' +
      'Container c was using 50, request is 0, has larger consumption of memory. ',
  ]);
  expect(annotated).toEqual([
    { offending_containers: 'c', offending_containers_usage: '50', starved_resource: 'memory' },
  ]);
});

test('K22: the next eviction waits for the effect of the last, and at most half a minute', async () => {
  const { manager, clock, state, evicted, see } = setUp([pod('a'), pod('b'), pod('c')]);
  see('memory.available', 50);
  await manager.synchronize(signal);
  await clock.advance(10_000);
  expect(await manager.synchronize(signal)).toBeUndefined();
  state.cleaned.add('a');
  expect((await manager.synchronize(signal))?.metadata.name).toBe('b');
  await clock.advance(30_000);
  expect((await manager.synchronize(signal))?.metadata.name).toBe('c');
  expect(evicted).toHaveLength(3);
});

const annotated = (
  name: string,
  annotations: Record<string, string>,
  spec: Partial<Pod['spec']> = {},
): Pod => ({
  ...pod(name, spec),
  metadata: { ...pod(name).metadata, annotations },
});

test.each([
  ['of system-cluster-critical', pod('critical', { priority: 2_000_000_000 })],
  ['of system-node-critical', pod('critical', { priority: 2_000_001_000 })],
  ['static', annotated('static', { 'kubernetes.io/config.source': 'file' })],
  ['mirrors', annotated('mirror', { 'kubernetes.io/config.mirror': 'x' })],
])(
  'K22: critical pods stay, whatever the node is short of and whatever their limits: %s',
  async (_, critical) => {
    const volumes = [{ name: 'v', emptyDir: { sizeLimit: '10' } }];
    const limited = { ...critical, spec: { ...critical.spec, volumes } };
    const { manager, state, evicted, see } = setUp([limited]);
    state.used.set(critical.metadata.name, 1000);
    see('memory.available', 1);
    expect(await manager.synchronize(signal)).toBeUndefined();
    await manager.checkLimits(signal);
    expect(evicted).toEqual([]);
    expect(manager.pressure.memory).toBe(true);
  },
);

test('K22: the most important of those that may go goes, where others may not', async () => {
  const { manager, evicted, see } = setUp([
    pod('critical', { priority: 2_000_000_000 }),
    pod('important', { priority: 1_999_999_999 }),
  ]);
  see('memory.available', 1);
  expect((await manager.synchronize(signal))?.metadata.name).toBe('important');
  expect(evicted).toHaveLength(1);
});

test('K22: soft thresholds: the node says so at once, pods go after the grace period, and none once it is over', async () => {
  const soft: Threshold = { ...memory, hard: false, graceMs: 30_000 };
  const { manager, clock, evicted, see } = setUp([pod('a')], { thresholds: [soft], transitionMs: 60_000 });
  see('memory.available', 50);
  await manager.synchronize(signal);
  await clock.advance(29_000);
  await manager.synchronize(signal);
  expect([manager.pressure.memory, evicted]).toEqual([true, []]);
  see('memory.available', 500);
  await manager.synchronize(signal);
  await clock.advance(10_000);
  await manager.synchronize(signal);
  // The condition stays for evictionPressureTransitionPeriod, without anybody having to go.
  expect([manager.pressure.memory, evicted]).toEqual([true, []]);
  await clock.advance(50_000);
  await manager.synchronize(signal);
  expect(manager.pressure.memory).toBe(false);
  see('memory.available', 50);
  await manager.synchronize(signal);
  await clock.advance(30_000);
  expect((await manager.synchronize(signal))?.metadata.name).toBe('a');
});

test('K22: disk: what nobody uses goes first, and where that is enough no pod does', async () => {
  const { manager, state, evicted, see } = setUp([pod('a')], {
    reclaimDisk: () => {
      see('nodefs.available', 500);
      return Promise.resolve();
    },
  });
  see('nodefs.available', 50);
  expect(await manager.synchronize(signal)).toBeUndefined();
  expect(manager.pressure.disk).toBe(true);
  expect(evicted).toEqual([]);
  expect(state.pods).toHaveLength(1);
});

test('K22: disk: where it is not enough a pod goes', async () => {
  const { manager, state, see } = setUp([pod('a')]);
  see('nodefs.available', 50);
  expect((await manager.synchronize(signal))?.metadata.name).toBe('a');
  expect(state.reclaimed).toEqual(['containers', 'images']);
});

test('K22: disk: a pod goes also where freeing what nobody uses fails', async () => {
  const log = new RecordingLog();
  const { manager, see } = setUp([pod('a')], {
    reclaimDisk: (what) => Promise.reject(new Error(`cannot remove ${what}`)),
    log,
  });
  see('nodefs.available', 50);
  expect((await manager.synchronize(signal))?.metadata.name).toBe('a');
  expect(log.entries.filter(({ msg }) => msg.includes('unexpected error'))).toHaveLength(2);
});

test.each<[string, Signal, DiskLayout, string[]]>([
  ['one file system', 'nodefs.inodesFree', { dedicatedImageFs: false }, ['containers', 'images']],
  ['images apart: nothing of theirs helps the node', 'nodefs.available', { dedicatedImageFs: true }, []],
  ['images apart', 'imagefs.available', { dedicatedImageFs: true }, ['containers', 'images']],
  [
    'images apart, layers on the node',
    'nodefs.available',
    { dedicatedImageFs: true, splitContainerFs: true },
    ['containers'],
  ],
  [
    'images apart, layers on the node: images',
    'imagefs.inodesFree',
    { dedicatedImageFs: true, splitContainerFs: true },
    ['images'],
  ],
  ['memory', 'memory.available', { dedicatedImageFs: false }, []],
])('K22: what is freed before a pod goes: %s', async (_what, name, layout, freed) => {
  const signals = new Map([[name, { available: 1, capacity: 1000 }]]);
  const { manager, state } = setUp([pod('a')], {
    thresholds: [{ ...memory, signal: name }],
    observe: () => Promise.resolve({ signals, ...layout }),
  });
  expect((await manager.synchronize(signal))?.metadata.name).toBe('a');
  expect(state.reclaimed).toEqual(freed);
});

test('K22: the age of the figures that an eviction stands on is told', async () => {
  const { manager, clock, see, ages } = setUp([pod('a')], {
    reclaimDisk: async () => {
      await clock.advance(2000);
    },
  });
  see('nodefs.available', 50);
  await manager.synchronize(signal);
  expect(ages).toEqual(['nodefs.available 4']);
});

test.each([
  ['by the configuration', 10, 10],
  ['at least one second', 0, 1],
  ["by the pod's own, when negative", -1, 45],
])('K22: soft evictions give grace %s', async (_what, maxPodGraceSeconds, seconds) => {
  const { manager, evicted, see } = setUp([pod('a', { terminationGracePeriodSeconds: 45 })], {
    thresholds: [{ ...memory, hard: false }],
    maxPodGraceSeconds,
  });
  see('memory.available', 50);
  await manager.synchronize(signal);
  expect(evicted[0]).toContain(` ${seconds}s: `);
});

test('K22: pods over the limits of their own go without any pressure; others are not even measured', async () => {
  const limit = { volumes: [{ name: 'v', emptyDir: { sizeLimit: '10' } }] };
  const { manager, state, evicted, signals } = setUp([pod('over', limit), pod('within', limit), pod('free')]);
  state.used.set('over', 11).set('within', 10).set('free', 1000);
  await manager.checkLimits(signal);
  expect(evicted).toEqual([
    // Its own doing, and no disruption: a Job must not start it over for free.
    'over Evicted no disruption 1s: Usage of EmptyDir volume "v" exceeds the limit "10". ',
  ]);
  expect(signals).toEqual(['emptydirfs.limit']);
});

/** Runs the manager's loops until the callback is done. */
async function running(
  { manager, clock }: Pick<ReturnType<typeof setUp>, 'manager' | 'clock'>,
  act: () => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const ended = manager.run(stop.signal);
  await clock.advance(1);
  await act();
  stop.abort();
  await clock.advance(10_000);
  await ended;
}

test('K22: as soon as an evicted pod is gone the node is looked at again', async () => {
  const scene = setUp([pod('a'), pod('b')]);
  const { clock, state, evicted, see } = scene;
  see('memory.available', 50);
  await running(scene, async () => {
    expect(evicted).toHaveLength(1);
    state.cleaned.add('a');
    await clock.advance(1000);
    expect(evicted).toHaveLength(2);
  });
});

test('K22: memory that falls below a threshold is seen within a second where kernelMemcgNotification asks for it', async () => {
  let available = 500;
  const scene = setUp([pod('a')], {
    observe: () =>
      Promise.resolve({
        signals: new Map([['memory.available', { available, capacity: 1000 }]] as const),
        dedicatedImageFs: false,
      }),
    memory: () => Promise.resolve({ available, capacity: 1000 }),
  });
  await running(scene, async () => {
    await scene.clock.advance(2000);
    expect(scene.evicted).toEqual([]);
    available = 50;
    await scene.clock.advance(1000);
    expect(scene.evicted).toHaveLength(1);
  });
});

test('K22: a look that fails is followed by another', async () => {
  let fail = true;
  const { manager, clock, state } = setUp([], {
    observe: () => {
      if (fail) return Promise.reject(new Error('cannot read'));
      return Promise.resolve({
        signals: new Map([['memory.available', { available: 1, capacity: 10 }]] as const),
        dedicatedImageFs: false,
      });
    },
  });
  const stop = new AbortController();
  const running = manager.run(stop.signal);
  await clock.advance(1);
  fail = false;
  await clock.advance(10_000);
  expect(state.changes).toBe(1);
  stop.abort();
  await clock.advance(10_000);
  await running;
});
