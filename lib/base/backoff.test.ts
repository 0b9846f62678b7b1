import { Backoff, backoffDelay, KeyedBackoff } from './backoff.ts';
import { FakeClock } from './fake_clock.ts';

const policy = { initialMs: 100, maxMs: 1000, factor: 2, jitter: 0 };

test.each([
  [0, 0],
  [1, 100],
  [2, 200],
  [4, 800],
  [5, 1000],
  [5000, 1000],
])('after %i failures the delay is %i ms', (failures, delay) => {
  expect(backoffDelay(policy, failures)).toBe(delay);
});

test('an initial delay of 0 stays 0 however often it fails', () => {
  expect(backoffDelay({ ...policy, initialMs: 0 }, 100_000)).toBe(0);
});

test('delays grow, are capped, and start over after a success', () => {
  const backoff = new Backoff(policy);
  expect([1, 2, 3, 4, 5, 6].map(() => backoff.next())).toEqual([100, 200, 400, 800, 1000, 1000]);
  backoff.reset();
  expect(backoff.next()).toBe(100);
  expect(backoff.failures).toBe(1);
});

test('jitter shortens a delay by at most its share and never lengthens it', () => {
  expect(new Backoff({ ...policy, jitter: 0.2 }, () => 0).next()).toBe(100);
  expect(new Backoff({ ...policy, jitter: 0.2 }, () => 0.999_999).next()).toBeCloseTo(80, 2);
});

test.each([
  [{ ...policy, initialMs: -1 }, 'initialMs is -1'],
  [{ ...policy, maxMs: 50 }, 'maxMs is 50'],
  [{ ...policy, maxMs: Infinity }, 'maxMs is Infinity'],
  [{ ...policy, factor: 0.5 }, 'factor is 0.5'],
  [{ ...policy, jitter: 1.5 }, 'jitter is 1.5'],
  [{ ...policy, jitter: Number.NaN }, 'jitter is NaN'],
])('refuses %j', (bad, message) => {
  expect(() => new Backoff(bad)).toThrow(message);
  expect(() => new KeyedBackoff(bad, new FakeClock())).toThrow(message);
});

test('keys do not affect each other, and the rest of a delay runs down with time', async () => {
  const clock = new FakeClock();
  const backoff = new KeyedBackoff<string>(policy, clock);
  backoff.next('a');
  expect(backoff.next('a')).toBe(200);
  expect(backoff.next('b')).toBe(100);
  await clock.advance(150);
  expect([backoff.delayOf('a'), backoff.delayOf('b'), backoff.delayOf('c')]).toEqual([50, 0, 0]);
  expect([backoff.failures('a'), backoff.failures('b'), backoff.failures('c')]).toEqual([2, 1, 0]);
  backoff.reset('a');
  expect(backoff.next('a')).toBe(100);
});

test('a key is forgotten after twice the longest delay, also without gc', async () => {
  const clock = new FakeClock();
  const backoff = new KeyedBackoff<string>(policy, clock);
  backoff.next('a');
  backoff.next('a');
  await clock.advance(2000);
  expect(backoff.next('a')).toBe(400);
  await clock.advance(2001);
  expect(backoff.size).toBe(1);
  expect(backoff.next('b')).toBe(100);
  expect(backoff.size).toBe(1);
  expect(backoff.next('a')).toBe(100);
  await clock.advance(2001);
  backoff.gc();
  expect(backoff.size).toBe(0);
});
