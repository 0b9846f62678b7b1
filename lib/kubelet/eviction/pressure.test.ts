import { evaluate, NO_STATE, type Observations, type PressureState } from './pressure.ts';
import { type Signal, type Threshold } from './thresholds.ts';

const SECOND = 1000;
const hard: Threshold = {
  signal: 'memory.available',
  amount: { bytes: 100 },
  graceMs: 0,
  hard: true,
  minReclaim: { bytes: 50 },
};
const soft: Threshold = {
  ...hard,
  amount: { bytes: 200 },
  graceMs: 30 * SECOND,
  hard: false,
  minReclaim: undefined,
};
const disk: Threshold = {
  signal: 'nodefs.available',
  amount: { share: 0.1 },
  graceMs: 0,
  hard: true,
  minReclaim: undefined,
};
const pid: Threshold = { ...disk, signal: 'pid.available', amount: { bytes: 10 } };

function seen(figures: Partial<Record<Signal, number>>): Observations {
  return new Map(
    Object.entries(figures).map(([signal, available]) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of the record
      return [signal as Signal, { available, capacity: 1000 }];
    }),
  );
}

/** Several looks one after the other; what the last one says. */
function looks(
  thresholds: readonly Threshold[],
  steps: readonly [number, Partial<Record<Signal, number>>][],
) {
  let state: PressureState = NO_STATE;
  let last;
  for (const [seconds, figures] of steps) {
    last = evaluate(state, thresholds, seen(figures), seconds * SECOND, 60 * SECOND);
    ({ state } = last);
  }
  return { pressure: last?.pressure, due: last?.due };
}

const none = { memory: false, disk: false, pid: false };

test.each<[string, Threshold[], [number, Partial<Record<Signal, number>>][], Threshold[], object]>([
  ['plenty', [hard, disk], [[0, { 'memory.available': 100, 'nodefs.available': 100 }]], [], none],
  ['a hard one is due at once', [hard], [[0, { 'memory.available': 99 }]], [hard], { ...none, memory: true }],
  ['a share', [disk], [[0, { 'nodefs.available': 99 }]], [disk], { ...none, disk: true }],
  [
    'a soft one is a pressure at once and due after its grace',
    [soft],
    [[0, { 'memory.available': 199 }]],
    [],
    { ...none, memory: true },
  ],
  [
    'its grace is over',
    [soft],
    [
      [0, { 'memory.available': 199 }],
      [30, { 'memory.available': 199 }],
    ],
    [soft],
    { ...none, memory: true },
  ],
  [
    'its grace begins anew when it was over in between',
    [soft],
    [
      [0, { 'memory.available': 199 }],
      [20, { 'memory.available': 500 }],
      [30, { 'memory.available': 199 }],
      [40, { 'memory.available': 199 }],
    ],
    [],
    { ...none, memory: true },
  ],
  [
    'once acted on it stays until the minimum reclaim is there',
    [hard],
    [
      [0, { 'memory.available': 99 }],
      [10, { 'memory.available': 149 }],
    ],
    [hard],
    { ...none, memory: true },
  ],
  [
    'and is over with it; the pressure stays for the transition period',
    [hard],
    [
      [0, { 'memory.available': 99 }],
      [10, { 'memory.available': 150 }],
      [59, { 'memory.available': 150 }],
    ],
    [],
    { ...none, memory: true },
  ],
  [
    'and then not',
    [hard],
    [
      [0, { 'memory.available': 99 }],
      [10, { 'memory.available': 150 }],
      [60, { 'memory.available': 150 }],
    ],
    [],
    none,
  ],
  [
    'what cannot be observed is as before, and nobody is evicted for it',
    [hard],
    [
      [0, { 'memory.available': 99 }],
      [100, {}],
    ],
    [],
    { ...none, memory: true },
  ],
  [
    'memory before disk, hard before soft',
    [disk, pid, { ...soft, graceMs: 0 }, hard],
    [[0, { 'memory.available': 1, 'nodefs.available': 1, 'pid.available': 1 }]],
    [hard, { ...soft, graceMs: 0 }, disk, pid],
    { memory: true, disk: true, pid: true },
  ],
])('K22: %s', (_what, thresholds, steps, due, pressure) => {
  expect(looks(thresholds, steps)).toEqual({ due, pressure });
});
