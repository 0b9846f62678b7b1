import { isScored, podResources } from '../cache/pod_resources.ts';
import type { PreScorePlugin, ScorePlugin, SignPlugin } from '../framework/plugin.ts';
import { MAX_NODE_SCORE } from '../framework/plugin.ts';
import { SKIP } from '../framework/status.ts';

/** NodeResourcesBalancedAllocationArgs. */
export interface BalancedAllocationArgs {
  /** Of which the shares are to be close to each other. Default: cpu and memory. */
  readonly resources?: readonly { readonly name: string }[];
}

const DEFAULT_RESOURCES = [{ name: 'cpu' }, { name: 'memory' }];

/**
 * Prefers nodes on which the pod brings the shares of the resources in use closer to each other: 75 where it changes
 * nothing, up to 100 where it evens out what was lopsided, down to 50 where it makes an even node lopsided.
 */
export function nodeResourcesBalancedAllocation({
  resources = DEFAULT_RESOURCES,
}: BalancedAllocationArgs = {}): PreScorePlugin & ScorePlugin & SignPlugin {
  const names = resources.map(({ name }) => name);
  return {
    name: 'NodeResourcesBalancedAllocation',
    // A pod that requests nothing changes no proportion.
    preScore: (_state, pod) => (names.some((r) => podResources(pod).requests.has(r)) ? undefined : SKIP),
    score(_state, pod, node) {
      const before: number[] = [];
      const after: number[] = [];
      for (const resource of names) {
        const capacity = node.allocatable(resource);
        if (capacity === 0 || !isScored(podResources(pod), resource)) continue;
        const used = node.requested(resource);
        before.push(Math.min(1, used / capacity));
        after.push(Math.min(1, (used + (podResources(pod).requests.get(resource) ?? 0)) / capacity));
      }
      const change = evenness(after) - evenness(before); // -50 to 50
      return Math.floor((MAX_NODE_SCORE + change) / 2) + MAX_NODE_SCORE / 4;
    },
    signPod: (pod) => podResources(pod).key,
  };
}

/** Whole number up to 100, for equal shares. */
function evenness(shares: readonly number[]): number {
  return Math.floor((1 - deviation(shares)) * MAX_NODE_SCORE);
}

/** Standard deviation. */
function deviation(values: readonly number[]): number {
  const [a, b, ...more] = values;
  if (a === undefined || b === undefined) return 0;
  if (more.length === 0) return Math.abs((a - b) / 2);
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
}
