import { FakeClock } from '../../base/fake_clock.ts';
import { pod } from '../testing/objects.ts';
import { WaitingPods } from './waiting_pods.ts';

function setup(timeouts: Record<string, number>) {
  const clock = new FakeClock();
  const waiting = new WaitingPods(clock);
  const p = pod('p');
  const stop = new AbortController();
  waiting.add(p, 'n', new Map(Object.entries(timeouts)));
  return {
    clock,
    waiting,
    p,
    stop,
    outcome: waiting.wait(p, stop.signal),
    word: waiting.get(p.metadata.uid ?? ''),
  };
}

test('S1: a pod goes on when every plugin has allowed it', async () => {
  const { waiting, word, outcome } = setup({ A: 1000, B: 1000 });
  word?.allow('A');
  expect(word?.pendingPlugins()).toEqual(['B']);
  word?.allow('B');
  expect(await outcome).toBeUndefined();
  expect(waiting.size).toBe(0);
});

test('S1: one rejection is enough', async () => {
  const { waiting, p, outcome } = setup({ A: 1000, B: 1000 });
  expect(waiting.reject(p, 'A', 'no licence left')).toBe(true);
  expect(await outcome).toMatchObject({ code: 'Unschedulable', reasons: ['no licence left'], plugin: 'A' });
});

test('S1: time runs out by the shortest of the waits', async () => {
  const { clock, outcome } = setup({ A: 60_000, B: 1000 });
  await clock.advance(1000);
  expect(await outcome).toMatchObject({
    code: 'Unschedulable',
    reasons: ['rejected due to timeout after waiting 1s at plugin B'],
  });
});

test('S1: the end of the scheduler is an error of the wait, not a refusal', async () => {
  const { stop, outcome } = setup({ A: 1000 });
  stop.abort(new Error('stopping'));
  expect(await outcome).toMatchObject({ code: 'Error' });
});

test('S1: a pod that does not wait goes on at once, and is not there to be rejected', async () => {
  const waiting = new WaitingPods(new FakeClock());
  const p = pod('p');
  expect(await waiting.wait(p, new AbortController().signal)).toBeUndefined();
  expect(waiting.reject(p, 'A', 'x')).toBe(false);
});
