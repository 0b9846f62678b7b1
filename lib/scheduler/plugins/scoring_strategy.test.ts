import type { ShapePoint } from './scoring_strategy.ts';
import { scoreAt, strategyScore } from './scoring_strategy.ts';

const RISING: readonly ShapePoint[] = [
  { utilization: 0, score: 0 },
  { utilization: 100, score: 10 },
];
const BENT: readonly ShapePoint[] = [
  { utilization: 20, score: 10 },
  { utilization: 50, score: 3 },
  { utilization: 80, score: 6 },
];

test.each<[readonly ShapePoint[], number, number]>([
  [RISING, 0, 0],
  [RISING, 75, 75],
  [RISING, 100, 100],
  [BENT, 0, 100], // before the first point
  [BENT, 20, 100],
  [BENT, 35, 65],
  [BENT, 36, 63], // 62.7 towards the score before
  [BENT, 50, 30],
  [BENT, 51, 31],
  [BENT, 99, 60], // after the last point
  [[{ utilization: 50, score: 4 }], 90, 40],
])('S4: %j at %d %% is %d', (shape, utilization, score) => {
  expect(scoreAt(shape, utilization)).toBe(score);
});

const amounts = (of: Readonly<Record<string, number>>) => (name: string) => of[name] ?? 0;

describe('S4: bin packing of extended resources, as the documentation of Kubernetes reckons it', () => {
  const score = strategyScore({
    type: 'RequestedToCapacityRatio',
    shape: RISING,
    resources: [
      { name: 'intel.com/foo', weight: 5 },
      { name: 'memory', weight: 1 },
      { name: 'cpu', weight: 3 },
    ],
  });
  const node = amounts({ 'intel.com/foo': 4, memory: 1024, cpu: 8 });

  test('a node of which little is used', () => {
    expect(score(node, amounts({ 'intel.com/foo': 3, memory: 512, cpu: 3 }))).toBe(60); // (5*75 + 50 + 3*37) / 9
  });

  test('more than there is counts as all', () => {
    expect(score(node, amounts({ 'intel.com/foo': 5, memory: 1024, cpu: 8 }))).toBe(100);
  });

  test('what scores nothing, or the node does not have, counts for nothing', () => {
    expect(score(node, amounts({ 'intel.com/foo': 2 }))).toBe(50);
    expect(score(amounts({ cpu: 8 }), amounts({ cpu: 4, 'intel.com/foo': 9 }))).toBe(50);
    expect(score(amounts({}), amounts({}))).toBe(0);
  });
});

test.each([
  ['LeastAllocated', 62, 0],
  ['MostAllocated', 37, 100],
] as const)('S4: %s is the weighted mean of shares, each rounded down', (type, want, overfull) => {
  const score = strategyScore({ type, resources: ['cpu', 'memory'].map((name) => ({ name, weight: 1 })) });
  expect(score(amounts({ cpu: 8, memory: 8 }), amounts({ cpu: 2, memory: 4 }))).toBe(want);
  expect(score(amounts({ cpu: 8 }), amounts({ cpu: 9 }))).toBe(overfull);
});
