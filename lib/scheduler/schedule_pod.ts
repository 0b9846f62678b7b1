/** The decision where one pod goes: a pure function of the pod and the nodes. */
import type { Pod } from '../api/types.ts';
import type { NodeInfo } from './cache/node_info.ts';
import type { Decision, Diagnosis, NodeScore } from './diagnosis.ts';
import type { CycleState } from './framework/cycle_state.ts';
import type { PreFilterResult } from './framework/plugin.ts';
import type { Profile } from './framework/plugin.ts';
import { runFiltersWithNominated, thrown } from './framework/run_filters.ts';
import { AllBut } from './framework/refusal_view.ts';
import type { Outcome, Refusal, Status } from './framework/status.ts';
import { isRejected, refusalOf } from './framework/status.ts';
import type { NominatedPods } from './queue/nominated_pods.ts';

export interface ScheduleOptions {
  /** 0..1, to choose among equally good nodes. Default Math.random. */
  readonly random?: () => number;
  /** Pods that others leave room for. */
  readonly nominated?: NominatedPods;
  /** Enough feasible nodes: no more are looked for. Default: all nodes are looked at. */
  readonly enough?: number;
  /** Where among the nodes the look begins, so that all have their turn when it ends early. Default 0. */
  readonly startAt?: number;
  /** Finds a node without a look at all of them. */
  readonly byName?: (name: string) => NodeInfo | undefined;
}

/** The nodes that passed, in the order of the look. */
export interface Feasible {
  readonly kind: 'feasible';
  readonly nodes: readonly NodeInfo[];
  readonly refusals: ReadonlyMap<string, Refusal>;
  /** How many nodes were looked at. */
  readonly examined: number;
}

/**
 * Filters and scores all nodes for the pod by the plugins of the profile. Among the nodes of the highest score one is
 * chosen at random, so that equal nodes fill evenly.
 */
export function schedulePod(
  pod: Pod,
  nodes: readonly NodeInfo[],
  profile: Profile,
  state: CycleState,
  options: ScheduleOptions = {},
): Decision {
  const found = findFeasible(pod, nodes, profile, state, options);
  return found.kind === 'feasible' ? chooseNode(pod, found, nodes.length, profile, state, options) : found;
}

/** PreFilter and Filter: the nodes that the pod can go to, or the decision that there is none. */
export function findFeasible(
  pod: Pod,
  nodes: readonly NodeInfo[],
  profile: Profile,
  state: CycleState,
  options: ScheduleOptions = {},
): Feasible | Exclude<Decision, { kind: 'node' }> {
  const { nominated, enough = nodes.length, startAt = 0 } = options;
  const { byName = (name) => nodes.find((n) => n.name === name) } = options;
  const refused = new Map<string, Refusal>();
  let refusals: ReadonlyMap<string, Refusal> = refused;
  const diagnosis = (extra: Partial<Diagnosis> = {}): Diagnosis => ({
    nodes: nodes.length,
    refusals,
    scores: [],
    ...extra,
  });
  if (nodes.length === 0) return { kind: 'unschedulable', diagnosis: diagnosis() };

  const pre = runPreFilters(pod, nodes, profile, state);
  if (pre.failed !== undefined) return { kind: 'error', status: pre.failed, diagnosis: diagnosis() };
  if (pre.refused !== undefined)
    return { kind: 'unschedulable', diagnosis: diagnosis({ refusedOutright: refusalOf(pre.refused) }) };

  // A pod for which room was made goes there if it can, whatever other nodes would score.
  const promised = pod.status?.nominatedNodeName ?? '';
  const first = promised === '' ? undefined : byName(promised);
  if (first !== undefined && pre.excluded(first) === undefined) {
    const status = runFiltersWithNominated(pod, first, profile, state, nominated);
    if (status === undefined) return { kind: 'feasible', nodes: [first], refusals, examined: 1 };
  }

  let candidates = nodes;
  const [narrow, ...more] = pre.narrowed;
  if (narrow !== undefined && more.length === 0) {
    // Those that are named are looked at, and the others not even one by one.
    const named = new Map<string, NodeInfo>();
    for (const name of narrow.names) {
      const node = byName(name);
      if (node !== undefined) named.set(name, node);
    }
    refusals = new AllBut(nodes, named, refused, exclusion(narrow.plugin));
    candidates = [...named.values()];
  }
  const feasible: NodeInfo[] = [];
  let examined = 0;
  while (examined < candidates.length && feasible.length < enough) {
    const node = candidates[(startAt + examined++) % candidates.length];
    if (node === undefined) continue;
    const excluded = pre.excluded(node);
    if (excluded !== undefined) {
      refused.set(node.name, excluded);
      continue;
    }
    const status = runFiltersWithNominated(pod, node, profile, state, nominated);
    if (status === undefined) feasible.push(node);
    else if (isRejected(status)) refused.set(node.name, refusalOf(status));
    else return { kind: 'error', status, diagnosis: diagnosis() };
  }
  return feasible.length === 0
    ? { kind: 'unschedulable', diagnosis: diagnosis() }
    : { kind: 'feasible', nodes: feasible, refusals, examined };
}

