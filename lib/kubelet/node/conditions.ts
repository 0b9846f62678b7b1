/** The node's conditions. Pure. */
import type { NodeCondition } from '../../api/types.ts';

/** What the node is short of (set by eviction). */
export interface Pressure {
  readonly memory: boolean;
  readonly disk: boolean;
  readonly pid: boolean;
}

export const NO_PRESSURE: Pressure = { memory: false, disk: false, pid: false };

/** An event that a change of a condition calls for. */
export interface ConditionEvent {
  readonly reason: string;
}

const PRESSURES = [
  {
    type: 'MemoryPressure',
    key: 'memory',
    yes: { reason: 'KubeletHasInsufficientMemory', message: 'kubelet has insufficient memory available' },
    no: { reason: 'KubeletHasSufficientMemory', message: 'kubelet has sufficient memory available' },
    events: { yes: 'NodeHasInsufficientMemory', no: 'NodeHasSufficientMemory' },
  },
  {
    type: 'DiskPressure',
    key: 'disk',
    yes: { reason: 'KubeletHasDiskPressure', message: 'kubelet has disk pressure' },
    no: { reason: 'KubeletHasNoDiskPressure', message: 'kubelet has no disk pressure' },
    events: { yes: 'NodeHasDiskPressure', no: 'NodeHasNoDiskPressure' },
  },
  {
    type: 'PIDPressure',
    key: 'pid',
    yes: { reason: 'KubeletHasInsufficientPID', message: 'kubelet has insufficient PID available' },
    no: { reason: 'KubeletHasSufficientPID', message: 'kubelet has sufficient PID available' },
    events: { yes: 'NodeHasInsufficientPID', no: 'NodeHasSufficientPID' },
  },
] as const;

/**
 * The kubelet's conditions now, and the reasons of events for those that changed. Transition times are kept from
 * `before` where the status is the same.
 *
 * @param problems why the node is not ready; empty: it is
 * @param now RFC 3339
 */
export function nodeConditions(
  before: readonly NodeCondition[],
  pressure: Pressure,
  problems: readonly string[],
  now: string,
): { readonly conditions: readonly NodeCondition[]; readonly events: readonly string[] } {
  const events: string[] = [];
  const make = (
    type: string,
    status: 'True' | 'False',
    reason: string,
    message: string,
    event: string,
  ): NodeCondition => {
    const old = before.find((c) => c.type === type);
    const changed = old?.status !== status;
    if (changed) events.push(event);
    const lastTransitionTime = changed ? now : (old?.lastTransitionTime ?? now);
    return { type, status, lastHeartbeatTime: now, lastTransitionTime, reason, message };
  };
  const conditions = PRESSURES.map(({ type, key, yes, no, events }) => {
    const has = pressure[key];
    const { reason, message } = has ? yes : no;
    return make(type, has ? 'True' : 'False', reason, message, has ? events.yes : events.no);
  });
  const [first] = problems;
  if (first === undefined) {
    conditions.push(make('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status', 'NodeReady'));
  } else {
    const message = problems.length === 1 ? first : `[${problems.join(', ')}]`;
    conditions.push(make('Ready', 'False', 'KubeletNotReady', message, 'NodeNotReady'));
  }
  return { conditions, events };
}
