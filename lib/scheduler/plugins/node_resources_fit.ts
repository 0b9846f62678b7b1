import type { NodeInfo } from '../cache/node_info.ts';
import type { PodResources } from '../cache/pod_resources.ts';
import { isScored, podResources } from '../cache/pod_resources.ts';
import type { KubeObject, Pod } from '../../api/types.ts';
import type {
  EnqueueExtensions,
  EventObjects,
  FilterPlugin,
  ScorePlugin,
  SignPlugin,
} from '../framework/plugin.ts';
import { unresolvable, unschedulable } from '../framework/status.ts';
import type { ScoringStrategy } from './scoring_strategy.ts';
import { strategyScore } from './scoring_strategy.ts';

/** NodeResourcesFitArgs, as far as they act. */
export interface NodeResourcesFitArgs {
  /** Extended resources that need not fit. */
  readonly ignoredResources?: readonly string[];
  /** Prefixes of extended resources that need not fit. */
  readonly ignoredResourceGroups?: readonly string[];
  readonly scoringStrategy?: ScoringStrategy;
}

const DEFAULT_STRATEGY: ScoringStrategy = {
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
  const scoreOf = strategyScore(args.scoringStrategy ?? DEFAULT_STRATEGY);
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
      for (const { resource, amount } of podResources(pod).list) {
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
      const resources = podResources(pod);
      return scoreOf(
        (name) => (isScored(resources, name) ? node.allocatable(name) : 0),
        (name) => usedWith(resources, node, name),
      );
    },
    signPod: (pod) => podResources(pod).key,
    eventsToRegister: () => [
      'NodeAdd',
      'NodeAllocatableUpdate',
      'AssignedPodDelete',
      { event: 'AssignedPodUpdate', hint: (_pod, { old, new: now }) => usesLess(old, now) },
      'UnscheduledPodUpdate',
    ],
  };
}

/** What would be requested on the node with the pod on it; for cpu and memory, empty requests count by default. */
function usedWith(
  { requests, nonZeroCpu, nonZeroMemory }: PodResources,
  node: NodeInfo,
  resource: string,
): number {
  if (resource === 'cpu') return node.nonZeroRequested('cpu') + nonZeroCpu;
  if (resource === 'memory') return node.nonZeroRequested('memory') + nonZeroMemory;
  return node.requested(resource) + (requests.get(resource) ?? 0);
}

/** Whether a placed pod gave up some of what it had, as in-place resize does; a pod on its way out has it until it is gone. */
function usesLess(old: EventObjects['old'], now: EventObjects['new']): boolean {
  if (old === undefined || now === undefined || !isPod(old) || !isPod(now)) return true;
  const after = podResources(now).requests;
  return podResources(old).list.some(({ resource, amount }) => (after.get(resource) ?? 0) < amount);
}

function isPod(object: KubeObject): object is Pod {
  return (
    'spec' in object && typeof object.spec === 'object' && object.spec !== null && 'containers' in object.spec
  );
}
