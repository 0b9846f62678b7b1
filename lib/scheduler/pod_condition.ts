/** The PodScheduled condition of pods that found no node. */
import { getCondition } from '../api/conditions.ts';
import { timestamp } from '../api/timestamp.ts';
import type { Pod, PodCondition } from '../api/types.ts';
import type { ApiClient } from '../client/client.ts';
import { PODS } from '../client/resource.ts';

interface StatusPatch {
  readonly status: {
    readonly conditions?: readonly PodCondition[];
    readonly nominatedNodeName?: string | null;
  };
}

/**
 * The patch of the status that makes `PodScheduled=False` with reason and message, or undefined when it says so already.
 *
 * @param nowMs wall clock, milliseconds since the epoch
 * @param nominated the node for `status.nominatedNodeName`; empty takes it away, undefined leaves it
 */
export function podScheduledPatch(
  pod: Pod,
  reason: 'Unschedulable' | 'SchedulerError',
  message: string,
  nowMs: number,
  nominated?: string,
): StatusPatch | undefined {
  const conditions = conditionsPatch(pod, reason, message, nowMs);
  const renamed = nominated !== undefined && nominated !== (pod.status?.nominatedNodeName ?? '');
  if (conditions === undefined && !renamed) return undefined;
  return {
    status: {
      ...(conditions === undefined ? {} : { conditions }),
      ...(renamed ? { nominatedNodeName: nominated === '' ? null : nominated } : {}),
    },
  };
}

function conditionsPatch(
  pod: Pod,
  reason: string,
  message: string,
  nowMs: number,
): readonly PodCondition[] | undefined {
  const old = getCondition(pod.status?.conditions, 'PodScheduled');
  const observedGeneration = pod.metadata.generation;
  if (
    old?.status === 'False' &&
    old.reason === reason &&
    old.message === message &&
    old.observedGeneration === observedGeneration
  )
    return undefined;
  const lastTransitionTime = old?.status === 'False' ? old.lastTransitionTime : timestamp(nowMs);
  const condition: PodCondition = {
    type: 'PodScheduled',
    status: 'False',
    reason,
    message,
    ...(lastTransitionTime === undefined ? {} : { lastTransitionTime }),
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
  };
  return [condition];
}

/** Writes the condition, unless it stands already. Rejects as {@link ApiClient.patch} does. */
export async function setPodUnscheduled(
  client: ApiClient,
  pod: Pod,
  reason: 'Unschedulable' | 'SchedulerError',
  message: string,
  options: { readonly nowMs: number; readonly nominated?: string | undefined; readonly signal: AbortSignal },
): Promise<void> {
  const patch = podScheduledPatch(pod, reason, message, options.nowMs, options.nominated);
  if (patch === undefined) return;
  const { namespace, name, uid } = pod.metadata;
  // The uid makes the server refuse the patch for a pod created anew under the same name.
  const body = { ...patch, ...(uid === undefined ? {} : { metadata: { uid } }) };
  await client.patch(PODS, { namespace, name }, body, {
    type: 'strategic-merge',
    subresource: 'status',
    signal: options.signal,
  });
}
