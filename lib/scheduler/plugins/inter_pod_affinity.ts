/** Pod affinity and anti-affinity: where pods want to be, or not to be, beside which other pods. */
import type { Pod } from '../../api/types.ts';
import type { AffinityTerm, AffinityTerms } from '../cache/affinity_terms.ts';
import { affinityTerms, selectorKey, termMatches } from '../cache/affinity_terms.ts';
import type { ExistingTerm } from '../cache/existing_terms.ts';
import type { PodMatcher } from '../cache/match_counts.ts';
import type { NodeInfo } from '../cache/node_info.ts';
import type { RowCounts } from '../cache/row_counts.ts';
import type { TopologyColumn } from '../cache/topology.ts';
import { StateKey } from '../framework/cycle_state.ts';
import { normalizeEach } from '../framework/normalize.ts';
import type {
  ColumnPlugin,
  EnqueueExtensions,
  FilterPlugin,
  PreFilterPlugin,
  PreScorePlugin,
  ScorePlugin,
} from '../framework/plugin.ts';
import { MAX_NODE_SCORE } from '../framework/plugin.ts';
import type { ClusterView } from '../framework/plugin_handle.ts';
import { SKIP } from '../framework/status.ts';
import type { DomainCount } from './affinity_columns.ts';
import {
  AffinityFilter,
  AffinityScore,
  ANTI_AFFINITY,
  NO_AFFINITY,
  REFUSED_BY_EXISTING,
} from './affinity_columns.ts';

/** InterPodAffinityArgs. */
export interface InterPodAffinityArgs {
  /** What a required affinity of a placed pod counts for pods that it would like beside it. Default 1. */
  readonly hardPodAffinityWeight?: number;
  /** Leaves the preferences of placed pods out of the score where the pod has none itself. Default false. */
  readonly ignorePreferredTermsOfExistingPods?: boolean;
}

/** Pods per domain of a topology key. */
class DomainCounts {
  readonly column: TopologyColumn;
  readonly #counts: Int32Array;

  constructor(column: TopologyColumn) {
    this.column = column;
    this.#counts = new Int32Array(column.values.length);
  }

  addRows(counts: RowCounts, nodes: readonly NodeInfo[]): void {
    for (const { row } of nodes) {
      const count = counts.at(row);
      if (count !== 0) this.add(row, count);
    }
  }

  add(row: number, by: number): void {
    const domain = this.domainOf(row);
    if (domain >= 0) this.#counts[domain] = (this.#counts[domain] ?? 0) + by;
  }

  /** -1 for a node without the label. */
  domainOf(row: number): number {
    return this.column.domainOf[row] ?? -1;
  }

