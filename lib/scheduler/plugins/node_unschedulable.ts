import { tolerates } from '../../api/taint.ts';
import type { Pod, Taint } from '../../api/types.ts';
import type { EnqueueExtensions, FilterPlugin, SignPlugin } from '../framework/plugin.ts';
import { unresolvable } from '../framework/status.ts';

const UNSCHEDULABLE: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

const CORDONED = Object.freeze(unresolvable('node(s) were unschedulable'));

function toleratesIt(pod: Pod): boolean {
  const { tolerations } = pod.spec;
  if (tolerations === undefined) return false;
  for (const toleration of tolerations) if (tolerates(toleration, UNSCHEDULABLE)) return true;
  return false;
}

/** Leaves cordoned nodes out, unless the pod tolerates the taint that stands for it. */
export const nodeUnschedulable: FilterPlugin & SignPlugin & EnqueueExtensions = {
  name: 'NodeUnschedulable',
  filter(_state, pod, node) {
    if (node.node.spec?.unschedulable !== true) return undefined;
    return toleratesIt(pod) ? undefined : CORDONED;
  },
  signPod: (pod) => (toleratesIt(pod) ? 'tolerated' : ''),
  eventsToRegister: () => ['NodeAdd', 'NodeTaintUpdate', 'UnscheduledPodUpdate'],
};
