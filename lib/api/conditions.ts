/** Lists of conditions in the status of API objects. */

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

/** The condition of that type, if it was ever set. */
export function getCondition<C extends Condition>(
  list: readonly C[] | undefined,
  type: string,
): C | undefined {
  return list?.find((condition) => condition.type === type);
}

/** Whether the condition is there with status True. */
export function isConditionTrue(list: readonly Condition[] | undefined, type: string): boolean {
  return getCondition(list, type)?.status === 'True';
}

/**
 * The list with `condition` in place of the one of the same type, or at its end. `lastTransitionTime` moves to `now`
 * only when the status changes.
 *
 * @param now RFC 3339, as {@link timestamp} gives it
 * @returns the list itself when nothing but times would change
 */
export function setCondition<C extends Condition>(
  list: readonly C[] | undefined,
  condition: C,
  now: string,
): readonly C[] {
  const before = list ?? [];
  const old = getCondition(before, condition.type);
  if (old === undefined) return [...before, { ...condition, lastTransitionTime: now }];
  const changed = old.status !== condition.status;
  if (!changed && sameExceptTimes(old, condition)) return before;
  const lastTransitionTime = changed ? now : (old.lastTransitionTime ?? now);
  return before.map((c) => (c === old ? { ...condition, lastTransitionTime } : c));
}

const TIMES: ReadonlySet<string> = new Set(['lastTransitionTime', 'lastProbeTime', 'lastHeartbeatTime']);

function sameExceptTimes(a: Condition, b: Condition): boolean {
  const of = (c: Condition): string =>
    JSON.stringify(
      Object.entries(c)
        .filter(([key, value]) => !TIMES.has(key) && value !== undefined && value !== '')
        .sort(([x], [y]) => (x < y ? -1 : 1)),
    );
  return of(a) === of(b);
}
