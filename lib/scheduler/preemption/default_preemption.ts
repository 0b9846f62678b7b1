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
  PostFilterPlugin,
  PostFilterResult,
  PreEnqueuePlugin,
} from '../framework/plugin.ts';
import type { PluginHandle } from '../framework/plugin_handle.ts';
import type { Refusal } from '../framework/status.ts';
import { errorStatus, unresolvable, unschedulable } from '../framework/status.ts';
import { availableMessage } from '../diagnosis.ts';
import { refusalGroups } from '../framework/refusal_view.ts';
import { chooseCandidate } from './choose_candidate.ts';
import { findCandidates } from './find_candidates.ts';
import { KnownCandidates } from './known_candidates.ts';
import { evictVictim } from './evict_victim.ts';
import type { Candidate } from '../framework/candidate.ts';
import type { DryRun } from './victims.ts';

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

  return {
    name: 'DefaultPreemption',
    preEnqueue: (pod) =>
      preempting.has(podId(pod))
        ? unresolvable('waiting for the preemption for this pod to be finished')
        : undefined,
    async postFilter(state, pod, refusals, context) {
      const { profile, signal } = context;
      const ineligible = whyIneligible(pod, refusals, handle);
      if (ineligible !== undefined) return { status: unschedulable(`preemption: ${ineligible}`) };
      const nodes = cache.nodes();
      // Nodes on which the going of other pods might help.
      let helped = 0;
      for (const { refusal, nodes: count } of refusalGroups(refusals))
        if (refusal.resolvable) helped += count;
      const wanted = Math.max(Math.floor((helped * share) / 100), least);
      const dryRun: DryRun = { profile, state, nominated, budgets: objects.podDisruptionBudgets.list() };
      // A pod that is nominated itself counts on its node like no other.
      const signature = nominated.nodeOf(pod) === undefined ? context.signature : undefined;
      const found = findCandidates(pod, helped === 0 ? [] : nodes, dryRun, {
        enough: Math.min(wanted, helped),
        ...(helped === nodes.length
          ? {}
          : { isHelped: (node: NodeInfo) => refusals.get(node.name)?.resolvable === true }),
        random,
        ...(signature === undefined
          ? {}
          : { known: known.of(signature, objects.podDisruptionBudgets.revision) }),
      });
      if ('code' in found) return { status: found };
      // Where there is room already, an extender refused the node: nobody's going would help.
      const candidates = found.candidates.filter(({ victims }) => victims.length > 0);
      const [roomy] = found.candidates;
      if (roomy !== undefined && candidates.length === 0) return noVictims(roomy);
      const best = chooseCandidate(candidates.length === 0 ? [] : await context.extenders(pod, candidates));
      if (best === undefined) {
        const groups = refusalGroups(found.refusals);
        const message = availableMessage(nodes.length, [
          ...groups,
          { refusal: NOT_HELPFUL, nodes: nodes.length - helped },
        ]);
        return { nominatedNodeName: '', status: unschedulable(`preemption: ${message}`) };
      }
      if (best.victims.length === 0) return noVictims(best);
      for (const other of nominated.on(best.node))
        if (podPriority(other) < podPriority(pod)) void takeNominationBack(other, handle, signal);
      void makeRoom(pod, best, signal);
      return { nominatedNodeName: best.node };
    },
    eventsToRegister: () => ['AssignedPodDelete'],
  };
}

function noVictims({ node }: Candidate): PostFilterResult {
  return { status: errorStatus(`preemption: expected at least one victim pod on node "${node}"`) };
}

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
