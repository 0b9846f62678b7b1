/** The decision where one pod goes: a pure function of the pod and the nodes. */
import type { Pod } from '../api/types.ts';
import type { NodeInfo } from './cache/node_info.ts';
import type { CycleState } from './framework/cycle_state.ts';
import type { PreFilterResult } from './framework/plugin.ts';
import type { Profile } from './framework/profile.ts';
import type { Outcome, Status } from './framework/status.ts';
import { errorStatus, isRejected } from './framework/status.ts';

/** Why a node was refused. */
export interface Refusal {
  readonly plugin: string;
  readonly reasons: readonly string[];
  /** Whether the going of other pods might change it. */
  readonly resolvable: boolean;
}

/** How a node scored. */
export interface NodeScore {
  readonly node: string;
  readonly total: number;
  /** Normalised and weighted, by plugin. */
  readonly byPlugin: Readonly<Record<string, number>>;
}

/** Everything that was found out about one pod in one cycle. */
export interface Diagnosis {
  /** Number of nodes known. */
  readonly nodes: number;
  readonly refusals: ReadonlyMap<string, Refusal>;
  /** Best first; empty when fewer than two nodes passed, as there was nothing to choose. */
  readonly scores: readonly NodeScore[];
  /** Set when the pod was refused before any node was looked at. */
  readonly refusedOutright?: { readonly plugin: string; readonly reasons: readonly string[] };
}

export type Decision =
  | { readonly kind: 'node'; readonly node: string; readonly diagnosis: Diagnosis }
  | { readonly kind: 'unschedulable'; readonly diagnosis: Diagnosis }
  | { readonly kind: 'error'; readonly status: Status; readonly diagnosis: Diagnosis };

export interface ScheduleOptions {
  /** 0..1, to choose among equally good nodes. Default Math.random. */
  readonly random?: () => number;
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
  const { random = Math.random } = options;
  const refusals = new Map<string, Refusal>();
  const diagnosis = (extra: Partial<Diagnosis> = {}): Diagnosis => ({
    nodes: nodes.length,
    refusals,
    scores: [],
    ...extra,
  });
  if (nodes.length === 0) return { kind: 'unschedulable', diagnosis: diagnosis() };

  const pre = runPreFilters(pod, nodes, profile, state);
  if (pre.failed !== undefined) return { kind: 'error', status: pre.failed, diagnosis: diagnosis() };
  if (pre.refused !== undefined) {
    const { plugin = '', reasons } = pre.refused;
    return { kind: 'unschedulable', diagnosis: diagnosis({ refusedOutright: { plugin, reasons } }) };
  }

  const feasible: NodeInfo[] = [];
  for (const node of nodes) {
    const excluded = pre.excluded(node);
    if (excluded !== undefined) {
      refusals.set(node.name, excluded);
      continue;
    }
    const status = runFilters(pod, node, profile, state, pre.skipped);
    if (status === undefined) feasible.push(node);
    else if (isRejected(status))
      refusals.set(node.name, {
        plugin: status.plugin ?? '',
        reasons: status.reasons,
        resolvable: status.code === 'Unschedulable',
      });
    else return { kind: 'error', status, diagnosis: diagnosis() };
  }
  const [only] = feasible;
  if (only === undefined) return { kind: 'unschedulable', diagnosis: diagnosis() };
  if (feasible.length === 1) return { kind: 'node', node: only.name, diagnosis: diagnosis() };

  const scored = runScores(pod, feasible, profile, state);
  if ('code' in scored) return { kind: 'error', status: scored, diagnosis: diagnosis() };
  const scores = scored.toSorted((a, b) => b.total - a.total);
  const best = scores.filter((s) => s.total === scores[0]?.total);
  const chosen = best[Math.floor(random() * best.length)]?.node ?? only.name;
  return { kind: 'node', node: chosen, diagnosis: diagnosis({ scores }) };
}

