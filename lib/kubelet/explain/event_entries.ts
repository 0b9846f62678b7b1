import type { Pod } from '../../api/types.ts';
import type { KubeletEvents, Timeline } from '../contracts.ts';
import { podUid } from '../runtime/runtime_names.ts';

/** Events of things that are recorded where they are done, with more to them than the event says. */
const RECORDED_OTHERWISE: ReadonlySet<string> = new Set([
  'Started',
  'Evicted',
  'ResizeStarted',
  'ResizeCompleted',
  'ResizeDeferred',
  'ResizeInfeasible',
  'ResizeError',
]);

/** Everything that is told of a pod by an event stands in its timeline as well. */
export function eventsInTimeline(events: KubeletEvents, timeline: Pick<Timeline, 'record'>): KubeletEvents {
  const record = (pod: Pod, reason: string, message: string, container?: string): void => {
    if (RECORDED_OTHERWISE.has(reason)) return;
    const { name, namespace = 'default' } = pod.metadata;
    timeline.record(
      { uid: podUid(pod), namespace, name },
      { what: `event ${reason}`, why: message, ...(container === undefined ? {} : { container }) },
    );
  };
  return {
    pod(pod, type, reason, message) {
      events.pod(pod, type, reason, message);
      record(pod, reason, message);
    },
    container(pod, containerName, type, reason, message) {
      events.container(pod, containerName, type, reason, message);
      record(pod, reason, message, containerName);
    },
    node: (type, reason, message) => events.node(type, reason, message),
  };
}
