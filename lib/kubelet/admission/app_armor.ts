/** Refuses pods that are to be confined by AppArmor on a machine that has none: they would run unconfined. */
import { readFileSync } from 'node:fs';
import { allContainers } from '../../api/pod.ts';
import type { Pod } from '../../api/types.ts';
import type { PodVerdict } from '../podworkers/pod_worker.ts';
import { appArmorType } from '../runtime/security_context.ts';

/** Pure. */
export function appArmorAdmission(enabled: boolean): (pod: Pod) => PodVerdict | undefined {
  return (pod) => {
    const confined = allContainers(pod).some((container) => {
      const type = appArmorType(pod, container);
      return type !== undefined && type !== 'Unconfined';
    });
    if (enabled || !confined) return undefined;
    return {
      phase: 'Failed',
      reason: 'AppArmor',
      message: 'Pod was rejected: Cannot enforce AppArmor: AppArmor is not enabled on the host',
    };
  };
}

/** Whether the kernel confines programs by AppArmor. */
export function hasAppArmor(): boolean {
  try {
    return readFileSync('/sys/module/apparmor/parameters/enabled', 'utf8').startsWith('Y');
  } catch {
    return false; // a kernel without it has no such file
  }
}
