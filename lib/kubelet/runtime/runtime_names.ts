/**
 * Labels and annotations on sandboxes and containers, the path of logs: as stock names them, so that a stock
 * kubelet takes over pods that this one started, this one takes over stock's, and log collectors, crictl and cadvisor
 * find what they look for.
 */
import type { AnyContainer } from '../contracts.ts';
import type { Pod } from '../../api/types.ts';

export const POD_NAME_LABEL = 'io.kubernetes.pod.name';
export const POD_NAMESPACE_LABEL = 'io.kubernetes.pod.namespace';
export const POD_UID_LABEL = 'io.kubernetes.pod.uid';
export const CONTAINER_NAME_LABEL = 'io.kubernetes.container.name';

export const HASH_ANNOTATION = 'io.kubernetes.container.hash';
export const RESTART_COUNT_ANNOTATION = 'io.kubernetes.container.restartCount';
export const MESSAGE_PATH_ANNOTATION = 'io.kubernetes.container.terminationMessagePath';
export const MESSAGE_POLICY_ANNOTATION = 'io.kubernetes.container.terminationMessagePolicy';
export const PRE_STOP_ANNOTATION = 'io.kubernetes.container.preStopHandler';
export const PORTS_ANNOTATION = 'io.kubernetes.container.ports';
export const GRACE_ANNOTATION = 'io.kubernetes.pod.terminationGracePeriod';
export const DELETION_GRACE_ANNOTATION = 'io.kubernetes.pod.deletionGracePeriod';

/** The UID under which the kubelet runs a pod: for static pods the hash of their file, else the API's. */
export function podUid(pod: Pod): string {
  return pod.metadata.uid ?? '';
}

export function podLabels(pod: Pod): Record<string, string> {
  return {
    [POD_NAME_LABEL]: pod.metadata.name,
    [POD_NAMESPACE_LABEL]: pod.metadata.namespace ?? 'default',
    [POD_UID_LABEL]: podUid(pod),
  };
}

/** Labels of a sandbox: the pod's own and those that name it. */
export function sandboxLabels(pod: Pod): Record<string, string> {
  return { ...pod.metadata.labels, ...podLabels(pod) };
}

export function containerLabels(pod: Pod, container: AnyContainer): Record<string, string> {
  return { ...podLabels(pod), [CONTAINER_NAME_LABEL]: container.name };
}

export function containerAnnotations(
  pod: Pod,
  container: AnyContainer,
  restartCount: number,
): Record<string, string> {
  const grace = pod.spec.terminationGracePeriodSeconds;
  const deletionGrace = pod.metadata.deletionGracePeriodSeconds;
  const preStop = container.lifecycle?.preStop;
  return {
    [HASH_ANNOTATION]: containerHash(container),
    [RESTART_COUNT_ANNOTATION]: String(restartCount),
    [MESSAGE_PATH_ANNOTATION]: container.terminationMessagePath ?? '/dev/termination-log',
    [MESSAGE_POLICY_ANNOTATION]: container.terminationMessagePolicy ?? 'File',
    ...(grace === undefined ? {} : { [GRACE_ANNOTATION]: String(grace) }),
    ...(deletionGrace === undefined ? {} : { [DELETION_GRACE_ANNOTATION]: String(deletionGrace) }),
    ...(preStop === undefined ? {} : { [PRE_STOP_ANNOTATION]: JSON.stringify(preStop) }),
    ...((container.ports?.length ?? 0) === 0 ? {} : { [PORTS_ANNOTATION]: JSON.stringify(container.ports) }),
  };
}

/**
 * Hash of what makes a running container another one when the spec changes: its name and image (everything else is
 * immutable or changed in place). FNV-1a, 32 bits, over the text that stock hashes, so that neither restarts the
 * other's containers.
 */
export function containerHash(container: AnyContainer): string {
  const json = JSON.stringify({ image: container.image ?? '', name: container.name });
  // Stock prints the JSON's bytes as Go's %#v does, through the dump library that it hashes objects with.
  const text = `([]uint8)[${[...Buffer.from(escapeHtml(json))].join(' ')}]`;
  return fnv1a32(text).toString(16);
}

// Go's JSON encoder escapes these three.
function escapeHtml(json: string): string {
  return json.replace(/[<>&]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** `<namespace>_<name>_<uid>`: name of the pod's directory below podLogsDir. */
export function podLogDirName(pod: { namespace: string; name: string; uid: string }): string {
  return `${pod.namespace}_${pod.name}_${pod.uid}`;
}

/** Log of an incarnation, relative to the pod's log directory. */
export function containerLogName(containerName: string, restartCount: number): string {
  return `${containerName}/${restartCount}.log`;
}
