import type { EnqueueExtensions, PreEnqueuePlugin } from '../framework/plugin.ts';
import { unresolvable } from '../framework/status.ts';

/** Keeps pods with `spec.schedulingGates` out of the queue (KEP-3521). */
export const schedulingGates: PreEnqueuePlugin & EnqueueExtensions = {
  name: 'SchedulingGates',
  preEnqueue(pod) {
    const gates = pod.spec.schedulingGates ?? [];
    if (gates.length === 0) return undefined;
    const names = gates.map((gate) => gate.name).join(' ');
    return unresolvable(`waiting for scheduling gates: [${names}]`);
  },
  eventsToRegister: () => ['UnscheduledPodUpdate'],
};
