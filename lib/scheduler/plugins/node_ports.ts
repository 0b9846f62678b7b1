import { hostPorts } from '../../api/pod.ts';
import type { EnqueueExtensions, FilterPlugin, PreFilterPlugin } from '../framework/plugin.ts';
import { SKIP, unschedulable } from '../framework/status.ts';

/** A host port can be had once per node, protocol and address. */
export const nodePorts: PreFilterPlugin & FilterPlugin & EnqueueExtensions = {
  name: 'NodePorts',
  preFilter: (_state, pod) => (hostPorts(pod).length === 0 ? SKIP : undefined),
  filter(_state, pod, node) {
    return hostPorts(pod).some((port) => node.ports.conflicts(port))
      ? unschedulable("node(s) didn't have free ports for the requested pod ports")
      : undefined;
  },
  eventsToRegister: () => ['NodeAdd', 'AssignedPodDelete', 'UnscheduledPodUpdate'],
};
