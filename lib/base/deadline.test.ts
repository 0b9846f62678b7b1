import { DeadlineExceededError, withDeadline } from './deadline.ts';
import { FakeClock } from './fake_clock.ts';

test('returns what the function returns and leaves no timer behind', async () => {
  const clock = new FakeClock();
  await expect(withDeadline(100, undefined, clock, async () => 5)).resolves.toBe(5);
  await expect(
    withDeadline(100, undefined, clock, async () => Promise.reject(new Error('x'))),
  ).rejects.toThrow('x');
  const throwsAtOnce = (): Promise<void> => {
    throw new Error('early');
  };
  await expect(withDeadline(100, undefined, clock, throwsAtOnce)).rejects.toThrow('early');
  expect(clock.pending).toBe(0);
});

test('rejects at the deadline even if the function ignores its signal, and tells it', async () => {
  const clock = new FakeClock();
  let seen: AbortSignal | undefined;
  const result = withDeadline(100, undefined, clock, (signal) => {
    seen = signal;
    return new Promise(() => undefined);
  });
  const rejected = result.catch((err: unknown) => err);
  await clock.advance(99);
  expect(seen?.aborted).toBe(false);
  await clock.advance(1);
  expect(await rejected).toEqual(new DeadlineExceededError(100));
  expect(seen?.reason).toBeInstanceOf(DeadlineExceededError);
});

test('an outer abort passes through with its reason and frees the timer', async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const result = withDeadline(100, stop.signal, clock, (signal) => clock.sleep(50, signal));
  stop.abort(new Error('stopping'));
  await expect(result).rejects.toThrow('stopping');
  expect(clock.pending).toBe(0);
});

test('neither an aborted signal nor an elapsed deadline starts the work', async () => {
  const clock = new FakeClock();
  const fn = jest.fn(async () => 1);
  await expect(withDeadline(100, AbortSignal.abort(new Error('gone')), clock, fn)).rejects.toThrow('gone');
  await expect(withDeadline(0, undefined, clock, fn)).rejects.toThrow(DeadlineExceededError);
  await expect(withDeadline(-5, undefined, clock, fn)).rejects.toThrow('within 0 ms');
  expect(fn).not.toHaveBeenCalled();
});
