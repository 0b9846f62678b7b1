import type { EnqueueExtensions, FilterPlugin } from '../framework/plugin.ts';
import { unresolvable } from '../framework/status.ts';

/** A pod that names its node goes nowhere else. */
export const nodeName: FilterPlugin & EnqueueExtensions = {
  name: 'NodeName',
  filter(_state, pod, node) {
    const wanted = pod.spec.nodeName ?? '';
    return wanted === '' || wanted === node.name
      ? undefined
      : unresolvable("node(s) didn't match the requested node name");
  },
  eventsToRegister: () => ['NodeAdd'],
};
