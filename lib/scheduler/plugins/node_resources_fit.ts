import type { Pod } from '../../api/types.ts';
import type { NodeInfo } from '../cache/node_info.ts';
import { podResources } from '../cache/pod_resources.ts';
import type { EnqueueExtensions, FilterPlugin, ScorePlugin, SignPlugin } from '../framework/plugin.ts';
import { MAX_NODE_SCORE } from '../framework/plugin.ts';
import { unresolvable, unschedulable } from '../framework/status.ts';

/** A resource and how much it counts in a score. */
export interface ResourceWeight {
  readonly name: string;
  readonly weight: number;
}

/** NodeResourcesFitArgs, as far as they act. */
export interface NodeResourcesFitArgs {
  /** Extended resources that need not fit. */
  readonly ignoredResources?: readonly string[];
  /** Prefixes of extended resources that need not fit. */
  readonly ignoredResourceGroups?: readonly string[];
  readonly scoringStrategy?: {
    readonly type: 'LeastAllocated' | 'MostAllocated';
    readonly resources: readonly ResourceWeight[];
  };
}

const DEFAULT_STRATEGY: NonNullable<NodeResourcesFitArgs['scoringStrategy']> = {
  type: 'LeastAllocated',
  resources: [
    { name: 'cpu', weight: 1 },
    { name: 'memory', weight: 1 },
  ],
};

/** Whether the node has room for what the pod requests; prefers nodes by how full they are. */
export function nodeResourcesFit(
  args: NodeResourcesFitArgs = {},
): FilterPlugin & ScorePlugin & SignPlugin & EnqueueExtensions {
  const strategy = args.scoringStrategy ?? DEFAULT_STRATEGY;
  const ignoredNames = new Set(args.ignoredResources);
  const ignoredGroups = new Set(args.ignoredResourceGroups);
  const isIgnored = (resource: string): boolean => {
    const slash = resource.indexOf('/');
    return ignoredNames.has(resource) || (slash > 0 && ignoredGroups.has(resource.slice(0, slash)));
  };
  return {
    name: 'NodeResourcesFit',
    filter(_state, pod, node) {
      let reasons: string[] | undefined;
      let hopeless = false;
      if (node.podCount + 1 > node.allowedPods) reasons = ['Too many pods'];
      for (const [resource, amount] of podResources(pod).requests) {
        if (amount <= node.allocatable(resource) - node.requested(resource) || isIgnored(resource)) continue;
        reasons ??= [];
        reasons.push(`Insufficient ${resource}`);
        // More than the whole node: no pod's going would help.
        if (amount > node.allocatable(resource)) hopeless = true;
      }
      if (reasons === undefined) return undefined;
      return hopeless ? unresolvable(...reasons) : unschedulable(...reasons);
    },
    score(_state, pod, node) {
      let sum = 0;
      let weights = 0;
      for (const { name, weight } of strategy.resources) {
        const capacity = node.allocatable(name);
        // A resource that the node does not have says nothing about how full it is.
        if (capacity === 0) continue;
        const used = usedWith(pod, node, name);
        const share = strategy.type === 'LeastAllocated' ? capacity - used : used;
        sum += weight * (used > capacity ? 0 : Math.floor((share * MAX_NODE_SCORE) / capacity));
        weights += weight;
      }
      return weights === 0 ? 0 : Math.floor(sum / weights);
    },
    signPod: (pod) => podResources(pod).key,
    eventsToRegister: () => [
      'NodeAdd',
      'NodeAllocatableUpdate',
      'AssignedPodDelete',
      'AssignedPodUpdate',
      'UnscheduledPodUpdate',
    ],
  };
}

/** What would be requested on the node with the pod on it; for cpu and memory, empty requests count by default. */
function usedWith(pod: Pod, node: NodeInfo, resource: string): number {
  const { requests, nonZeroCpu, nonZeroMemory } = podResources(pod);
  if (resource === 'cpu') return node.nonZeroRequested('cpu') + nonZeroCpu;
  if (resource === 'memory') return node.nonZeroRequested('memory') + nonZeroMemory;
  return node.requested(resource) + (requests.get(resource) ?? 0);
}
