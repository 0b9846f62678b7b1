/** Pod (anti-)affinity of a pod, compiled once per pod object. */
import { labelSelector, Selector } from '../../api/selector.ts';
import type { Plain, Pod } from '../../api/types.ts';
import type { V1PodAffinityTerm } from '@kubernetes/client-node';

type ApiTerm = Plain<V1PodAffinityTerm>;
type Labels = Readonly<Record<string, string>>;

/** One term: pods of some namespaces with some labels, in the domain of a topology key. */
export interface AffinityTerm {
  /** Equal for terms that say the same. */
  readonly key: string;
  readonly topologyKey: string;
  readonly selector: Selector;
  /** Named namespaces; the pod's own where neither names nor a selector are given. */
  readonly namespaces: ReadonlySet<string>;
  /** Further namespaces, by their labels. */
  readonly namespaceSelector: Selector;
}

export interface WeightedTerm {
  readonly term: AffinityTerm;
  /** Negative for anti-affinity. */
  readonly weight: number;
}

export interface AffinityTerms {
  readonly required: readonly AffinityTerm[];
  readonly requiredAnti: readonly AffinityTerm[];
  /** Preferred terms of both kinds. */
  readonly preferred: readonly WeightedTerm[];
}

const NONE: AffinityTerms = { required: [], requiredAnti: [], preferred: [] };
const compiled = new WeakMap<Pod, AffinityTerms>();
/** By what is written in the pod: most pods are made from templates. The oldest half goes when it is full. */
const byText = new Map<string, AffinityTerms>();
const MAX_TEXTS = 1024;

/** @throws SelectorError for a selector that the API would not have let in */
export function affinityTerms(pod: Pod): AffinityTerms {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  if (podAffinity === undefined && podAntiAffinity === undefined) return NONE;
  const known = compiled.get(pod);
  if (known !== undefined) return known;
  const { namespace, labels } = pod.metadata;
  const text = JSON.stringify([namespace, podAffinity, podAntiAffinity, labels]);
  let terms = byText.get(text);
  if (terms === undefined) {
    terms = compile(pod);
    if (byText.size >= MAX_TEXTS)
      for (const old of [...byText.keys()].slice(0, MAX_TEXTS / 2)) byText.delete(old);
    byText.set(text, terms);
  }
  compiled.set(pod, terms);
  return terms;
}

function compile(pod: Pod): AffinityTerms {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  const term = (t: ApiTerm): AffinityTerm => compileTerm(t, pod);
  return {
    required: (podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(term),
    requiredAnti: (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(term),
    preferred: [
      ...(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((p) => ({
        term: term(p.podAffinityTerm),
        weight: p.weight,
      })),
      ...(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((p) => ({
        term: term(p.podAffinityTerm),
        weight: -p.weight,
      })),
    ],
  };
}

function compileTerm(term: ApiTerm, pod: Pod): AffinityTerm {
  const selector = withLabelKeys(labelSelector(term.labelSelector), term, pod.metadata.labels ?? {});
  const named = term.namespaces ?? [];
  const own = named.length === 0 && term.namespaceSelector === undefined;
  const namespaces = new Set(own ? [pod.metadata.namespace ?? ''] : named);
  const namespaceSelector = labelSelector(term.namespaceSelector);
  const key = JSON.stringify([
    term.topologyKey,
    selectorKey(selector),
    [...namespaces].sort(),
    selectorKey(namespaceSelector),
  ]);
  return { key, topologyKey: term.topologyKey, selector, namespaces, namespaceSelector };
}

/**
 * `matchLabelKeys` and `mismatchLabelKeys` add the pod's own values to the selector. The apiserver writes them into the
 * selector when the pod is created (KEP-3633), which then stands; otherwise they are added here.
 */
function withLabelKeys(selector: Selector, term: ApiTerm, labels: Labels): Selector {
  if (selector.isNothing) return selector;
  const present = new Set(selector.requirements.map((r) => r.key));
  const added = [
    ...(term.matchLabelKeys ?? []).map((key) => ({ key, operator: 'In' as const })),
    ...(term.mismatchLabelKeys ?? []).map((key) => ({ key, operator: 'NotIn' as const })),
  ].flatMap(({ key, operator }) => {
    const value = labels[key];
    return value === undefined || present.has(key) ? [] : [{ key, operator, values: [value] }];
  });
  return added.length === 0 ? selector : new Selector([...selector.requirements, ...added]);
}

/** Whether the term speaks of `pod`. @param namespaceLabels labels of the pod's namespace */
export function termMatches(term: AffinityTerm, pod: Pod, namespaceLabels: Labels): boolean {
  const inNamespace =
    term.namespaces.has(pod.metadata.namespace ?? '') || term.namespaceSelector.matches(namespaceLabels);
  return inNamespace && term.selector.matches(pod.metadata.labels);
}

/** Equal for selectors that choose the same by their requirements. */
export function selectorKey(selector: Selector): string {
  return selector.isNothing ? '!' : selector.toString();
}
