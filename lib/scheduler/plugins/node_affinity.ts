import {
  nodeSelectorMatches,
  nodeSelectorTermMatches,
  podAllowsNode,
  requiredNodeSelector,
} from '../../api/node_selector.ts';
import type { NodeSelector, NodeSelectorTerm, Pod } from '../../api/types.ts';
import { normalizeEach, shareOfHighest } from '../framework/normalize.ts';
import type {
  EnqueueExtensions,
  FilterPlugin,
  PreFilterPlugin,
  PreScorePlugin,
  ScorePlugin,
  SignPlugin,
} from '../framework/plugin.ts';
import { SKIP, unresolvable } from '../framework/status.ts';

interface Preference {
  readonly weight: number;
  readonly preference: NodeSelectorTerm;
}

/** NodeAffinityArgs. */
export interface NodeAffinityArgs {
  /** Affinity that every pod of the profile has beside its own. */
  readonly addedAffinity?: {
    readonly requiredDuringSchedulingIgnoredDuringExecution?: NodeSelector;
    readonly preferredDuringSchedulingIgnoredDuringExecution?: readonly Preference[];
  };
}

type NodeAffinityPlugin = PreFilterPlugin &
  FilterPlugin &
  PreScorePlugin &
  ScorePlugin &
  SignPlugin &
  EnqueueExtensions;

const NOT_ENFORCED = Object.freeze(unresolvable("node(s) didn't match scheduler-enforced node affinity"));
const NO_MATCH = Object.freeze(unresolvable("node(s) didn't match Pod's node affinity/selector"));

/** `spec.nodeSelector`, required and preferred node affinity. */
export function nodeAffinity(args: NodeAffinityArgs = {}): NodeAffinityPlugin {
  const added = args.addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const addedPreferred = args.addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const preferences = (pod: Pod): readonly Preference[] => [
    ...addedPreferred,
    ...(pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []),
  ];
  return {
    name: 'NodeAffinity',
    preFilter(_state, pod) {
      const required = requiredNodeSelector(pod.spec.affinity);
      if (required === undefined && pod.spec.nodeSelector === undefined && added === undefined) return SKIP;
      const nodeNames = namesAllowed(required);
      if (nodeNames === undefined) return undefined;
      return nodeNames.size === 0 ? unresolvable('pod affinity terms conflict') : { nodeNames };
    },
    filter(_state, pod, node) {
      if (added !== undefined && !nodeSelectorMatches(added, node.node)) return NOT_ENFORCED;
      return podAllowsNode(pod, node.node) ? undefined : NO_MATCH;
    },
    preScore: (_state, pod) => (preferences(pod).length === 0 ? SKIP : undefined),
    score(_state, pod, node) {
      let sum = 0;
      for (const { weight, preference } of preferences(pod))
        if (nodeSelectorTermMatches(preference, node.node)) sum += weight;
      return sum;
    },
    normalizeScore: (_state, _pod, scores) => normalizeEach(scores, shareOfHighest),
    normalize: shareOfHighest,
    signPod({ spec: { nodeSelector, affinity } }) {
      const own = affinity?.nodeAffinity;
      if (nodeSelector === undefined && own === undefined) return '';
      // A pod that names its nodes is not one of many.
      if (namesAllowed(requiredNodeSelector(affinity)) !== undefined) return undefined;
      return JSON.stringify([nodeSelector, own]);
    },
    eventsToRegister: () => ['NodeAdd', 'NodeLabelUpdate', 'UnscheduledPodUpdate'],
  };
}

/**
 * The nodes that a selector names by `metadata.name In [...]`, when every term does; undefined when any node may match.
 * Pods of DaemonSets are of this kind: one look instead of one per node.
 */
function namesAllowed(selector: NodeSelector | undefined): ReadonlySet<string> | undefined {
  const terms = selector?.nodeSelectorTerms;
  if (terms === undefined || terms.length === 0) return undefined;
  const union = new Set<string>();
  for (const term of terms) {
    const named = (term.matchFields ?? []).filter((f) => f.key === 'metadata.name' && f.operator === 'In');
    const [first, ...others] = named.map((f) => new Set(f.values ?? []));
    if (first === undefined) return undefined;
    const both = others.reduce((all, next) => all.intersection(next), first);
    for (const name of both) union.add(name);
  }
  return union;
}
