import { UnusedMemory } from './unused_memory.ts';

test('a heap that grew and is not needed is given back once', () => {
  const memory = new UnusedMemory();
  memory.release();
  let burst: string[][] | undefined = Array.from({ length: 100 }, (_, i) =>
    Array.from({ length: 10_000 }, (_unused, k) => `${i} ${k}`),
  );
  const high = process.memoryUsage().heapTotal;
  expect(burst).toHaveLength(100);
  burst = undefined;
  expect(memory.release()).toBe(true);
  expect(process.memoryUsage().heapTotal).toBeLessThan(high);
  expect(memory.release()).toBe(false);
});
