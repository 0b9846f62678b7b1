import {
  absolute,
  ignoredThresholds,
  type EvictionSettings,
  parseThresholds,
  ThresholdError,
  withAllocatableMemory,
} from './thresholds.ts';

function settings(over: Partial<EvictionSettings>): EvictionSettings {
  return {
    evictionHard: {},
    evictionSoft: {},
    evictionSoftGracePeriod: {},
    evictionMinimumReclaim: {},
    ...over,
  };
}

test('K22: hard and soft thresholds with grace and minimum reclaim', () => {
  expect(
    parseThresholds(
      settings({
        evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '10%' },
        evictionSoft: { 'memory.available': '1Gi' },
        evictionSoftGracePeriod: { 'memory.available': '1m30s' },
        evictionMinimumReclaim: { 'nodefs.available': '5%', 'memory.available': '0' },
      }),
    ),
  ).toEqual([
    {
      signal: 'memory.available',
      amount: { bytes: 104_857_600, format: 'BinarySI' },
      graceMs: 0,
      hard: true,
      minReclaim: { bytes: 0, format: 'DecimalSI' },
    },
    {
      signal: 'nodefs.available',
      amount: { share: 0.1 },
      graceMs: 0,
      hard: true,
      minReclaim: { share: 0.05 },
    },
    {
      signal: 'memory.available',
      amount: { bytes: 1_073_741_824, format: 'BinarySI' },
      graceMs: 90_000,
      hard: false,
      minReclaim: { bytes: 0, format: 'DecimalSI' },
    },
  ]);
});

test('K22: thresholds of containerfs follow from the others: those that are set are ignored, and named', () => {
  const given = settings({
    evictionHard: { 'containerfs.available': '5%', 'memory.available': '1Mi' },
    evictionSoft: { 'containerfs.inodesFree': '5%' },
    evictionSoftGracePeriod: { 'containerfs.inodesFree': '1m' },
  });
  expect(parseThresholds(given).map(({ signal }) => signal)).toEqual(['memory.available']);
  expect(ignoredThresholds(given)).toEqual([
    'evictionHard.containerfs.available',
    'evictionSoft.containerfs.inodesFree',
  ]);
});

test.each(['0%', '100%'])('K22: %s turns a threshold off', (text) => {
  expect(parseThresholds(settings({ evictionHard: { 'nodefs.available': text } }))).toEqual([]);
});

test.each<[string, Partial<EvictionSettings>, string, string]>([
  [
    'an unknown signal',
    { evictionHard: { 'memory.free': '1Mi' } },
    'evictionHard.memory.free',
    'unsupported eviction signal memory.free, want one of memory.available, ',
  ],
  ['no quantity', { evictionHard: { 'pid.available': 'x' } }, 'evictionHard.pid.available', 'x'],
  [
    'a negative quantity',
    { evictionHard: { 'pid.available': '-1' } },
    'evictionHard.pid.available',
    'eviction threshold pid.available must be positive: -1',
  ],
  [
    'nothing',
    { evictionHard: { 'pid.available': '0' } },
    'evictionHard.pid.available',
    'eviction threshold pid.available must be positive: 0',
  ],
  [
    'too many percent',
    { evictionHard: { 'pid.available': '101%' } },
    'evictionHard.pid.available',
    'eviction percentage threshold pid.available must be <= 100%: 101%',
  ],
  [
    'less than no percent',
    { evictionHard: { 'pid.available': '-1%' } },
    'evictionHard.pid.available',
    'eviction percentage threshold pid.available must be >= 0%: -1%',
  ],
  ['no percentage', { evictionHard: { 'pid.available': 'a%' } }, 'evictionHard.pid.available', 'got "a%"'],
  [
    'soft without grace',
    { evictionSoft: { 'pid.available': '5' } },
    'evictionSoft.pid.available',
    'grace period must be specified for the soft eviction threshold pid.available',
  ],
  [
    'a grace that is no duration',
    { evictionSoftGracePeriod: { 'pid.available': 'soon' } },
    'evictionSoftGracePeriod.pid.available',
    'soon',
  ],
  [
    'a negative grace',
    { evictionSoftGracePeriod: { 'pid.available': '-1s' } },
    'evictionSoftGracePeriod.pid.available',
    'invalid eviction grace period specified: -1s, must be a positive value',
  ],
  [
    'a negative reclaim',
    { evictionMinimumReclaim: { 'pid.available': '-1' } },
    'evictionMinimumReclaim.pid.available',
    'negative eviction minimum reclaim specified for pid.available',
  ],
])('K22: %s is refused by field', (_what, over, field, message) => {
  const parse = (): unknown => parseThresholds(settings(over));
  expect(parse).toThrow(ThresholdError);
  expect(parse).toThrow(message);
  try {
    parse();
  } catch (error) {
    expect(error).toMatchObject({ field });
  }
});

test('K22: a share is of the capacity, rounded down', () => {
  expect(absolute({ share: 0.1 }, 1009)).toBe(100);
  expect(absolute({ bytes: 5 }, 1)).toBe(5);
});

test('K22: the hard threshold of memory holds for the memory of all pods as well, unless that has one of its own', () => {
  const signals = (evictionHard: Record<string, string>): unknown =>
    withAllocatableMemory(
      parseThresholds(
        settings({
          evictionHard,
          evictionSoft: { 'memory.available': '1Gi' },
          evictionSoftGracePeriod: { 'memory.available': '1m' },
        }),
      ),
    ).map(({ signal, amount, hard }) => [signal, amount, hard]);
  const soft = ['memory.available', { bytes: 2 ** 30, format: 'BinarySI' }, false];
  expect(signals({ 'memory.available': '5%' })).toEqual([
    ['memory.available', { share: 0.05 }, true],
    soft,
    ['allocatableMemory.available', { share: 0.05 }, true],
  ]);
  expect(signals({ 'allocatableMemory.available': '1Mi' })).toEqual([
    ['allocatableMemory.available', { bytes: 2 ** 20, format: 'BinarySI' }, true],
    soft,
  ]);
});
