import { keepHeapSmall } from './heap_growth.ts';

test.each([
  [0, true],
  [80e6, true],
  [81e6, false],
])('a heap of %d bytes is small: %s', (bytes, isSmall) => {
  expect(keepHeapSmall(bytes)).toBe(isSmall);
});
