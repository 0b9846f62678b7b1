import { podPriority } from '../../api/pod.ts';
import type { QueueSortPlugin } from '../framework/plugin.ts';

/** Higher priority first; among equals, whoever waits longer. */
export const prioritySort: QueueSortPlugin = {
  name: 'PrioritySort',
  compare: (a, b) => podPriority(b.pod) - podPriority(a.pod) || a.timestamp - b.timestamp,
};
