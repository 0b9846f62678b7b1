import {
  bytesToFree,
  candidates,
  formatBytes,
  type ImageGcPolicy,
  type ImageRecord,
  tooOld,
  unused,
  usedPercent,
} from './image_gc_plan.ts';

const MINUTE = 60_000;
const policy: ImageGcPolicy = {
  highThresholdPercent: 85,
  lowThresholdPercent: 80,
  minAgeMs: 2 * MINUTE,
  maxAgeMs: 0,
};

function image(id: string, over: Partial<ImageRecord> = {}): ImageRecord {
  return { id, sizeBytes: 1, firstSeenMs: 0, lastUsedMs: undefined, inUse: false, pinned: false, ...over };
}

test.each<[string, number, number, Partial<ImageGcPolicy>, number]>([
  ['below the high threshold', 100, 16, {}, 0],
  ['at the high threshold', 100, 15, {}, 5],
  ['rounded up to it', 1000, 158, {}, 42],
  ['full', 100, 0, {}, 20],
  ['a high threshold of 100 never collects', 100, 0, { highThresholdPercent: 100 }, 0],
  ['both thresholds the same', 100, 10, { highThresholdPercent: 90, lowThresholdPercent: 90 }, 0],
])('K14: bytes to free: %s', (_what, capacityBytes, availableBytes, over, expected) => {
  expect(bytesToFree({ capacityBytes, availableBytes }, { ...policy, ...over })).toBe(expected);
});

test('K14: percent used is rounded up', () => {
  expect(usedPercent({ capacityBytes: 1000, availableBytes: 159 })).toBe(85);
});

test('K14: the longest unused goes first, then the longest known; what is used or pinned never', () => {
  const images = [
    image('never-used-young', { firstSeenMs: 5 }),
    image('used-lately', { lastUsedMs: 9 }),
    image('in-use', { inUse: true }),
    image('pinned', { pinned: true }),
    image('never-used-old', { firstSeenMs: 1 }),
    image('used-long-ago', { lastUsedMs: 3 }),
  ];
  expect(unused(images).map(({ id }) => id)).toEqual([
    'never-used-old',
    'never-used-young',
    'used-long-ago',
    'used-lately',
  ]);
});

test('K14: images younger than the minimum age are no candidates', () => {
  const images = [image('old'), image('young', { firstSeenMs: 1 })];
  expect(candidates(images, policy, 2 * MINUTE).map(({ id }) => id)).toEqual(['old']);
});

test.each<[string, Partial<ImageRecord>, number, string[]]>([
  ['no maximum age', {}, 0, []],
  ['never used and known for longer', {}, 9 * MINUTE, ['x']],
  ['never used, known for just as long', {}, 10 * MINUTE, []],
  ['used since', { lastUsedMs: MINUTE }, 9.5 * MINUTE, []],
  ['used long ago', { lastUsedMs: 1 }, 9 * MINUTE, ['x']],
  ['in use', { inUse: true }, 1, []],
  ['pinned', { pinned: true }, 1, []],
])('K14: too old: %s', (_what, over, maxAgeMs, expected) => {
  expect(tooOld([image('x', over)], { maxAgeMs }, 10 * MINUTE).map(({ id }) => id)).toEqual(expected);
});

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [13_207_024_435, '12.3 GiB'],
])('K14: %d bytes read %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
