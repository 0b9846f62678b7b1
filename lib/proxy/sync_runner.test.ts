import { FakeClock } from '../base/fake_clock.ts';
import { SyncRunner } from './sync_runner.ts';

function setUp(
  overrides: { minIntervalMs?: number; sync?: () => Promise<void>; periodic?: () => Promise<void> } = {},
) {
  const clock = new FakeClock();
  const at: number[] = [];
  const periods: number[] = [];
  const errors: number[] = [];
  const stop = new AbortController();
  const runner: SyncRunner = new SyncRunner({
    clock,
    minIntervalMs: 1000,
    periodMs: 30_000,
    periodic: async () => {
      periods.push(clock.monotonic());
    },
    onError: (_err, retryInMs) => errors.push(retryInMs),
    random: () => 0.5,
    ...overrides,
    sync: async () => {
      at.push(clock.monotonic());
      await overrides.sync?.();
    },
  });
  const done = runner.run(stop.signal);
  return { clock, at, periods, errors, runner, stop, done };
}

test('P11: a change after quiet is brought into force at once', async () => {
  const { clock, at, runner } = setUp();
  await clock.advance(5000);
  runner.request();
  await clock.advance(0);
  expect(at).toEqual([5000]);
});

test.each<[string, number, number, readonly number[]]>([
  ['comes half a second early where syncs are cheap', 1000, 10, [0, 500, 1000, 1500]],
  ['earlier by as much as a tenth of the time allows', 1000, 80, [0, 800, 1600]],
  ['is the one asked for where syncs are dear', 1000, 150, [0, 1000, 2000]],
  ['is a long one, less half a second', 10_000, 10, [0, 9500]],
  ['is a short one, where a tenth of the time is more', 200, 50, [0, 200, 400]],
])('P11: many changes make one sync per interval; the interval %s', async (_, minIntervalMs, took, begun) => {
  const { clock, at, runner } = setUp({ minIntervalMs, sync: () => clock.sleep(took) });
  const last = begun.at(-1) ?? NaN;
  while (clock.monotonic() < last) {
    runner.request();
    await clock.advance(10);
  }
  expect(at.filter((time) => time <= last)).toEqual(begun);
  at.length = 0;
  await clock.advance(20_000);
  expect(at.length).toBeLessThanOrEqual(1); // the last change is not lost, and there is nothing after it
});

test('P11: interval 0: each change at once', async () => {
  const { clock, at, runner } = setUp({ minIntervalMs: 0 });
  runner.request();
  await clock.advance(10);
  runner.request();
  await clock.advance(10);
  expect(at).toEqual([0, 10]);
});

test('P11: a change during a sync is followed by another sync', async () => {
  let release: (() => void) | undefined;
  const { clock, at, runner } = setUp({ sync: () => new Promise((resolve) => (release = resolve)) });
  runner.request();
  await clock.advance(0);
  runner.request();
  await clock.advance(2000);
  expect(at).toEqual([0]);
  release?.();
  await clock.advance(0);
  expect(at).toEqual([0, 2000]);
});

test('P11: failures are tried again with growing delay, and success ends that', async () => {
  let failures = 3;
  const { clock, at, errors, runner } = setUp({
    minIntervalMs: 0,
    sync: async () => {
      if (failures-- > 0) throw new Error('busy');
    },
  });
  runner.request();
  await clock.advance(60_000);
  expect(at).toHaveLength(4);
  expect(errors).toHaveLength(3);
  expect(errors[2]).toBeGreaterThan((errors[0] ?? 0) * 2);
});

test.each([3_600_000, -3_600_000])(
  'the wall clock is set by %i ms: nothing runs sooner or later',
  async (ms) => {
    const { clock, at, periods, runner } = setUp();
    runner.request();
    await clock.advance(500);
    clock.stepWall(ms);
    runner.request();
    await clock.advance(30_000);
    expect([at, periods]).toEqual([[0, 500], [30_000]]);
  },
);

test('P11: without changes only the periodic check runs', async () => {
  const { clock, at, periods } = setUp();
  await clock.advance(90_000);
  expect([at, periods]).toEqual([[], [30_000, 60_000, 90_000]]);
});

test('P11: a failed periodic check makes a sync', async () => {
  const { clock, at, errors } = setUp({ periodic: () => Promise.reject(new Error('cannot look')) });
  await clock.advance(31_000);
  expect([errors.length, at.length]).toEqual([1, 1]);
});

test('P11: stops with the signal, after the sync under way', async () => {
  let release: (() => void) | undefined;
  const { clock, runner, stop, done } = setUp({ sync: () => new Promise((resolve) => (release = resolve)) });
  runner.request();
  await clock.advance(0);
  stop.abort();
  let ended = false;
  const watched = done.then(() => (ended = true));
  await clock.advance(1000);
  expect(ended).toBe(false);
  release?.();
  await watched;
  expect(clock.pending).toBe(0);
});
