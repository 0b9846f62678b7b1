import { hostPorts } from '../../api/pod.ts';
import type { EnqueueExtensions, FilterPlugin, PreFilterPlugin, SignPlugin } from '../framework/plugin.ts';
import { SKIP, unschedulable } from '../framework/status.ts';

const NO_FREE_PORTS = Object.freeze(
  unschedulable("node(s) didn't have free ports for the requested pod ports"),
);

/** A host port can be had once per node, protocol and address. */
export const nodePorts: PreFilterPlugin & FilterPlugin & SignPlugin & EnqueueExtensions = {
  name: 'NodePorts',
  preFilter: (_state, pod) => (hostPorts(pod).length === 0 ? SKIP : undefined),
  filter(_state, pod, node) {
    return hostPorts(pod).some((port) => node.ports.conflicts(port)) ? NO_FREE_PORTS : undefined;
  },
  signPod(pod) {
    const ports = hostPorts(pod);
    return ports.length === 0 ? '' : JSON.stringify(ports);
  },
  eventsToRegister: () => ['NodeAdd', 'AssignedPodDelete', 'UnscheduledPodUpdate'],
};
