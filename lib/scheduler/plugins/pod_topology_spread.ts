/** Spreads pods of one kind evenly over the domains of topology keys: zones, hosts, racks. */
import type { Pod } from '../../api/types.ts';
import type { NodeInfo } from '../cache/node_info.ts';
import type { TopologyColumn } from '../cache/topology.ts';
import { StateKey } from '../framework/cycle_state.ts';
import type {
  EnqueueExtensions,
  FilterPlugin,
  PreFilterPlugin,
  PreScorePlugin,
  ScorePlugin,
} from '../framework/plugin.ts';
import { MAX_NODE_SCORE } from '../framework/plugin.ts';
import type { ClusterView } from '../framework/plugin_handle.ts';
import { SKIP, unresolvable, unschedulable } from '../framework/status.ts';
import { defaultSelector } from './default_selector.ts';
import type { Constraint, SpreadConstraint, WhenUnsatisfiable } from './topology_spread_constraints.ts';
import { constraintsOf, SYSTEM_CONSTRAINTS, takesPart } from './topology_spread_constraints.ts';

/** PodTopologySpreadArgs. */
export interface PodTopologySpreadArgs {
  readonly defaultConstraints?: readonly SpreadConstraint[];
  /** `System`: the built-in defaults; `List`: those given. */
  readonly defaultingType?: 'System' | 'List';
}

const HOSTNAME = 'kubernetes.io/hostname';

/** Matching pods per domain, of the domains that take part. */
class Domains {
  readonly column: TopologyColumn;
  readonly #counts: Int32Array;
  readonly #present: Uint8Array;
  #domains = 0;
  #least: number | undefined;

  constructor(column: TopologyColumn) {
    this.column = column;
    this.#counts = new Int32Array(column.values.length);
    this.#present = new Uint8Array(column.values.length);
  }

  /** The domain of the node takes part, with that many more pods. */
  add(row: number, count: number): void {
    const domain = this.column.domainOf[row] ?? -1;
    if (domain < 0) return;
    if (this.#present[domain] === 0) {
      this.#present[domain] = 1;
      this.#domains++;
    }
    this.#counts[domain] = (this.#counts[domain] ?? 0) + count;
    this.#least = undefined;
  }

  has(row: number): boolean {
    return this.#present[this.column.domainOf[row] ?? -1] === 1;
  }

  at(row: number): number {
    return this.#counts[this.column.domainOf[row] ?? -1] ?? 0;
  }

  get size(): number {
    return this.#domains;
  }

