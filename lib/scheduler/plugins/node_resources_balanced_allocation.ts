import { podResources } from '../cache/pod_resources.ts';
import type { PreScorePlugin, ScorePlugin } from '../framework/plugin.ts';
import { MAX_NODE_SCORE } from '../framework/plugin.ts';
import { SKIP } from '../framework/status.ts';

const RESOURCES = ['cpu', 'memory'];

/** Prefers nodes on which the resources would be used in like proportion: the score falls with the deviation of the shares. */
export const nodeResourcesBalancedAllocation: PreScorePlugin & ScorePlugin = {
  name: 'NodeResourcesBalancedAllocation',
  // A pod that requests nothing changes no proportion.
  preScore: (_state, pod) => (RESOURCES.some((r) => podResources(pod).requests.has(r)) ? undefined : SKIP),
  score(_state, pod, node) {
    const shares: number[] = [];
    for (const resource of RESOURCES) {
      const capacity = node.allocatable(resource);
      if (capacity === 0) continue;
      const used = node.requested(resource) + (podResources(pod).requests.get(resource) ?? 0);
      shares.push(Math.min(1, used / capacity));
    }
    return Math.floor((1 - deviation(shares)) * MAX_NODE_SCORE);
  },
};

/** Standard deviation. */
function deviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
}
