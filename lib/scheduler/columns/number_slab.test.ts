import { NumberSlab } from './number_slab.ts';

test('S5: what is taken does not overlap, whatever its size', () => {
  const slab = new NumberSlab(8);
  const taken = [3, 5, 1, 20, 7, 1].map((count) => ({ count, ...slab.take(count) }));
  for (const [i, { count, values, at }] of taken.entries()) values.fill(i + 1, at, at + count);
  for (const [i, { count, values, at }] of taken.entries())
    expect([...values.subarray(at, at + count)]).toEqual(Array.from({ length: count }, () => i + 1));
  expect(taken[0]?.values).toBe(taken[1]?.values);
});
