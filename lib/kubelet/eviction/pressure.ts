/** From observations to what the node is short of and what must be done about it now. Pure. */
import type { Pressure } from '../node/conditions.ts';
import { absolute, type Signal, type Threshold } from './thresholds.ts';

export interface Observation {
  readonly available: number;
  readonly capacity: number;
}

/** What could be observed; a signal that could not be is left out, and its thresholds are taken to be as before. */
export type Observations = ReadonlyMap<Signal, Observation>;

/** What is remembered from one look to the next. */
export interface PressureState {
  /** Since when each threshold has been crossed, monotonic milliseconds. */
  readonly since: ReadonlyMap<Threshold, number>;
  /** Crossed for longer than its grace, as of the last look: stays so until the minimum reclaim is there as well. */
  readonly acting: ReadonlySet<Threshold>;
  /** When each pressure was last there. */
  readonly lastSeen: ReadonlyMap<keyof Pressure, number>;
}

export const NO_STATE: PressureState = { since: new Map(), acting: new Set(), lastSeen: new Map() };

export interface PressureVerdict {
  readonly state: PressureState;
  readonly pressure: Pressure;
  /** Thresholds to act on now, the most urgent first. */
  readonly due: readonly Threshold[];
}

const PRESSURE_OF: Readonly<Record<Signal, keyof Pressure>> = {
  'memory.available': 'memory',
  'allocatableMemory.available': 'memory',
  'nodefs.available': 'disk',
  'nodefs.inodesFree': 'disk',
  'imagefs.available': 'disk',
  'imagefs.inodesFree': 'disk',
  'containerfs.available': 'disk',
  'containerfs.inodesFree': 'disk',
  'pid.available': 'pid',
};

export function pressureOf(signal: Signal): keyof Pressure {
  return PRESSURE_OF[signal];
}

/** Whether less is available than the threshold wants. `undefined`: not observed. */
export function isCrossed(
  threshold: Threshold,
  observations: Observations,
  options: { readonly withMinReclaim: boolean },
): boolean | undefined {
  const seen = observations.get(threshold.signal);
  if (seen === undefined) return undefined;
  const reclaim =
    options.withMinReclaim && threshold.minReclaim !== undefined
      ? absolute(threshold.minReclaim, seen.capacity)
      : 0;
  return seen.available < absolute(threshold.amount, seen.capacity) + reclaim;
}

/**
 * @param transitionMs `evictionPressureTransitionPeriod`: how long a pressure is reported after it was last there
 */
export function evaluate(
  before: PressureState,
  thresholds: readonly Threshold[],
  observations: Observations,
  nowMs: number,
  transitionMs: number,
): PressureVerdict {
  const since = new Map<Threshold, number>();
  for (const threshold of thresholds) {
    const withMinReclaim = before.acting.has(threshold);
    const crossed = isCrossed(threshold, observations, { withMinReclaim });
    const known = before.since.get(threshold);
    if (crossed === true) since.set(threshold, known ?? nowMs);
    else if (crossed === undefined && known !== undefined) since.set(threshold, known);
  }
  const lastSeen = new Map(before.lastSeen);
  for (const { signal } of since.keys()) lastSeen.set(PRESSURE_OF[signal], nowMs);
  const has = (key: keyof Pressure): boolean => {
    const seen = lastSeen.get(key);
    return seen !== undefined && (seen === nowMs || nowMs - seen < transitionMs);
  };
  const acting = [...since].filter(([{ graceMs }, from]) => nowMs - from >= graceMs).map(([t]) => t);
  return {
    state: { since, acting: new Set(acting), lastSeen },
    pressure: { memory: has('memory'), disk: has('disk'), pid: has('pid') },
    // What was not observed this time may be over: nobody is evicted on an old figure.
    due: acting.filter(({ signal }) => observations.has(signal)).sort((a, b) => urgency(a) - urgency(b)),
  };
}

// Memory first: when it is gone the kernel chooses whom to kill. Hard ones before soft ones.
function urgency({ signal, hard }: Threshold): number {
  return (PRESSURE_OF[signal] === 'memory' ? 0 : 2) + (hard ? 0 : 1);
}
