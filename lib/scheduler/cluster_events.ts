/** Keeps cache and queue in step with what the informers report. */
import type { Node, Pod } from '../api/types.ts';
import type { Handler } from '../client/informer.ts';
import type { SchedulerCache } from './cache/cache.ts';
import type { ClusterEvent } from './framework/plugin.ts';
import type { WaitingPods } from './framework/waiting_pods.ts';
import type { SchedulingQueue } from './queue/scheduling_queue.ts';

interface Targets {
  readonly cache: SchedulerCache;
  readonly queue: SchedulingQueue;
  /** Told of pods that go while they wait at Permit. */
  readonly waiting?: WaitingPods;
}

/** @param isOurs whether a profile of this scheduler is asked for by the pod */
export function podHandler(
  { cache, queue, waiting: permits }: Targets,
  isOurs: (pod: Pod) => boolean,
): Required<Handler<Pod>> {
  const assigned = (pod: Pod): boolean => (pod.spec.nodeName ?? '') !== '';
  const waiting = (pod: Pod): boolean => isOurs(pod) && pod.metadata.deletionTimestamp === undefined;
  return {
    add(pod) {
      if (assigned(pod)) {
        cache.addPod(pod);
        queue.moveForEvent('AssignedPodAdd', { new: pod });
      } else if (waiting(pod)) queue.add(pod);
    },
    update(old, pod) {
      if (assigned(pod)) {
        cache.addPod(pod);
        if (assigned(old)) {
          // Nobody waits most of the time, and every status update of every pod comes by here.
          if (queue.hasWaiting && mattersToOthers(old, pod))
            queue.moveForEvent('AssignedPodUpdate', { old, new: pod });
          return;
        }
        queue.remove(pod);
        queue.moveForEvent('AssignedPodAdd', { new: pod });
        return;
      }
      if (cache.isAssumed(pod)) return; // its binding is under way
      if (waiting(pod)) queue.update(old, pod);
      else queue.remove(pod);
    },
    delete(pod) {
      queue.remove(pod);
      permits?.reject(pod, '', 'removed');
      if (!assigned(pod) && !cache.isAssumed(pod)) return;
      cache.removePod(pod);
      queue.moveForEvent('AssignedPodDelete', { old: pod });
    },
  };
}

export function nodeHandler({ cache, queue }: Targets): Required<Handler<Node>> {
  return {
    add(node) {
      cache.setNode(node);
      queue.moveForEvent('NodeAdd', { new: node });
    },
    update(old, node) {
      cache.setNode(node);
      if (!queue.hasWaiting) return;
      for (const event of nodeEvents(old, node)) queue.moveForEvent(event, { old, new: node });
    },
    delete(node) {
      cache.removeNode(node.metadata.name);
      queue.moveForEvent('NodeDelete', { old: node });
    },
  };
}

/** What about a node changed that can matter to pods that wait. */
export function nodeEvents(old: Node, node: Node): ClusterEvent[] {
  const events: ClusterEvent[] = [];
  const differ = (a: unknown, b: unknown): boolean => JSON.stringify(a) !== JSON.stringify(b);
  if (differ(old.status?.allocatable, node.status?.allocatable)) events.push('NodeAllocatableUpdate');
  if (differ(old.metadata.labels, node.metadata.labels)) events.push('NodeLabelUpdate');
  const taints = (n: Node): unknown => [n.spec?.taints ?? [], n.spec?.unschedulable ?? false];
  if (differ(taints(old), taints(node))) events.push('NodeTaintUpdate');
  const conditions = (n: Node): unknown => (n.status?.conditions ?? []).map((c) => [c.type, c.status]);
  if (differ(conditions(old), conditions(node))) events.push('NodeConditionUpdate');
  if (differ(old.status?.declaredFeatures, node.status?.declaredFeatures))
    events.push('NodeDeclaredFeatureUpdate');
  return events;
}

/** Whether the change of a placed pod can matter to pods that wait: its labels, its end, or what it uses. */
function mattersToOthers(old: Pod, pod: Pod): boolean {
  if (old.metadata.deletionTimestamp !== pod.metadata.deletionTimestamp) return true;
  const relevant = (p: Pod): string =>
    JSON.stringify([
      p.metadata.labels,
      p.spec.resources,
      p.spec.containers.map((c) => c.resources),
      (p.spec.initContainers ?? []).map((c) => c.resources),
      p.status?.containerStatuses?.map((c) => [c.allocatedResources, c.resources]),
    ]);
  return relevant(old) !== relevant(pod);
}
