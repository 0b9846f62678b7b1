import { FakeClock } from './fake_clock.ts';
import { KeyedQueue } from './queue.ts';

const backoff = { initialMs: 10, maxMs: 1000, factor: 2, jitter: 0 };
const never = new AbortController().signal;

function setUp(): { clock: FakeClock; queue: KeyedQueue<string> } {
  const clock = new FakeClock();
  return { clock, queue: new KeyedQueue<string>({ clock, backoff }) };
}

test('keys come out in the order they went in, each once', async () => {
  const { queue } = setUp();
  for (const key of ['a', 'b', 'a', 'c']) queue.add(key);
  expect(queue.length).toBe(3);
  expect([await queue.get(never), await queue.get(never), await queue.get(never)]).toEqual(['a', 'b', 'c']);
  expect(queue.length).toBe(0);
});

test('a key added while in process is handed out again only when that is done', async () => {
  const { queue } = setUp();
  queue.add('a');
  await queue.get(never);
  queue.add('a');
  queue.add('b');
  expect(await queue.get(never)).toBe('b');
  expect(queue.length).toBe(0);
  queue.done('a');
  expect(await queue.get(never)).toBe('a');
});

test('get waits for a key; an aborted wait does not swallow one', async () => {
  const { queue } = setUp();
  const stop = new AbortController();
  const aborted = queue.get(stop.signal);
  const waiting = queue.get(never);
  stop.abort(new Error('stop'));
  await expect(aborted).rejects.toThrow('stop');
  queue.add('a');
  expect(await waiting).toBe('a');
  await expect(queue.get(stop.signal)).rejects.toThrow('stop');
});

test('delayed keys: the earliest delay counts, add overrides, a ready key stays ready', async () => {
  const { clock, queue } = setUp();
  queue.addAfter('a', 100);
  queue.addAfter('a', 50);
  queue.addAfter('a', 200);
  queue.addAfter('b', 100);
  queue.add('b');
  queue.add('c');
  queue.addAfter('c', 10);
  queue.addAfter('d', 0);
  expect([queue.length, queue.delayedCount, clock.pending]).toEqual([3, 1, 1]);
  await clock.advance(49);
  expect(queue.length).toBe(3);
  await clock.advance(1);
  expect([queue.length, clock.pending]).toEqual([4, 0]);
});

test('removed keys are gone, also delayed and re-added ones', async () => {
  const { clock, queue } = setUp();
  queue.add('busy');
  await queue.get(never);
  queue.add('busy');
  queue.add('ready');
  queue.addAfter('later', 10);
  for (const key of ['busy', 'ready', 'later']) queue.remove(key);
  queue.done('busy');
  await clock.advance(20);
  expect([queue.length, queue.delayedCount]).toEqual([0, 0]);
});

test('a failing key is retried with growing delays while others go on; success forgets', async () => {
  const { clock, queue } = setUp();
  const stop = new AbortController();
  const times: number[] = [];
  const errors: string[] = [];
  const others: string[] = [];
  const start = clock.monotonic();
  const running = queue.run({
    workers: 1,
    signal: stop.signal,
    onError: (err, key) => errors.push(`${key}: ${String(err)}`),
    handle: async (key) => {
      if (key !== 'bad') {
        others.push(key);
        return;
      }
      times.push(clock.monotonic() - start);
      if (times.length < 4) throw new Error('boom');
    },
  });
  queue.add('bad');
  queue.add('good');
  await clock.advance(1000);
  expect(times).toEqual([0, 10, 30, 70]);
  expect(errors).toEqual(['bad: Error: boom', 'bad: Error: boom', 'bad: Error: boom']);
  expect(others).toEqual(['good']);
  queue.addRateLimited('bad');
  await clock.advance(10);
  expect(times).toHaveLength(5);
  stop.abort(new Error('stop'));
  await running;
});

test('as many keys at once as there are workers, never one key twice', async () => {
  const { clock, queue } = setUp();
  const stop = new AbortController();
  const busy = new Set<string>();
  let most = 0;
  let handled = 0;
  const running = queue.run({
    workers: 3,
    signal: stop.signal,
    handle: async (key, signal) => {
      expect(busy.has(key)).toBe(false);
      busy.add(key);
      most = Math.max(most, busy.size);
      if (handled < 20) queue.add(key);
      await clock.sleep(10, signal);
      handled++;
      busy.delete(key);
    },
  });
  for (const key of ['a', 'b', 'c', 'd', 'e']) queue.add(key);
  await clock.advance(1000);
  expect(most).toBe(3);
  expect(handled).toBeGreaterThanOrEqual(20);
  stop.abort(new Error('stop'));
  await running;
});

test('stopping waits for the handlers, reports no abort as an error and drops delays', async () => {
  const { clock, queue } = setUp();
  const stop = new AbortController();
  const errors: unknown[] = [];
  let cleanedUp = false;
  const running = queue.run({
    workers: 2,
    signal: stop.signal,
    onError: (err) => errors.push(err),
    handle: async (_key, signal) => {
      try {
        await clock.sleep(1000, signal);
      } finally {
        await Promise.resolve();
        cleanedUp = true;
      }
    },
  });
  queue.add('a');
  queue.addAfter('later', 5000);
  await clock.advance(1);
  stop.abort(new Error('stop'));
  await running;
  expect(cleanedUp).toBe(true);
  expect(errors).toEqual([]);
  expect([queue.delayedCount, clock.pending]).toEqual([0, 0]);
});

test('refuses to run without workers', async () => {
  const { queue } = setUp();
  await expect(queue.run({ workers: 0, handle: async () => undefined, signal: never })).rejects.toThrow(
    'workers is 0',
  );
});
