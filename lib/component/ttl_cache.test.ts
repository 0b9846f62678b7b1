import { FakeClock } from '../base/fake_clock.ts';
import { TtlCache } from './ttl_cache.ts';

function setup(maxEntries = 10) {
  const clock = new FakeClock();
  const cache = new TtlCache<string>(clock, maxEntries);
  let loads = 0;
  const load = async (value: string): Promise<string> => {
    loads++;
    return value;
  };
  const get = (key: string, ttl = 1000, value = key): Promise<string> =>
    cache.get(
      key,
      () => load(value),
      () => ttl,
    );
  return { clock, cache, get, loads: () => loads };
}

test('a value is kept for its time', async () => {
  const { clock, get, loads } = setup();
  await get('a');
  await clock.advance(999);
  expect(await get('a', 1000, 'other')).toBe('a');
  await clock.advance(1);
  expect(await get('a', 1000, 'other')).toBe('other');
  expect(loads()).toBe(2);
});

test('a value without time is not kept', async () => {
  const { get, loads, cache } = setup();
  await get('a', 0);
  await get('a', 0);
  expect([loads(), cache.size]).toEqual([2, 0]);
});

test('callers at the same time share one load', async () => {
  const { get, loads } = setup();
  expect(await Promise.all([get('a'), get('a'), get('b')])).toEqual(['a', 'a', 'b']);
  expect(loads()).toBe(2);
});

test('a failure is given to all who wait and not kept', async () => {
  const { cache, get } = setup();
  const failing = (): Promise<string> => Promise.reject(new Error('away'));
  const both = await Promise.allSettled([cache.get('a', failing, () => 1), cache.get('a', failing, () => 1)]);
  expect(both.map((b) => b.status)).toEqual(['rejected', 'rejected']);
  expect(await get('a')).toBe('a');
});

test('beyond its bound the least recently used go', async () => {
  const { cache, get, loads } = setup(2);
  await get('a');
  await get('b');
  await get('a');
  await get('c');
  expect(cache.size).toBe(2);
  await get('a');
  expect(loads()).toBe(3);
  await get('b');
  expect(loads()).toBe(4);
});
