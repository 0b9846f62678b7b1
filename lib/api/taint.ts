/** Taints of nodes and the tolerations of pods. */
import type { Taint, Toleration } from './types.ts';

export type TaintEffect = 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';

/** Effects that keep a pod from being placed on a node. */
export const SCHEDULING_EFFECTS: readonly TaintEffect[] = ['NoSchedule', 'NoExecute'];

/**
 * Whether the toleration covers the taint: an empty effect covers every effect, an empty key every key (the API
 * allows that with operator Exists only). An operator left out means Equal; one that is not known covers nothing.
 * Lt and Gt cover taints whose value is a number below or above the toleration's (KEP-5471); the API takes them with
 * the gate TaintTolerationComparisonOperators only.
 */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { key = '' } = toleration;
  if (key !== '' && key !== taint.key) return false;
  const { operator = 'Equal', value = '', effect = '' } = toleration;
  if (effect !== '' && effect !== taint.effect) return false;
  switch (operator) {
    case '':
    case 'Equal':
      return value === (taint.value ?? '');
    case 'Exists':
      return true;
    case 'Lt':
    case 'Gt': {
      const [theirs, limit] = [int64(taint.value), int64(value)];
      if (theirs === undefined || limit === undefined) return false;
      return operator === 'Lt' ? theirs < limit : theirs > limit;
    }
    default:
      return false;
  }
}

/** A whole number of 64 bits in decimal digits; undefined when the text is none. */
function int64(text = ''): bigint | undefined {
  if (!/^[+-]?\d{1,64}$/.test(text)) return undefined;
  const value = BigInt(text.replace('+', ''));
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

/** The first taint with one of `effects` that no toleration covers; undefined when all are covered. */
export function untoleratedTaint(
  taints: readonly Taint[] | undefined,
  tolerations: readonly Toleration[] | undefined,
  effects: readonly string[],
): Taint | undefined {
  return taints?.find(
    (taint) => effects.includes(taint.effect) && !(tolerations ?? []).some((t) => tolerates(t, taint)),
  );
}

/** `key=value:effect`, as kubectl writes taints. */
export function formatTaint({ key, value = '', effect }: Taint): string {
  return value === '' ? `${key}:${effect}` : `${key}=${value}:${effect}`;
}
