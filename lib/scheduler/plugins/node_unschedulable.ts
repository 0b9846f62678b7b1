import { tolerates } from '../../api/taint.ts';
import type { Taint } from '../../api/types.ts';
import type { EnqueueExtensions, FilterPlugin } from '../framework/plugin.ts';
import { unresolvable } from '../framework/status.ts';

const UNSCHEDULABLE: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** Leaves cordoned nodes out, unless the pod tolerates the taint that stands for it. */
export const nodeUnschedulable: FilterPlugin & EnqueueExtensions = {
  name: 'NodeUnschedulable',
  filter(_state, pod, node) {
    if (node.node.spec?.unschedulable !== true) return undefined;
    if ((pod.spec.tolerations ?? []).some((t) => tolerates(t, UNSCHEDULABLE))) return undefined;
    return unresolvable('node(s) were unschedulable');
  },
  eventsToRegister: () => ['NodeAdd', 'NodeTaintUpdate', 'UnscheduledPodUpdate'],
};
