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
export function eventsInTimeline(
  events: KubeletEvents,
  timeline: Pick<Timeline, 'record' | 'waiting'>,
): KubeletEvents {
  const record = (pod: Pod, reason: string, message: string, container?: string): void => {
    if (RECORDED_OTHERWISE.has(reason)) return;
    const { name, namespace = 'default' } = pod.metadata;
    const ref = { uid: podUid(pod), namespace, name };
    // Between the two nothing else is told of the pod, for as long as the registry takes.
    const whose = container === undefined ? '' : `${container}: `;
    if (reason === 'Pulling') timeline.waiting(ref, `${whose}${message}`);
    else if (reason === 'Pulled') timeline.waiting(ref, 'the runtime');
    timeline.record(ref, {
      what: `event ${reason}`,
      why: message,
      ...(container === undefined ? {} : { container }),
    });
  };
  return {
    pod(pod, type, reason, message, annotations) {
      events.pod(pod, type, reason, message, annotations);
      record(pod, reason, message);
    },
    container(pod, containerName, type, reason, message) {
      events.container(pod, containerName, type, reason, message);
      record(pod, reason, message, containerName);
    },
    node: (type, reason, message) => events.node(type, reason, message),
  };
}
