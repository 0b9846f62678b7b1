import { isMirror, isStatic, podPriority } from '../../api/pod.ts';
import type { Pod } from '../../api/types.ts';

/** `system-cluster-critical`, the lower of the two. */
const SYSTEM_CRITICAL_PRIORITY = 2_000_000_000;

/** Pods without which the node or the cluster does not work: neither evicted nor refused under pressure. */
export function isCritical(pod: Pod): boolean {
  return isStatic(pod) || isMirror(pod) || podPriority(pod) >= SYSTEM_CRITICAL_PRIORITY;
}
