/** The spread constraints that hold for a pod, compiled. */
import { podAllowsNode } from '../../api/node_selector.ts';
import { labelSelector, Selector } from '../../api/selector.ts';
import { SCHEDULING_EFFECTS, untoleratedTaint } from '../../api/taint.ts';
import type { Plain, Pod } from '../../api/types.ts';
import type { V1TopologySpreadConstraint } from '@kubernetes/client-node';
import { selectorKey } from '../cache/affinity_terms.ts';
import type { PodMatcher } from '../cache/match_counts.ts';
import type { NodeInfo } from '../cache/node_info.ts';

export type SpreadConstraint = Plain<V1TopologySpreadConstraint>;
export type WhenUnsatisfiable = 'DoNotSchedule' | 'ScheduleAnyway';

/** One constraint of a pod. */
export interface Constraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  /** With fewer domains than that, the emptiest counts as empty. */
  readonly minDomains: number;
  readonly selector: Selector;
  /** Placed pods that count. */
  readonly matcher: PodMatcher;
  readonly honorNodeAffinity: boolean;
  readonly honorNodeTaints: boolean;
}

/** Spread by default over hosts and, more loosely, over zones. */
export const SYSTEM_CONSTRAINTS: readonly SpreadConstraint[] = [
  { topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 3 },
  { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 5 },
];

/**
 * The constraints of that kind, from the pod or, where it has none of any kind, from the defaults.
 *
 * @param fallback chooses the pods that count for default constraints
 */
export function constraintsOf(
  pod: Pod,
  when: WhenUnsatisfiable,
  defaults: readonly SpreadConstraint[],
  fallback: () => Selector,
): readonly Constraint[] {
  const own = pod.spec.topologySpreadConstraints ?? [];
  if (own.length > 0)
    return own
      .filter((c) => c.whenUnsatisfiable === when)
      .map((c) => compile(c, withLabelKeys(labelSelector(c.labelSelector), c, pod), pod));
  const wanted = defaults.filter((c) => c.whenUnsatisfiable === when);
  if (wanted.length === 0) return [];
  const selector = fallback();
  if (selector.isEverything) return [];
  return wanted.map((c) => compile(c, selector, pod));
}

function compile(c: SpreadConstraint, selector: Selector, pod: Pod): Constraint {
  const namespace = pod.metadata.namespace ?? '';
  return {
    topologyKey: c.topologyKey,
    maxSkew: c.maxSkew,
    minDomains: c.minDomains ?? 1,
    selector,
    matcher: {
      key: `spread ${JSON.stringify([namespace, selectorKey(selector)])}`,
      namespaces: new Set([namespace]),
      matches: (other) => counts(selector, namespace, other),
    },
    honorNodeAffinity: (c.nodeAffinityPolicy ?? 'Honor') === 'Honor',
    honorNodeTaints: (c.nodeTaintsPolicy ?? 'Ignore') === 'Honor',
  };
}

/** A pod on its way out counts no more; an empty selector chooses nothing here. */
function counts(selector: Selector, namespace: string, other: Pod): boolean {
  if (selector.isEverything || other.metadata.deletionTimestamp !== undefined) return false;
  return other.metadata.namespace === namespace && selector.matches(other.metadata.labels);
}

/** The apiserver writes matchLabelKeys into the selector (KEP-3243); where it did not, they are added here. */
function withLabelKeys(selector: Selector, { matchLabelKeys }: SpreadConstraint, pod: Pod): Selector {
  if (matchLabelKeys === undefined || selector.isNothing) return selector;
  const present = new Set(selector.requirements.map((r) => r.key));
  const added = matchLabelKeys.flatMap((key) => {
    const value = pod.metadata.labels?.[key];
    return value === undefined || present.has(key) ? [] : [{ key, operator: 'In' as const, values: [value] }];
  });
  return added.length === 0 ? selector : new Selector([...selector.requirements, ...added]);
}

/** Whether the node takes part in a constraint, by its policies on node affinity and taints. */
export function takesPart(constraint: Constraint, pod: Pod, node: NodeInfo): boolean {
  if (constraint.honorNodeAffinity && !podAllowsNode(pod, node.node)) return false;
  if (!constraint.honorNodeTaints) return true;
  return untoleratedTaint(node.taints, pod.spec.tolerations, SCHEDULING_EFFECTS) === undefined;
}
