/** What was found out about a pod in one cycle, and how it is said. */
import { refusalGroups } from './framework/refusal_view.ts';
import type { ReadAt } from './framework/plugin.ts';
import type { Refusal, Status } from './framework/status.ts';

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
  /** Set where what the filters say of a node follows from the pod's signature and from that node alone. */
  readonly columns?: ReadAt;
  /** How many nodes have the highest score, where that is known without a look at the scores. */
  readonly ties?: number;
  /**
   * Refusals and scores that are written out when asked for are those of now; who wants to ask later says how many of them
   * are enough.
   */
  readonly keep?: (most: { readonly refusals: number; readonly scores: number }) => void;
  /** Set when the pod was refused before any node was looked at. */
  readonly refusedOutright?: Refusal;
  /** What the PostFilter plugins said, when they did not help. */
  readonly postFilter?: string;
}

export type Decision =
  | { readonly kind: 'node'; readonly node: string; readonly diagnosis: Diagnosis }
  | { readonly kind: 'unschedulable'; readonly diagnosis: Diagnosis }
  | { readonly kind: 'error'; readonly status: Status; readonly diagnosis: Diagnosis };

/** The plugins that refused the pod, on any node or outright. */
export function refusedBy(diagnosis: Diagnosis): ReadonlySet<string> {
  const plugins = new Set(refusalGroups(diagnosis.refusals).map(({ refusal }) => refusal.plugin));
  if (diagnosis.refusedOutright !== undefined) plugins.add(diagnosis.refusedOutright.plugin);
  return plugins;
}

/**
 * The message of FailedScheduling events and the PodScheduled condition, in the form of the stock scheduler:
 * `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.`
 */
export function unschedulableMessage(diagnosis: Diagnosis): string {
  if (diagnosis.nodes === 0) return 'no nodes available to schedule pods';
  const { postFilter = '' } = diagnosis;
  return `${refusalMessage(diagnosis)}${postFilter === '' ? '' : ` ${postFilter}`}`;
}

/** As {@link unschedulableMessage}, without what PostFilter plugins said. */
export function refusalMessage({
  nodes,
  refusals,
  refusedOutright,
}: Pick<Diagnosis, 'nodes' | 'refusals' | 'refusedOutright'>): string {
  const groups =
    refusedOutright === undefined
      ? refusalGroups(refusals)
      : [{ refusal: refusedOutright, nodes: undefined }];
  return availableMessage(nodes, groups);
}

/** The same of refusals that are counted already. @param groups without a number where nobody was looked at one by one */
export function availableMessage(
  nodes: number,
  groups: readonly { readonly refusal: Refusal; readonly nodes: number | undefined }[],
): string {
  const head = `0/${nodes} nodes are available`;
  const counts = new Map<string, number>();
  for (const { refusal, nodes: refused } of groups) {
    if (refused === 0) continue;
    if (refused === undefined) return `${head}: ${refusal.reasons.join(', ')}.`;
    for (const reason of refusal.reasons) counts.set(reason, (counts.get(reason) ?? 0) + refused);
  }
  const lines = Array.from(counts, ([reason, count]) => `${count} ${reason}`).sort();
  return lines.length === 0 ? `${head}.` : `${head}: ${lines.join(', ')}.`;
}
