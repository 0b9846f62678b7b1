import { FakeClock } from '../base/fake_clock.ts';
import { TokenBucket } from './rate_limit.ts';

test('a burst goes at once, the rest at the rate, in order', async () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(10, 3, clock);
  const taken: [number, number][] = [];
  const all = Promise.all(
    [0, 1, 2, 3, 4, 5].map((i) => bucket.take().then(() => taken.push([i, clock.monotonic()]))),
  );
  await clock.advance(1_000);
  await all;
  expect(taken).toEqual([0, 1, 2].map((i) => [i, 0]).concat([3, 4, 5].map((i) => [i, (i - 2) * 100])));
});

test('idle time refills it up to the burst, no further', async () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(10, 2, clock);
  expect([bucket.tryTake(), bucket.tryTake(), bucket.tryTake()]).toEqual([true, true, false]);
  await clock.advance(60_000);
  expect(bucket.full).toBe(true);
  expect([bucket.tryTake(), bucket.tryTake(), bucket.tryTake()]).toEqual([true, true, false]);
});

test('a caller that gives up does not use a token', async () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(1, 1, clock);
  await bucket.take();
  const stop = new AbortController();
  const given = bucket.take(stop.signal);
  stop.abort(new Error('gave up'));
  await expect(given).rejects.toThrow('gave up');
  await clock.advance(1_000);
  expect(bucket.tryTake()).toBe(true);
});

test.each([0, -1])('a rate of %d means no limit', async (qps) => {
  const bucket = new TokenBucket(qps, 1, new FakeClock());
  for (let i = 0; i < 1_000; i++) await bucket.take();
});