interface PreFilters {
  readonly failed?: Status;
  readonly refused?: Status;
  readonly skipped: ReadonlySet<string>;
  /** Why a node is not worth a look, if so. */
  excluded(node: NodeInfo): Refusal | undefined;
}

function runPreFilters(
  pod: Pod,
  nodes: readonly NodeInfo[],
  profile: Profile,
  state: CycleState,
): PreFilters {
  const skipped = new Set<string>();
  const narrowed: { plugin: string; names: ReadonlySet<string> }[] = [];
  const excluded = (node: NodeInfo): Refusal | undefined => {
    const by = narrowed.find((n) => !n.names.has(node.name));
    if (by === undefined) return undefined;
    return {
      plugin: by.plugin,
      reasons: [`node(s) didn't satisfy plugin(s) [${by.plugin}]`],
      resolvable: false,
    };
  };
  for (const plugin of profile.preFilter) {
    const outcome = guarded(plugin.name, 'PreFilter', () => plugin.preFilter(state, pod, nodes));
    if (outcome === undefined) continue;
    if (!('code' in outcome)) {
      if (outcome.nodeNames !== undefined) narrowed.push({ plugin: plugin.name, names: outcome.nodeNames });
    } else if (outcome.code === 'Skip') skipped.add(plugin.name);
    else if (isRejected(outcome)) return { refused: { ...outcome, plugin: plugin.name }, skipped, excluded };
    else if (outcome.code !== 'Success')
      return { failed: { ...outcome, plugin: plugin.name }, skipped, excluded };
  }
  return { skipped, excluded };
}

function runFilters(
  pod: Pod,
  node: NodeInfo,
  profile: Profile,
  state: CycleState,
  skipped: ReadonlySet<string>,
): Outcome {
  for (const plugin of profile.filter) {
    if (skipped.has(plugin.name)) continue;
    const outcome = guarded(plugin.name, 'Filter', () => plugin.filter(state, pod, node));
    if (outcome !== undefined && outcome.code !== 'Success') return { ...outcome, plugin: plugin.name };
  }
  return undefined;
}

function runScores(
  pod: Pod,
  nodes: readonly NodeInfo[],
  profile: Profile,
  state: CycleState,
): readonly NodeScore[] | Status {
  const skipped = new Set<string>();
  for (const plugin of profile.preScore) {
    const outcome = guarded(plugin.name, 'PreScore', () => plugin.preScore(state, pod, nodes));
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

/** A plugin that throws fails this pod only. */
function guarded<T extends Outcome | PreFilterResult>(
  plugin: string,
  point: string,
  fn: () => T,
): T | Status {
  try {
    return fn();
  } catch (err) {
    return thrown(plugin, point, err);
  }
}

function thrown(plugin: string, point: string, err: unknown): Status {
  return { ...errorStatus(`running ${point} plugin "${plugin}" failed`, err), plugin };
}

/** The plugins that refused the pod, on any node or outright. */
export function refusedBy(diagnosis: Diagnosis): ReadonlySet<string> {
  const plugins = new Set(Array.from(diagnosis.refusals.values(), (r) => r.plugin));
  if (diagnosis.refusedOutright !== undefined) plugins.add(diagnosis.refusedOutright.plugin);
  return plugins;
}

/**
 * The message of FailedScheduling events and the PodScheduled condition, in the form of the stock scheduler:
 * `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.`
 */
export function unschedulableMessage(diagnosis: Diagnosis): string {
  const head = `0/${diagnosis.nodes} nodes are available`;
  if (diagnosis.nodes === 0) return 'no nodes available to schedule pods';
  if (diagnosis.refusedOutright !== undefined)
    return `${head}: ${diagnosis.refusedOutright.reasons.join(', ')}.`;
  const counts = new Map<string, number>();
  for (const { reasons } of diagnosis.refusals.values())
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const lines = Array.from(counts, ([reason, count]) => `${count} ${reason}`).sort();
  return lines.length === 0 ? `${head}.` : `${head}: ${lines.join(', ')}.`;
}
