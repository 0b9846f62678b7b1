import type { Pod } from '../api/types.ts';

/** The name of the scheduler that the pod asks for; empty means the default. */
export function schedulerNameOf(pod: Pod): string {
  const name = pod.spec.schedulerName ?? '';
  return name === '' ? 'default-scheduler' : name;
}
