/** The going of a victim, carried out. */
import { timestamp } from '../../api/timestamp.ts';
import type { Pod, PodCondition } from '../../api/types.ts';
import { isNotFound } from '../../client/errors.ts';
import { PODS } from '../../client/resource.ts';
import type { PluginHandle } from '../framework/plugin_handle.ts';
import { schedulerNameOf } from '../scheduler_name.ts';

type Edge = Pick<PluginHandle, 'client' | 'clock' | 'recorder' | 'waiting'>;

/**
 * Deletes the pod, after its status says why (`DisruptionTarget`, by which Jobs know not to count it as failed). A pod
 * that only waits at Permit is rejected there instead; one that is gone or going is let be.
 *
 * Rejects as the API client does.
 */
export async function evictVictim(
  victim: Pod,
  preemptor: Pod,
  nodeName: string,
  { client, clock, recorder, waiting }: Edge,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name, uid } = victim.metadata;
  if (!waiting.reject(victim, 'DefaultPreemption', 'preempted')) {
    if (victim.metadata.deletionTimestamp !== undefined) return;
    const condition: PodCondition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: `${schedulerNameOf(preemptor)}: preempting to accommodate a higher priority pod`,
      lastTransitionTime: timestamp(clock.now()),
      ...(victim.metadata.generation === undefined ? {} : { observedGeneration: victim.metadata.generation }),
    };
    const identity = uid === undefined ? {} : { uid };
    try {
      await client.patch(
        PODS,
        { namespace, name },
        { metadata: identity, status: { conditions: [condition] } },
        { type: 'strategic-merge', subresource: 'status', signal },
      );
      await client.delete(PODS, { namespace, name }, { preconditions: identity, signal });
    } catch (err) {
      if (isNotFound(err)) return;
      throw err;
    }
  }
  recorder.event(
    { ...victim, apiVersion: 'v1', kind: 'Pod' },
    'Normal',
    'Preempted',
    `Preempted by pod ${preemptor.metadata.uid ?? ''} on node ${nodeName}`,
    { action: 'Preempting', related: { ...preemptor, apiVersion: 'v1', kind: 'Pod' } },
  );
}
