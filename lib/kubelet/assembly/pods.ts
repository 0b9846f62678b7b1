/** The pods that the kubelet knows, and what is said about them: statuses, events, the timeline. */
import { createEventRecorder, type EventRecorder } from '../../client/events.ts';
import type { KubeletEvents, PodView } from '../contracts.ts';
import { eventsInTimeline } from '../explain/event_entries.ts';
import { MemoryTimeline } from '../explain/timeline.ts';
import { podUid } from '../runtime/runtime_names.ts';
import { gatedPod } from '../sources/gated_pod.ts';
import { PodManager } from '../sources/pod_manager.ts';
import { kubeletEvents } from '../status/kubelet_events.ts';
import { StatusWriter } from '../status/status_writer.ts';
import type { Base } from './base.ts';
import type { KubeletMetrics } from './metrics.ts';

export interface Pods {
  readonly pods: PodManager;
  readonly podView: PodView;
  readonly timeline: MemoryTimeline;
  readonly recorder: Pick<EventRecorder, 'event' | 'flush'>;
  readonly events: KubeletEvents;
  readonly statuses: StatusWriter;
}

export function knownPods(base: Base & KubeletMetrics): Pods {
  const { background, client, clock, eventClient, hasApi, lifecycle, log, nodeName } = base;
  const pods = new PodManager(gatedPod(base.gates));
  const recorder = hasApi
    ? createEventRecorder(eventClient, {
        component: 'kubelet',
        host: nodeName,
        clock,
        api: 'core/v1',
        onError: background.onError('Cannot write an event'),
        log,
      })
    : { event: () => undefined, flush: () => Promise.resolve() };
  const statuses = new StatusWriter({
    client,
    clock,
    log,
    apiPod: (uid) => pods.apiPod(uid),
    written: (durationMs) => lifecycle.statusWritten(durationMs),
  });
  pods.listen({
    mirror: (staticUid) => {
      if (staticUid !== undefined) statuses.refresh(staticUid);
    },
  });
  const timeline = new MemoryTimeline(clock);
  const events = eventsInTimeline(
    kubeletEvents(recorder, nodeName, (pod) => pods.apiPod(podUid(pod))),
    timeline,
  );
  return {
    pods,
    podView: {
      pod: (uid) => pods.pod(uid),
      podByName: (namespace, name) => pods.podByName(namespace, name),
      pods: () => pods.pods(),
      status: (uid) => statuses.get(uid),
    },
    timeline,
    recorder,
    events: {
      ...events,
      container: (pod, container, type, reason, message) => {
        events.container(pod, container, type, reason, message);
        lifecycle.told(podUid(pod), reason);
      },
    },
    statuses,
  };
}
