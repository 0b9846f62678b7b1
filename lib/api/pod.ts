/** Questions about one pod that several components ask. */
import type { Container, ObjectMeta, OwnerReference, Pod } from './types.ts';

const CONFIG_SOURCE = 'kubernetes.io/config.source';
const CONFIG_MIRROR = 'kubernetes.io/config.mirror';

/** Whether the pod came from a manifest on the node (file or URL) rather than from the API. */
export function isStatic(pod: Pod): boolean {
  const source = pod.metadata.annotations?.[CONFIG_SOURCE];
  return source !== undefined && source !== 'api';
}

/** Whether the pod in the API merely shows a static pod of some node. */
export function isMirror(pod: Pod): boolean {
  return pod.metadata.annotations?.[CONFIG_MIRROR] !== undefined;
}

/** Whether the pod ran to its end: it uses no resources and never starts again. */
export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** The owner that manages the object (`controller: true`), e.g. its ReplicaSet. */
export function controllerOf(meta: Pick<ObjectMeta, 'ownerReferences'>): OwnerReference | undefined {
  return meta.ownerReferences?.find((owner) => owner.controller === true);
}

/** Higher is more important; 0 where none was set. */
export function podPriority(pod: Pod): number {
  return pod.spec.priority ?? 0;
}

/** Whether an init container goes on running beside the others (KEP-753). */
export function isSidecar(initContainer: Pick<Container, 'restartPolicy'>): boolean {
  return initContainer.restartPolicy === 'Always';
}

/** Init containers and containers, in the order they start; ephemeral ones are not included. */
export function allContainers(pod: Pod): readonly Container[] {
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
}

/** A port that a pod takes on its node. */
export interface HostPort {
  /** `0.0.0.0` where none was given: all addresses of the node. */
  readonly hostIP: string;
  /** TCP, UDP or SCTP. */
  readonly protocol: string;
  readonly port: number;
}

/** The node ports of containers and sidecars. Those of other init containers do not last and are not counted. */
export function hostPorts(pod: Pod): readonly HostPort[] {
  const { containers, initContainers } = pod.spec;
  if (!havePorts(containers) && !havePorts(initContainers)) return NO_PORTS;
  const lasting = [...(initContainers ?? []).filter(isSidecar), ...containers];
  return lasting.flatMap((container) =>
    (container.ports ?? [])
      .filter((port) => (port.hostPort ?? 0) > 0)
      .map((port) => ({
        hostIP: port.hostIP === undefined || port.hostIP === '' ? '0.0.0.0' : port.hostIP,
        protocol: port.protocol ?? 'TCP',
        port: port.hostPort ?? 0,
      })),
  );
}

const NO_PORTS: readonly HostPort[] = [];

function havePorts(containers: readonly Container[] | undefined): boolean {
  if (containers !== undefined)
    for (const { ports } of containers) if (ports !== undefined && ports.length > 0) return true;
  return false;
}

/** Whether two pods with these ports cannot be on one node. */
export function hostPortsCollide(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || a.protocol !== b.protocol) return false;
  return a.hostIP === b.hostIP || isAnyAddress(a.hostIP) || isAnyAddress(b.hostIP);
}

function isAnyAddress(ip: string): boolean {
  return ip === '0.0.0.0' || ip === '::';
}