  /** Pods in the emptiest domain; 0 when there are fewer domains than `minDomains`. */
  least(minDomains: number): number {
    if (this.#domains < minDomains) return 0;
    if (this.#least === undefined) {
      let least = Number.POSITIVE_INFINITY;
      for (const [domain, count] of this.#counts.entries())
        if (this.#present[domain] === 1 && count < least) least = count;
      this.#least = least;
    }
    return this.#least;
  }
}

type Counted = readonly { readonly constraint: Constraint; readonly domains: Domains }[];

interface ScoreState {
  readonly counted: readonly {
    readonly constraint: Constraint;
    readonly domains: Domains | undefined;
    readonly factor: number;
  }[];
  /** Nodes that lack a topology key. */
  readonly ignored: ReadonlySet<string>;
}

const filterKey = new StateKey<Counted>('PodTopologySpread.filter');
const scoreKey = new StateKey<ScoreState>('PodTopologySpread.score');

export function podTopologySpread(
  { cache, objects }: Pick<ClusterView, 'cache' | 'objects'>,
  args: PodTopologySpreadArgs = {},
): PreFilterPlugin & FilterPlugin & PreScorePlugin & ScorePlugin & EnqueueExtensions {
  const isSystem = (args.defaultingType ?? 'System') === 'System';
  const defaults = isSystem ? SYSTEM_CONSTRAINTS : (args.defaultConstraints ?? []);
  const constraints = (pod: Pod, when: WhenUnsatisfiable): readonly Constraint[] =>
    constraintsOf(pod, when, defaults, () => defaultSelector(pod, objects));
  const hasAllKeys = (node: NodeInfo, all: readonly Constraint[]): boolean =>
    all.every((c) => node.labels[c.topologyKey] !== undefined);

  const change = (counted: Counted | undefined, pod: Pod, other: Pod, node: NodeInfo, by: 1 | -1): void => {
    if (counted === undefined || other.metadata.namespace !== pod.metadata.namespace) return;
    const all = counted.map((c) => c.constraint);
    if (!hasAllKeys(node, all)) return;
    for (const { constraint, domains } of counted)
      if (constraint.matcher.matches(other) && takesPart(constraint, pod, node)) domains.add(node.row, by);
  };

  return {
    name: 'PodTopologySpread',
    preFilter(state, pod, nodes) {
      const all = constraints(pod, 'DoNotSchedule');
      if (all.length === 0) return SKIP;
      const counted = all.map((constraint) => ({
        constraint,
        domains: new Domains(cache.topology(constraint.topologyKey)),
        counts: cache.matchCounts(constraint.matcher),
      }));
      for (const node of nodes) {
        if (!hasAllKeys(node, all)) continue;
        for (const { constraint, domains, counts } of counted)
          if (takesPart(constraint, pod, node)) domains.add(node.row, counts.at(node.row));
      }
      state.write(filterKey, counted);
      return undefined;
    },
    addPod: (state, pod, other, node) => change(state.read(filterKey), pod, other, node, 1),
    removePod: (state, pod, other, node) => change(state.read(filterKey), pod, other, node, -1),
    filter(state, pod, node) {
      for (const { constraint, domains } of state.read(filterKey) ?? []) {
        if (node.labels[constraint.topologyKey] === undefined)
          return unresolvable(
            "node(s) didn't match pod topology spread constraints (missing required label)",
          );
        const itself = constraint.selector.matches(pod.metadata.labels) ? 1 : 0;
        const skew = domains.at(node.row) + itself - domains.least(constraint.minDomains);
        if (skew > constraint.maxSkew)
          return unschedulable("node(s) didn't match pod topology spread constraints");
      }
      return undefined;
    },
    preScore(state, pod, nodes) {
      const all = constraints(pod, 'ScheduleAnyway');
      if (all.length === 0) return SKIP;
      // With the built-in defaults, nodes without zones are scored by host alone.
      const needsAllKeys = (pod.spec.topologySpreadConstraints ?? []).length > 0 || !isSystem;
      const ignored = new Set<string>();
      const counted = all.map((constraint) => ({
        constraint,
        domains:
          constraint.topologyKey === HOSTNAME
            ? undefined
            : new Domains(cache.topology(constraint.topologyKey)),
      }));
      for (const node of nodes) {
        if (needsAllKeys && !hasAllKeys(node, all)) {
          ignored.add(node.name);
          continue;
        }
        for (const { domains } of counted) domains?.add(node.row, 0);
      }
      // The nodes without the label are as one more domain for the weight of the constraint.
      const isLackedBySome = ({ topologyKey }: Constraint): boolean =>
        !needsAllKeys && nodes.some((node) => node.labels[topologyKey] === undefined);
      const sizes = counted.map(({ constraint, domains }) =>
        domains === undefined
          ? nodes.length - ignored.size
          : domains.size + (isLackedBySome(constraint) ? 1 : 0),
      );
      for (const node of cache.nodes()) {
        if (needsAllKeys && !hasAllKeys(node, all)) continue;
        for (const { constraint, domains } of counted)
          if (domains?.has(node.row) === true && takesPart(constraint, pod, node))
            domains.add(node.row, cache.matchCounts(constraint.matcher).at(node.row));
      }
      state.write(scoreKey, {
        counted: counted.map((c, i) => ({ ...c, factor: Math.log((sizes[i] ?? 0) + 2) })),
        ignored,
      });
      return undefined;
    },
    // -1 marks nodes that are left out, until normalisation.
    score(state, _pod, node) {
      const found = state.read(scoreKey);
      if (found === undefined) return 0;
      if (found.ignored.has(node.name)) return -1;
      let sum = 0;
      for (const { constraint, domains, factor } of found.counted) {
        if (node.labels[constraint.topologyKey] === undefined) continue;
        const count = domains?.at(node.row) ?? cache.matchCounts(constraint.matcher).at(node.row);
        sum += count * factor + (constraint.maxSkew - 1);
      }
      return Math.round(sum);
    },
    normalizeScore(_state, _pod, scores) {
      const valid = scores.filter((score) => score >= 0);
      const lowest = valid.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
      const highest = valid.reduce((a, b) => Math.max(a, b), 0);
      for (const [i, score] of scores.entries()) {
        if (score < 0) scores[i] = 0;
        else if (highest === 0) scores[i] = MAX_NODE_SCORE;
        else scores[i] = Math.trunc((MAX_NODE_SCORE * (highest + lowest - score)) / highest);
      }
    },
    eventsToRegister: () => [
      'NodeAdd',
      'NodeDelete',
      'NodeLabelUpdate',
      'NodeTaintUpdate',
      'AssignedPodAdd',
      'AssignedPodUpdate',
      'AssignedPodDelete',
      'UnscheduledPodUpdate',
    ],
  };
}