/**
 * PreScore and Score: the best of the nodes that passed.
 *
 * @param known number of all nodes
 * @param extra scores beside those of the plugins, by node name
 */
export function chooseNode(
  pod: Pod,
  { nodes, refusals }: Pick<Feasible, 'nodes' | 'refusals'>,
  known: number,
  profile: Profile,
  state: CycleState,
  options: ScheduleOptions & { readonly extra?: ReadonlyMap<string, Readonly<Record<string, number>>> } = {},
): Decision {
  const { random = Math.random, extra } = options;
  const diagnosis = { nodes: known, refusals, scores: [] };
  const [only] = nodes;
  if (only === undefined) return { kind: 'unschedulable', diagnosis };
  if (nodes.length === 1) return { kind: 'node', node: only.name, diagnosis };
  const scored = runScores(pod, nodes, profile, state);
  if ('code' in scored) return { kind: 'error', status: scored, diagnosis };
  const scores = (extra === undefined ? scored : scored.map((s) => withExtra(s, extra.get(s.node)))).toSorted(
    (a, b) => b.total - a.total,
  );
  const best = scores.filter((s) => s.total === scores[0]?.total);
  const chosen = best[Math.floor(random() * best.length)]?.node ?? only.name;
  return { kind: 'node', node: chosen, diagnosis: { ...diagnosis, scores } };
}

function withExtra(score: NodeScore, extra: Readonly<Record<string, number>> | undefined): NodeScore {
  if (extra === undefined) return score;
  const sum = Object.values(extra).reduce((a, b) => a + b, 0);
  return { ...score, total: score.total + sum, byPlugin: { ...score.byPlugin, ...extra } };
}

interface PreFilters {
  /** Plugins that named the only nodes that can pass. */
  readonly narrowed: readonly { readonly plugin: string; readonly names: ReadonlySet<string> }[];
  readonly failed?: Status;
  readonly refused?: Status & { readonly code: 'Unschedulable' | 'UnschedulableAndUnresolvable' };
  /** Why a node is not worth a look, if so. */
  excluded(node: NodeInfo): Refusal | undefined;
}

/** Leaves in `state` what Filter, and others after it, go by. */
export function runPreFilters(
  pod: Pod,
  nodes: readonly NodeInfo[],
  profile: Profile,
  state: CycleState,
): PreFilters {
  const narrowed: { plugin: string; names: ReadonlySet<string> }[] = [];
  const excluded = (node: NodeInfo): Refusal | undefined => {
    const by = narrowed.find((n) => !n.names.has(node.name));
    return by === undefined ? undefined : exclusion(by.plugin);
  };
  for (const plugin of profile.preFilter) {
    let outcome: Outcome | PreFilterResult;
    try {
      outcome = plugin.preFilter(state, pod, nodes);
    } catch (err) {
      outcome = thrown(plugin.name, 'PreFilter', err);
    }
    if (outcome === undefined) continue;
    if (!('code' in outcome)) {
      if (outcome.nodeNames !== undefined) narrowed.push({ plugin: plugin.name, names: outcome.nodeNames });
    } else if (outcome.code === 'Skip') state.skippedFilters.add(plugin.name);
    else if (isRejected(outcome)) return { refused: { ...outcome, plugin: plugin.name }, narrowed, excluded };
    else if (outcome.code !== 'Success')
      return { failed: { ...outcome, plugin: plugin.name }, narrowed, excluded };
  }
  return { narrowed, excluded };
}

function exclusion(plugin: string): Refusal {
  return { plugin, reasons: [`node(s) didn't satisfy plugin(s) [${plugin}]`], resolvable: false };
}

function runScores(
  pod: Pod,
  nodes: readonly NodeInfo[],
  profile: Profile,
  state: CycleState,
): readonly NodeScore[] | Status {
  const skipped = new Set<string>();
  for (const plugin of profile.preScore) {
    let outcome: Outcome;
    try {
      outcome = plugin.preScore(state, pod, nodes);
    } catch (err) {
      outcome = thrown(plugin.name, 'PreScore', err);
    }
    if (outcome?.code === 'Skip') skipped.add(plugin.name);
    else if (outcome !== undefined && outcome.code !== 'Success') return { ...outcome, plugin: plugin.name };
  }
  const byPlugin = nodes.map((): Record<string, number> => ({}));
  const totals = nodes.map(() => 0);
  for (const { plugin, weight } of profile.score) {
    if (skipped.has(plugin.name)) continue;
    let scores: number[];
    try {
      scores = nodes.map((node) => plugin.score(state, pod, node));
      plugin.normalizeScore?.(state, pod, scores);
    } catch (err) {
      return thrown(plugin.name, 'Score', err);
    }
    for (const [i, score] of scores.entries()) {
      const weighted = score * weight;
      totals[i] = (totals[i] ?? 0) + weighted;
      const own = byPlugin[i];
      if (own !== undefined) own[plugin.name] = weighted;
    }
  }
  return nodes.map((node, i) => ({ node: node.name, total: totals[i] ?? 0, byPlugin: byPlugin[i] ?? {} }));
}
