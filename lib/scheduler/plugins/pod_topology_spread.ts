/** Spreads pods of one kind evenly over the domains of topology keys: zones, hosts, racks. */
import type { Pod } from '../../api/types.ts';
import type { NodeInfo } from '../cache/node_info.ts';
import type { TopologyColumn } from '../cache/topology.ts';
import { StateKey } from '../framework/cycle_state.ts';
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
import { selectorKey } from '../cache/affinity_terms.ts';
import { normalizeEach } from '../framework/normalize.ts';
import { MISSING_LABEL, SpreadFilter, SpreadScore, TOO_SKEWED } from './spread_columns.ts';
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
): PreFilterPlugin & FilterPlugin & PreScorePlugin & ScorePlugin & ColumnPlugin & EnqueueExtensions {
  const isSystem = (args.defaultingType ?? 'System') === 'System';
  const defaults = isSystem ? SYSTEM_CONSTRAINTS : (args.defaultConstraints ?? []);
  const constraints = (pod: Pod, when: WhenUnsatisfiable): readonly Constraint[] =>
    constraintsOf(pod, when, defaults, () => defaultSelector(pod, objects));
  const hasAllKeys = (node: NodeInfo, all: readonly Constraint[]): boolean =>
    all.every((c) => node.labels[c.topologyKey] !== undefined);

  // With the built-in defaults, nodes without zones are scored by host alone.
  const needsAllKeys = (pod: Pod): boolean =>
    (pod.spec.topologySpreadConstraints ?? []).length > 0 || !isSystem;

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
        if (node.labels[constraint.topologyKey] === undefined) return MISSING_LABEL;
        const itself = constraint.selector.matches(pod.metadata.labels) ? 1 : 0;
        const skew = domains.at(node.row) + itself - domains.least(constraint.minDomains);
        if (skew > constraint.maxSkew) return TOO_SKEWED;
      }
      return undefined;
    },
    preScore(state, pod, nodes) {
      const all = constraints(pod, 'ScheduleAnyway');
      if (all.length === 0) return SKIP;
      const needsAll = needsAllKeys(pod);
      const ignored = new Set<string>();
      const counted = all.map((constraint) => ({
        constraint,
        domains:
          constraint.topologyKey === HOSTNAME
            ? undefined
            : new Domains(cache.topology(constraint.topologyKey)),
      }));
      for (const node of nodes) {
        if (needsAll && !hasAllKeys(node, all)) {
          ignored.add(node.name);
          continue;
        }
        for (const { domains } of counted) domains?.add(node.row, 0);
      }
      // The nodes without the label are as one more domain for the weight of the constraint.
      const isLackedBySome = ({ topologyKey }: Constraint): boolean =>
        !needsAll && nodes.some((node) => node.labels[topologyKey] === undefined);
      const sizes = counted.map(({ constraint, domains }) =>
        domains === undefined
          ? nodes.length - ignored.size
          : domains.size + (isLackedBySome(constraint) ? 1 : 0),
      );
      for (const node of cache.nodes()) {
        if (needsAll && !hasAllKeys(node, all)) continue;
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
    score(state, _pod, node) {
      const found = state.read(scoreKey);
      if (found === undefined) return 0;
      if (found.ignored.has(node.name)) return Number.NaN;
      let sum = 0;
      for (const { constraint, domains, factor } of found.counted) {
        if (node.labels[constraint.topologyKey] === undefined) continue;
        const count = domains?.at(node.row) ?? cache.matchCounts(constraint.matcher).at(node.row);
        sum += count * factor + (constraint.maxSkew - 1);
      }
      return Math.round(sum);
    },
    normalizeScore: (_state, _pod, scores) => normalizeEach(scores, normalize),
    normalize,
    signPod(pod) {
      const { spec, metadata } = pod;
      const own = spec.topologySpreadConstraints ?? [];
      let counted: unknown = [own, metadata.labels];
      if (own.length === 0) {
        const selector = defaults.length === 0 ? undefined : defaultSelector(pod, objects);
        if (selector === undefined || selector.isEverything) return '';
        counted = selectorKey(selector);
      }
      // Nodes that the pod cannot go to do not count.
      const nodes = [spec.nodeSelector, spec.affinity?.nodeAffinity, spec.tolerations];
      return JSON.stringify([counted, metadata.namespace, nodes]);
    },
    columns(pod) {
      const hard = constraints(pod, 'DoNotSchedule');
      const soft = constraints(pod, 'ScheduleAnyway');
      const counted = (constraint: Constraint, all: readonly Constraint[], needsAllKeys: boolean) => {
        const takes = new Uint8Array(cache.rows);
        for (const node of cache.nodes())
          if ((!needsAllKeys || hasAllKeys(node, all)) && takesPart(constraint, pod, node))
            takes[node.row] = 1;
        return {
          column: cache.topology(constraint.topologyKey),
          counts: () => cache.matchCounts(constraint.matcher),
          takesPart: takes,
          maxSkew: constraint.maxSkew,
        };
      };
      const needsAll = needsAllKeys(pod);
      const isIgnored = new Uint8Array(cache.rows);
      if (needsAll && soft.length > 0)
        for (const node of cache.nodes()) if (!hasAllKeys(node, soft)) isIgnored[node.row] = 1;
      const scored = soft.map((constraint) => ({
        ...counted(constraint, soft, needsAll),
        isHost: constraint.topologyKey === HOSTNAME,
      }));
      return {
        ...(hard.length === 0
          ? {}
          : {
              filter: new SpreadFilter(
                hard.map((constraint) => ({
                  ...counted(constraint, hard, true),
                  minDomains: constraint.minDomains,
                  itself: constraint.selector.matches(pod.metadata.labels) ? 1 : 0,
                })),
              ),
            }),
        ...(soft.length === 0 ? {} : { score: new SpreadScore(scored, isIgnored, needsAll) }),
      };
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

/** NaN for nodes that are left out. */
function normalize(score: number, lowest: number, highest: number): number {
  if (Number.isNaN(score)) return 0;
  return highest > 0 ? Math.trunc((MAX_NODE_SCORE * (highest + lowest - score)) / highest) : MAX_NODE_SCORE;
}
