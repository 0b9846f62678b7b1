import type { ObjectReference, Pod } from '../../api/types.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { KubeletEvents } from '../contracts.ts';

/** Events of the kubelet about pods (containers named by `fieldPath`, as stock does) and its node. */
export function kubeletEvents(
  recorder: Pick<EventRecorder, 'event'>,
  nodeName: string,
  apiPod: (pod: Pod) => Pod | undefined,
): KubeletEvents {
  const reference = (pod: Pod, fieldPath?: string): ObjectReference => {
    // Events of a static pod are shown at its mirror.
    const { uid, namespace, name, resourceVersion } = (apiPod(pod) ?? pod).metadata;
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(fieldPath === undefined ? {} : { fieldPath }),
    };
  };
  return {
    pod: (pod, type, reason, message, annotations) =>
      recorder.event(reference(pod), type, reason, message, annotations === undefined ? {} : { annotations }),
    container: (pod, containerName, type, reason, message) =>
      recorder.event(reference(pod, fieldPathOf(pod, containerName)), type, reason, message),
    node: (type, reason, message) =>
      recorder.event(
        { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: nodeName },
        type,
        reason,
        message,
      ),
  };
}

function fieldPathOf(pod: Pod, name: string): string {
  const list = pod.spec.initContainers?.some((c) => c.name === name)
    ? 'initContainers'
    : pod.spec.ephemeralContainers?.some((c) => c.name === name)
      ? 'ephemeralContainers'
      : 'containers';
  return `spec.${list}{${name}}`;
}
