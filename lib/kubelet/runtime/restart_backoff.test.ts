import { FeatureGates } from '../../component/feature_gates.ts';
import {
  DEFAULT_RESTART_BACKOFF,
  restartBackoff,
  restartDecision,
  type RestartBackoffEntry,
} from './restart_backoff.ts';

test('K4: 0, 10, 20, 40, ... 300 s between exit and restart', () => {
  let entry: RestartBackoffEntry | undefined;
  let now = 1_000_000;
  const waits: number[] = [];
  for (let i = 0; i < 9; i++) {
    const exit = { startedAtMs: now - 100, finishedAtMs: now, restartCount: i };
    const decision = restartDecision(entry, exit, now, DEFAULT_RESTART_BACKOFF);
    const wait = decision.start ? 0 : decision.notBeforeMs - now;
    waits.push(wait / 1000);
    now += wait;
    const after = restartDecision(entry, exit, now, DEFAULT_RESTART_BACKOFF);
    if (!after.start) throw new Error('still waiting after the wait');
    entry = after.entry;
    now += 1000;
  }
  expect(waits).toEqual([0, 10, 20, 40, 80, 160, 300, 300, 300]);
});

test.each([
  ['ran over 10 minutes', { delayMs: 80_000, updatedAtMs: 0 }, 600_001, true],
  ['ran less', { delayMs: 80_000, updatedAtMs: 0 }, 599_000, false],
])('K4: %s', (_, entry, finishedAtMs, start) => {
  const exit = { startedAtMs: 0, finishedAtMs, restartCount: 3 };
  expect(restartDecision(entry, exit, finishedAtMs, DEFAULT_RESTART_BACKOFF).start).toBe(start);
});

test('K4: ten minutes it is with a shorter maximum too', () => {
  const policy = { initialMs: 1000, maxMs: 2000 };
  const after = (finishedAtMs: number) =>
    restartDecision(
      { delayMs: 2000, updatedAtMs: 0 },
      { startedAtMs: 0, finishedAtMs, restartCount: 3 },
      finishedAtMs,
      policy,
    ).start;
  expect([after(599_000), after(600_001)]).toEqual([false, true]);
});

test.each<[string, boolean, number | undefined, object]>([
  ['by default', false, undefined, { initialMs: 10_000, maxMs: 300_000 }],
  ['as configured', false, 20_000, { initialMs: 10_000, maxMs: 20_000 }],
  ['with the gate ReduceDefaultCrashLoopBackOffDecay', true, undefined, { initialMs: 1000, maxMs: 60_000 }],
  ['the configuration goes before the gate', true, 300_000, { initialMs: 1000, maxMs: 300_000 }],
])('K4: the delays %s', (_, reduced, configuredMs, policy) => {
  const gates = new FeatureGates();
  gates.set([['ReduceDefaultCrashLoopBackOffDecay', reduced]]);
  expect(restartBackoff(configuredMs, gates)).toEqual(policy);
});

test.each([
  [0, 0],
  [1, 10_000],
  [2, 20_000],
  [5, 160_000],
  [50, 300_000],
])('K4: remembered by nobody, restarted %d times: %d ms', (restartCount, delayMs) => {
  const exit = { startedAtMs: 5000, finishedAtMs: 6000, restartCount };
  const decision = restartDecision(undefined, exit, 6000, DEFAULT_RESTART_BACKOFF);
  expect(decision.start ? 0 : decision.delayMs).toBe(delayMs);
});

test('K4: a maximum below the first delay', () => {
  const policy = { initialMs: 10_000, maxMs: 2000 };
  const exit = { startedAtMs: 0, finishedAtMs: 100, restartCount: 0 };
  const first = restartDecision(undefined, exit, 100, policy);
  expect(first).toEqual({ start: true, entry: { delayMs: 2000, updatedAtMs: 100 } });
});

test('K4: the maximum can be configured', () => {
  const exit = { startedAtMs: 0, finishedAtMs: 100, restartCount: 9 };
  const decision = restartDecision(undefined, exit, 100, { initialMs: 10_000, maxMs: 30_000 });
  expect(decision.start ? 0 : decision.delayMs).toBe(30_000);
});