  at(row: number): number {
    const domain = this.domainOf(row);
    return domain < 0 ? 0 : (this.#counts[domain] ?? 0);
  }

  get isEmpty(): boolean {
    return this.#counts.every((count) => count === 0);
  }
}

interface TermDomains {
  readonly term: AffinityTerm;
  readonly domains: DomainCounts;
}

interface FilterState {
  readonly terms: AffinityTerms;
  /** Per required term of the pod, the placed pods that match all of its required terms. */
  readonly affinity: readonly TermDomains[];
  /** Per required anti-affinity term, the placed pods that match it. */
  readonly antiAffinity: readonly TermDomains[];
  /** Placed pods that do not want the pod beside them, by topology key. */
  readonly refusedBy: Map<string, DomainCounts>;
  readonly matchesItself: boolean;
}

const filterKey = new StateKey<FilterState>('InterPodAffinity.filter');
const scoreKey = new StateKey<Map<string, Float64Array>>('InterPodAffinity.score');

export function interPodAffinity(
  { cache, objects }: Pick<ClusterView, 'cache' | 'objects'>,
  args: InterPodAffinityArgs = {},
): PreFilterPlugin & FilterPlugin & PreScorePlugin & ScorePlugin & ColumnPlugin & EnqueueExtensions {
  const { hardPodAffinityWeight = 1, ignorePreferredTermsOfExistingPods = false } = args;
  const labelsOf = (namespace: string): Readonly<Record<string, string>> =>
    objects.namespaces.get(namespace)?.metadata.labels ?? {};

  /** The namespaces of a term, now; undefined for all. */
  const namespacesOf = (term: AffinityTerm): ReadonlySet<string> | undefined => {
    if (term.namespaceSelector.isNothing) return term.namespaces;
    if (term.namespaceSelector.isEverything) return undefined;
    const chosen = objects.namespaces.list().filter((n) => term.namespaceSelector.matches(n.metadata.labels));
    return new Set([...term.namespaces, ...chosen.map((n) => n.metadata.name)]);
  };
  /** Placed pods that match all of the terms. */
  const matcherOf = (terms: readonly AffinityTerm[]): PodMatcher => {
    const parts = terms.map((term) => ({ selector: term.selector, namespaces: namespacesOf(term) }));
    const keys = parts.map((p) => [
      selectorKey(p.selector),
      p.namespaces === undefined ? null : [...p.namespaces].sort(),
    ]);
    return {
      key: `affinity ${JSON.stringify(keys)}`,
      namespaces: parts.find((p) => p.namespaces !== undefined)?.namespaces,
      matches: (pod) =>
        parts.every(
          (p) =>
            p.selector.matches(pod.metadata.labels) &&
            (p.namespaces === undefined || p.namespaces.has(pod.metadata.namespace ?? '')),
        ),
    };
  };
  const matchesAll = (terms: readonly AffinityTerm[], pod: Pod): boolean => {
    const labels = labelsOf(pod.metadata.namespace ?? '');
    return terms.every((term) => termMatches(term, pod, labels));
  };
  const domainsOf = (counted: readonly AffinityTerm[], term: AffinityTerm, nodes: readonly NodeInfo[]) => {
    const domains = new DomainCounts(cache.topology(term.topologyKey));
    domains.addRows(cache.matchCounts(matcherOf(counted)), nodes);
    return { term, domains };
  };
  /** The terms of placed pods that speak of `pod`. */
  const speakingOf = function* (
    terms: Iterable<ExistingTerm>,
    pod: Pod,
  ): Generator<ExistingTerm, void, void> {
    const labels = labelsOf(pod.metadata.namespace ?? '');
    for (const existing of terms) if (termMatches(existing.term, pod, labels)) yield existing;
  };

  /** `other` comes to the node (`by` 1) or leaves it. */
  const change = (state: FilterState | undefined, pod: Pod, other: Pod, node: NodeInfo, by: 1 | -1): void => {
    if (state === undefined) return;
    const { row } = node;
    if (state.terms.required.length > 0 && matchesAll(state.terms.required, other))
      for (const { domains } of state.affinity) domains.add(row, by);
    for (const { term, domains } of state.antiAffinity) if (matchesAll([term], other)) domains.add(row, by);
    for (const term of affinityTerms(other).requiredAnti) {
      if (!matchesAll([term], pod)) continue;
      let domains = state.refusedBy.get(term.topologyKey);
      if (domains === undefined) {
        domains = new DomainCounts(cache.topology(term.topologyKey));
        state.refusedBy.set(term.topologyKey, domains);
      }
      domains.add(row, by);
    }
  };

  return {
    name: 'InterPodAffinity',
    preFilter(state, pod, nodes) {
      const terms = affinityTerms(pod);
      const refusedBy = new Map<string, DomainCounts>();
      for (const { term, counts } of speakingOf(cache.existingTerms.requiredAnti.all(), pod)) {
        const domains = refusedBy.get(term.topologyKey) ?? new DomainCounts(cache.topology(term.topologyKey));
        domains.addRows(counts, nodes);
        refusedBy.set(term.topologyKey, domains);
      }
      const idle = terms.required.length === 0 && terms.requiredAnti.length === 0;
      if (idle && [...refusedBy.values()].every((domains) => domains.isEmpty)) return SKIP;
      state.write(filterKey, {
        terms,
        affinity: terms.required.map((term) => domainsOf(terms.required, term, nodes)),
        antiAffinity: terms.requiredAnti.map((term) => domainsOf([term], term, nodes)),
        refusedBy,
        matchesItself: matchesAll(terms.required, pod),
      });
      return undefined;
    },
    addPod: (state, pod, other, node) => change(state.read(filterKey), pod, other, node, 1),
    removePod: (state, pod, other, node) => change(state.read(filterKey), pod, other, node, -1),
    filter(state, _pod, { row }) {
      const found = state.read(filterKey);
      if (found === undefined) return undefined;
      const { affinity, antiAffinity, refusedBy } = found;
      if (!affinityHolds(affinity, row, found.matchesItself)) return NO_AFFINITY;
      if (antiAffinity.some(({ domains }) => domains.at(row) > 0)) return ANTI_AFFINITY;
      for (const domains of refusedBy.values()) if (domains.at(row) > 0) return REFUSED_BY_EXISTING;
      return undefined;
    },
    preScore(state, pod) {
      const { preferred } = affinityTerms(pod);
      if (preferred.length === 0 && ignorePreferredTermsOfExistingPods) return SKIP;
      const nodes = cache.nodes();
      const scores = new Map<string, Float64Array>();
      const add = (term: AffinityTerm, weight: number, counts: RowCounts): void => {
        if (weight === 0 || counts.total === 0) return;
        const { domainOf, values } = cache.topology(term.topologyKey);
        let sums = scores.get(term.topologyKey);
        for (const { row } of nodes) {
          const domain = domainOf[row] ?? -1;
          const count = counts.at(row);
          if (count === 0 || domain < 0) continue;
          sums ??= new Float64Array(values.length);
          sums[domain] = (sums[domain] ?? 0) + weight * count;
        }
        if (sums !== undefined) scores.set(term.topologyKey, sums);
      };
      for (const { term, weight } of preferred) add(term, weight, cache.matchCounts(matcherOf([term])));
      const { required, preferred: theirs } = cache.existingTerms;
      if (hardPodAffinityWeight > 0)
        for (const { term, counts } of speakingOf(required.all(), pod))
          add(term, hardPodAffinityWeight, counts);
      // Where neither this pod nor the configuration asks for it, nobody's preferences are weighed.
      if (!ignorePreferredTermsOfExistingPods || preferred.length > 0)
        for (const { term, weight, counts } of speakingOf(theirs.all(), pod)) add(term, weight, counts);
      if (scores.size === 0) return SKIP;
      state.write(scoreKey, scores);
      return undefined;
    },
    score(state, _pod, node) {
      let sum = 0;
      for (const [key, sums] of state.read(scoreKey) ?? []) {
        const domain = cache.topology(key).domainOf[node.row] ?? -1;
        if (domain >= 0) sum += sums[domain] ?? 0;
      }
      return sum;
    },
    normalizeScore: (_state, _pod, scores) => normalizeEach(scores, normalize),
    normalize,
    signPod(pod) {
      const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
      const { required, requiredAnti, preferred } = cache.existingTerms;
      const hasTerms = podAffinity !== undefined || podAntiAffinity !== undefined;
      if (!hasTerms && required.size === 0 && requiredAnti.size === 0 && preferred.size === 0) return '';
      return JSON.stringify([pod.metadata.namespace, pod.metadata.labels, podAffinity, podAntiAffinity]);
    },
    columns(pod) {
      const terms = affinityTerms(pod);
      const { existingTerms: existing } = cache;
      const count = (counted: readonly AffinityTerm[], term: AffinityTerm, weight = 1): DomainCount => ({
        column: cache.topology(term.topologyKey),
        sources: [{ counts: cache.matchCounts(matcherOf(counted)), weight }],
      });
      /** Terms of the same topology key together. */
      const byKey = (counts: readonly DomainCount[]): readonly DomainCount[] => {
        const columns = new Map<TopologyColumn, DomainCount>();
        for (const { column, sources } of counts)
          columns.set(column, { column, sources: [...(columns.get(column)?.sources ?? []), ...sources] });
        return [...columns.values()];
      };
      const speaking = (of: Iterable<ExistingTerm>, factor?: number): DomainCount[] =>
        Array.from(speakingOf(of, pod), ({ term, weight, counts }) => ({
          column: cache.topology(term.topologyKey),
          sources: [{ counts, weight: factor ?? weight }],
        }));
      const preferenceCounts = (): DomainCount[] => [
        ...terms.preferred.map(({ term, weight }) => count([term], term, weight)),
        ...(hardPodAffinityWeight > 0 ? speaking(existing.required.all(), hardPodAffinityWeight) : []),
        ...(ignorePreferredTermsOfExistingPods && terms.preferred.length === 0
          ? []
          : speaking(existing.preferred.all())),
      ];
      // Counts are taken anew when terms come or go, or namespaces change.
      const { namespaces } = objects;
      return {
        filter: new AffinityFilter({
          revision: () => `${existing.requiredAnti.revision} ${namespaces.revision}`,
          counts: () => ({
            affinity: terms.required.map((term) => count(terms.required, term)),
            antiAffinity: terms.requiredAnti.map((term) => count([term], term)),
            refusedBy: byKey(speaking(existing.requiredAnti.all(), 1)),
            matchesItself: matchesAll(terms.required, pod),
          }),
        }),
        ...(terms.preferred.length === 0 && ignorePreferredTermsOfExistingPods
          ? {}
          : {
              score: new AffinityScore({
                revision: () =>
                  `${existing.required.revision} ${existing.preferred.revision} ${namespaces.revision}`,
                counts: () => byKey(preferenceCounts().filter(({ sources }) => sources[0]?.weight !== 0)),
              }),
            }),
      };
    },
    eventsToRegister: () => [
      'NodeAdd',
      'NodeLabelUpdate',
      'AssignedPodAdd',
      'AssignedPodUpdate',
      'AssignedPodDelete',
      'NamespaceUpdate',
      'UnscheduledPodUpdate',
    ],
  };
}

function normalize(score: number, lowest: number, highest: number): number {
  const range = highest - lowest;
  return range > 0 ? Math.trunc(MAX_NODE_SCORE * ((score - lowest) / range)) : 0;
}

/**
 * Every required term needs a matching pod in the node's domain. The first pod of a group that wants to be together finds
 * none anywhere: it may start one wherever the labels are, if it matches its own terms.
 */
function affinityHolds(affinity: readonly TermDomains[], row: number, matchesItself: boolean): boolean {
  if (affinity.some(({ domains }) => domains.domainOf(row) < 0)) return false;
  if (affinity.every(({ domains }) => domains.at(row) > 0)) return true;
  return matchesItself && affinity.every(({ domains }) => domains.isEmpty);
}
