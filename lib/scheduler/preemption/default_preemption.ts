/** Makes room for a pod that fits nowhere, at the expense of pods of lower priority. */
import { getCondition } from '../../api/conditions.ts';
import { podPriority } from '../../api/pod.ts';
import type { Pod } from '../../api/types.ts';
import { isAbort } from '../../base/errors.ts';
import { isNotFound } from '../../client/errors.ts';
import { PODS } from '../../client/resource.ts';
import type { NodeInfo } from '../cache/node_info.ts';
import { podId } from '../cache/node_info.ts';
import type {
  EnqueueExtensions,
  PostFilterContext,
  PostFilterPlugin,
  PostFilterResult,
  PreEnqueuePlugin,
} from '../framework/plugin.ts';
import type { PluginHandle } from '../framework/plugin_handle.ts';
import type { Refusal, Status } from '../framework/status.ts';
import { errorStatus, unresolvable, unschedulable } from '../framework/status.ts';
import { availableMessage } from '../diagnosis.ts';
import { refusalGroups } from '../framework/refusal_view.ts';
import { chooseCandidate } from './choose_candidate.ts';
import type { SearchOptions } from './find_candidates.ts';
import { findCandidates } from './find_candidates.ts';
import { KnownCandidates } from './known_candidates.ts';
import { evictVictim } from './evict_victim.ts';
import { NOT_HELPED } from './candidate_board.ts';
import type { Candidate } from '../framework/candidate.ts';
import type { DryRun } from './victims.ts';
import { victimsOn } from './victims.ts';

/** DefaultPreemptionArgs. */
export interface DefaultPreemptionArgs {
  /** At least that share of the nodes is tried before one is chosen. Default 10. */
  readonly minCandidateNodesPercentage?: number;
  /** And at least that many nodes. Default 100. */
  readonly minCandidateNodesAbsolute?: number;
}

export interface DefaultPreemptionOptions {
  readonly args?: DefaultPreemptionArgs;
  /** 0..1: with which node the search begins. Default Math.random. */
  readonly random?: () => number;
}

/**
 * PostFilter decides in memory and nominates a node at once; the victims are deleted in the background, and PreEnqueue
 * keeps the pod back until that is done.
 */
export function defaultPreemption(
  handle: PluginHandle,
  { args = {}, random = Math.random }: DefaultPreemptionOptions = {},
): PostFilterPlugin & PreEnqueuePlugin & EnqueueExtensions {
  const { minCandidateNodesPercentage: share = 10, minCandidateNodesAbsolute: least = 100 } = args;
  const { cache, objects, nominated, log } = handle;
  const known = new KnownCandidates(cache);
  /** Pods whose victims are being deleted. */
  const preempting = new Set<string>();

  const makeRoom = async (pod: Pod, { node, victims }: Candidate, signal: AbortSignal): Promise<void> => {
    const id = podId(pod);
    preempting.add(id);
    try {
      await Promise.all(victims.map((victim) => evictVictim(victim, pod, node, handle, signal)));
    } catch (err) {
      if (!isAbort(err, signal)) log.error(err, 'Preemption failed', { pod: id, node });
      preempting.delete(id);
      handle.activate(pod); // the next attempt sees what is left to do
      return;
    }
    preempting.delete(id);
    handle.releaseGated(pod);
  };

  /** The best of the candidates, or why there is none; the error when a plugin failed. */
  const choose = async (
    pod: Pod,
    nodes: readonly NodeInfo[],
    dryRun: DryRun,
    search: SearchOptions,
    { columns, extenders }: PostFilterContext,
  ): Promise<Choice | Roomy | Status> => {
    const oneByOne = async (): Promise<Choice | Roomy | Status> => {
      const found = findCandidates(pod, nodes, dryRun, search);
      if ('code' in found) return found;
      // Where there is room already, an extender refused the node: nobody's going would help.
      const candidates = found.candidates.filter(({ victims }) => victims.length > 0);
      const [roomy] = found.candidates;
      if (roomy !== undefined && candidates.length === 0) return { roomy };
      const left =
        candidates.length === 0 || extenders === undefined ? candidates : await extenders(pod, candidates);
      return { best: chooseCandidate(left), refusals: found.refusals };
    };
    // A pod that is nominated itself counts on its node like no other.
    if (columns === undefined || extenders !== undefined || nominated.nodeOf(pod) !== undefined)
      return await oneByOne();
    if (nodes.length === 0) return { best: undefined, refusals: new Map() };
    const board = known.of({ ...columns, budgets: objects.podDisruptionBudgets.revision });
    const { enough, isHelped } = search;
    const best = board.search({
      offset: Math.floor(random() * nodes.length),
      enough,
      tryOut: (node) => (isHelped?.(node) === false ? NOT_HELPED : victimsOn(pod, node, dryRun)),
    });
    if (best === undefined) return { best, refusals: board.refusals() };
    if ('code' in best) return best;
    // There is room by now.
    return best.victims.length === 0 ? await oneByOne() : { best, refusals: NONE };
  };

  const findRoom = async (
    ...[state, pod, refusals, context]: Parameters<PostFilterPlugin['postFilter']>
  ): Promise<{ outcome: PostFilterResult; victims?: number }> => {
    const { profile, signal } = context;
    const ineligible = whyIneligible(pod, refusals, handle);
    if (ineligible !== undefined) return { outcome: { status: unschedulable(`preemption: ${ineligible}`) } };
    const nodes = cache.nodes();
    // Nodes on which the going of other pods might help.
    let helped = 0;
    for (const { refusal, nodes: count } of refusalGroups(refusals)) if (refusal.resolvable) helped += count;
    const wanted = Math.max(Math.floor((helped * share) / 100), least);
    const dryRun: DryRun = { profile, state, nominated, budgets: objects.podDisruptionBudgets.list() };
    const search: SearchOptions = {
      enough: Math.min(wanted, helped),
      ...(helped === nodes.length
        ? {}
        : { isHelped: (node: NodeInfo) => refusals.get(node.name)?.resolvable === true }),
      random,
    };
    const choice = await choose(pod, helped === 0 ? [] : nodes, dryRun, search, context);
    if ('code' in choice) return { outcome: { status: choice } };
    if ('roomy' in choice) return { outcome: noVictims(choice.roomy) };
    const { best } = choice;
    if (best === undefined) {
      const groups = refusalGroups(choice.refusals);
      const message = availableMessage(nodes.length, [
        ...groups,
        { refusal: NOT_HELPFUL, nodes: nodes.length - helped },
      ]);
      return { outcome: { nominatedNodeName: '', status: unschedulable(`preemption: ${message}`) } };
    }
    if (best.victims.length === 0) return { outcome: noVictims(best) };
    for (const other of nominated.on(best.node))
      if (podPriority(other) < podPriority(pod)) void takeNominationBack(other, handle, signal);
    void makeRoom(pod, best, signal);
    return { outcome: { nominatedNodeName: best.node }, victims: best.victims.length };
  };

  return {
    name: 'DefaultPreemption',
    preEnqueue: (pod) =>
      preempting.has(podId(pod))
        ? unresolvable('waiting for the preemption for this pod to be finished')
        : undefined,
    async postFilter(state, pod, refusals, context) {
      const result = await findRoom(state, pod, refusals, context);
      handle.onPreemption?.(result.victims ?? 0);
      return result.outcome;
    },
    eventsToRegister: () => ['AssignedPodDelete'],
  };
}

