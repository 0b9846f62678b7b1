/** Which pods still come to a node that is short of something. Pure. */
import { podQOS } from '../../api/qos.ts';
import { tolerates } from '../../api/taint.ts';
import type { Pod } from '../../api/types.ts';
import type { Pressure } from '../node/conditions.ts';
import { isCritical } from './critical.ts';

const CONDITIONS = [
  ['memory', 'MemoryPressure'],
  ['disk', 'DiskPressure'],
  ['pid', 'PIDPressure'],
] as const;

const MEMORY_TAINT = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' };

/** The message of the refusal (reason `Evicted`), `undefined` when the pod may come. */
export function pressureRefusal(pod: Pod, pressure: Pressure): string | undefined {
  const conditions = CONDITIONS.filter(([key]) => pressure[key]).map(([, name]) => name);
  if (conditions.length === 0 || isCritical(pod)) return undefined;
  if (pressure.memory && conditions.length === 1) {
    if (podQOS(pod) !== 'BestEffort') return undefined;
    if ((pod.spec.tolerations ?? []).some((toleration) => tolerates(toleration, MEMORY_TAINT)))
      return undefined;
  }
  return `The node had condition: [${conditions.join(' ')}]. `;
}
