/** The queue as the plugins of the profiles want it. */
import type { Pod } from '../../api/types.ts';
import type { Profile } from '../framework/plugin.ts';
import type { Outcome } from '../framework/status.ts';
import { errorStatus } from '../framework/status.ts';
import { schedulerNameOf } from '../scheduler_name.ts';
import type { SchedulingQueueOptions } from './scheduling_queue.ts';
import { SchedulingQueue } from './scheduling_queue.ts';

/** @throws RangeError without a profile */
export function createQueue(
  profiles: ReadonlyMap<string, Profile>,
  options: Pick<
    SchedulingQueueOptions,
    'clock' | 'initialBackoffMs' | 'maxBackoffMs' | 'maxUnschedulableMs' | 'nominated' | 'popsFromBackoff'
  >,
): SchedulingQueue {
  const [first] = profiles.values();
  if (first === undefined) throw new RangeError('queue: want at least one profile');
  return new SchedulingQueue({
    ...options,
    // One queue serves all profiles, which therefore share the order.
    compare: (a, b) => first.queueSort.compare(a, b),
    preEnqueue: (pod) => preEnqueue(pod, profiles.get(schedulerNameOf(pod))),
    isAwaited(pod, refusedBy, event) {
      const events = profiles.get(schedulerNameOf(pod))?.events;
      if (refusedBy.size === 0) return true;
      for (const plugin of refusedBy) if (events?.get(plugin)?.has(event) !== false) return true;
      return false;
    },
    mayHelp(pod, refusedBy, event, objects) {
      const events = profiles.get(schedulerNameOf(pod))?.events;
      if (refusedBy.size === 0) return true;
      return [...refusedBy].some((plugin) => {
        const hints = events?.get(plugin);
        return hints === undefined || (hints.get(event)?.(pod, objects) ?? false);
      });
    },
  });
}

function preEnqueue(pod: Pod, profile: Profile | undefined): Outcome {
  for (const plugin of profile?.preEnqueue ?? []) {
    try {
      const outcome = plugin.preEnqueue(pod);
      if (outcome !== undefined && outcome.code !== 'Success') return { ...outcome, plugin: plugin.name };
    } catch (err) {
      return { ...errorStatus(`plugin "${plugin.name}" failed`, err), plugin: plugin.name };
    }
  }
  return undefined;
}