function noVictims({ node }: Candidate): PostFilterResult {
  return { status: errorStatus(`preemption: expected at least one victim pod on node "${node}"`) };
}

interface Choice {
  readonly best: Candidate | undefined;
  /** Why there can be no room on the nodes that are no candidates; of interest where there is none. */
  readonly refusals: ReadonlyMap<string, Refusal>;
}

/** Nothing but nodes on which there is room already, of which this is one. */
interface Roomy {
  readonly roomy: Candidate;
}

const NONE: ReadonlyMap<string, Refusal> = new Map();

const NOT_HELPFUL: Refusal = {
  plugin: 'DefaultPreemption',
  reasons: ['Preemption is not helpful for scheduling'],
  resolvable: false,
};

function whyIneligible(
  pod: Pod,
  refusals: ReadonlyMap<string, Refusal>,
  { cache }: PluginHandle,
): string | undefined {
  if (pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  const nominatedNode = pod.status?.nominatedNodeName ?? '';
  // Where the going of others does not help any more, another node has to be found.
  if (nominatedNode === '' || refusals.get(nominatedNode)?.resolvable === false) return undefined;
  const leaving = [...(cache.node(nominatedNode)?.pods() ?? [])].some(
    (other) => podPriority(other) < podPriority(pod) && isBeingPreempted(other),
  );
  return leaving ? 'not eligible due to a terminating pod on the nominated node.' : undefined;
}

function isBeingPreempted(pod: Pod): boolean {
  if (pod.metadata.deletionTimestamp === undefined) return false;
  const target = getCondition(pod.status?.conditions, 'DisruptionTarget');
  return target?.status === 'True' && target.reason === 'PreemptionByScheduler';
}

/** A less important pod that waits for room on the node has to look for another. */
async function takeNominationBack(
  pod: Pod,
  { client, log, nominated }: PluginHandle,
  signal: AbortSignal,
): Promise<void> {
  nominated.remove(pod);
  const { namespace, name } = pod.metadata;
  try {
    const body = { status: { nominatedNodeName: null } };
    await client.patch(PODS, { namespace, name }, body, { type: 'merge', subresource: 'status', signal });
  } catch (err) {
    if (!isNotFound(err) && !isAbort(err, signal))
      log.error(err, 'Cannot clear the nominated node', { pod: podId(pod) });
  }
}
