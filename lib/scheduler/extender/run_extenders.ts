/** What extenders have to say between the plugins' Filter and the choice of a node, and on preemption. */
import type { Pod } from '../../api/types.ts';
import { errorMessage } from '../../base/errors.ts';
import type { NodeInfo } from '../cache/node_info.ts';
import { podId } from '../cache/node_info.ts';
import type { CycleState } from '../framework/cycle_state.ts';
import { MAX_NODE_SCORE } from '../framework/plugin.ts';
import type { Profile } from '../framework/plugin.ts';
import type { Refusal } from '../framework/status.ts';
import { errorStatus } from '../framework/status.ts';
import type { Candidate } from '../framework/candidate.ts';
import type { Feasible } from '../schedule_pod.ts';
import type { Decision } from '../diagnosis.ts';
import { chooseNode } from '../schedule_pod.ts';
import type { Extender } from './extender.ts';
import { MAX_EXTENDER_SCORE } from './extender.ts';

interface Run {
  readonly profile: Profile;
  readonly state: CycleState;
  /** Those that are interested in the pod. */
  readonly extenders: readonly Extender[];
  readonly signal: AbortSignal;
}

/**
 * The extenders filter one after the other what the plugins left, then give their scores.
 *
 * @param known number of all nodes
 */
export async function chooseWithExtenders(
  pod: Pod,
  found: Feasible,
  known: number,
  { profile, state, extenders, signal }: Run,
): Promise<Decision> {
  const refusals = new Map<string, Refusal>(found.refusals);
  let nodes = found.nodes;
  for (const extender of extenders) {
    if (!extender.filters || nodes.length === 0) continue;
    try {
      nodes = await filterBy(extender, pod, nodes, refusals, signal);
    } catch (err) {
      if (extender.ignorable) continue;
      const status = errorStatus(`extender ${extender.name}: ${errorMessage(err)}`, err);
      return { kind: 'error', status, diagnosis: { nodes: known, refusals, scores: [] } };
    }
  }
  const extra = nodes.length > 1 ? await scoresOf(pod, nodes, extenders, signal) : new Map();
  return chooseNode(pod, { nodes, refusals }, known, profile, state, { extra });
}

async function filterBy(
  extender: Extender,
  pod: Pod,
  nodes: readonly NodeInfo[],
  refusals: Map<string, Refusal>,
  signal: AbortSignal,
): Promise<readonly NodeInfo[]> {
  const objects = nodes.map((n) => n.node);
  const { passed, failed, failedForGood } = await extender.filter(pod, objects, signal);
  const left: NodeInfo[] = [];
  for (const node of nodes) {
    const forGood = failedForGood.get(node.name);
    const why = forGood ?? failed.get(node.name);
    if (why === undefined && passed.has(node.name)) left.push(node);
    else
      refusals.set(node.name, {
        plugin: extender.name,
        reasons: why === undefined ? [] : [why],
        resolvable: forGood === undefined,
      });
  }
  return left;
}

/** Scores by node and extender. An extender that fails has no say: scores are advice. */
async function scoresOf(
  pod: Pod,
  nodes: readonly NodeInfo[],
  extenders: readonly Extender[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Readonly<Record<string, number>>>> {
  const sums = new Map<string, Record<string, number>>();
  const objects = nodes.map((n) => n.node);
  const answers = await Promise.allSettled(
    extenders
      .filter((extender) => extender.prioritizes)
      .map(async (extender) => ({ extender, scores: await extender.prioritize(pod, objects, signal) })),
  );
  for (const answer of answers) {
    if (answer.status === 'rejected') continue;
    const { extender, scores } = answer.value;
    const factor = extender.weight * (MAX_NODE_SCORE / MAX_EXTENDER_SCORE);
    for (const { host, score } of scores) {
      const own = sums.get(host) ?? {};
      own[extender.name] = score * factor;
      sums.set(host, own);
    }
  }
  return sums;
}

/** What those extenders that care for preemption leave of the candidates. Rejects when one that is not ignorable fails. */
export async function preemptWithExtenders(
  pod: Pod,
  candidates: readonly Candidate[],
  extenders: readonly Extender[],
  signal: AbortSignal,
): Promise<readonly Candidate[]> {
  let left = candidates;
  for (const extender of extenders) {
    if (left.length === 0 || !extender.preempts || !extender.isInterested(pod)) continue;
    try {
      const answer = await extender.preempt(pod, left, signal);
      left = left.flatMap((candidate) => {
        const kept = answer.get(candidate.node);
        if (kept === undefined) return [];
        const victims = candidate.victims.filter((victim) => kept.uids.has(podId(victim)));
        return [{ node: candidate.node, victims, violations: kept.violations }];
      });
    } catch (err) {
      if (!extender.ignorable) throw err;
    }
  }
  return left;
}
