import type { EnqueueExtensions, FilterPlugin, SignPlugin } from '../framework/plugin.ts';
import { unresolvable } from '../framework/status.ts';

const OTHER_NODE = Object.freeze(unresolvable("node(s) didn't match the requested node name"));

/** A pod that names its node goes nowhere else. */
export const nodeName: FilterPlugin & SignPlugin & EnqueueExtensions = {
  name: 'NodeName',
  filter(_state, pod, node) {
    const wanted = pod.spec.nodeName ?? '';
    return wanted === '' || wanted === node.name ? undefined : OTHER_NODE;
  },
  signPod: ({ spec }) => spec.nodeName ?? '',
  eventsToRegister: () => ['NodeAdd'],
};
