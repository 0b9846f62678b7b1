/** Taints of nodes and the tolerations of pods. */
import type { Taint, Toleration } from './types.ts';

export type TaintEffect = 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';

/** Effects that keep a pod from being placed on a node. */
export const SCHEDULING_EFFECTS: readonly TaintEffect[] = ['NoSchedule', 'NoExecute'];

/**
 * Whether the toleration covers the taint: an empty effect covers every effect, an empty key every key (the API
 * allows that with operator Exists only). An operator left out means Equal; one that is not known covers nothing.
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
    default:
      return false;
  }
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
