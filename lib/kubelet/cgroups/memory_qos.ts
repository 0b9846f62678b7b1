/** Memory that is kept for pods, and from where on they are slowed down (KEP-2570, feature gate MemoryQoS). Pure. */
import { podQOS } from '../../api/qos.ts';
import { podRequests } from '../../api/resources.ts';
import type { Container, Pod } from '../../api/types.ts';
import { bytes } from '../runtime/linux_resources.ts';
import type { QosClass } from './cgroup_names.ts';
import type { GroupSettings } from './slices.ts';

const PAGE = 4096;

export interface MemoryQos {
  /** `memoryThrottlingFactor`: where between request and limit a container begins to be slowed down. */
  readonly throttlingFactor: number;
  /** `memoryReservationPolicy` is TieredReservation: requests are kept for their pods. */
  readonly reserve: boolean;
  /** Bytes of memory that the node has for pods: the limit of containers without one. */
  readonly allocatableBytes: number;
}

/**
 * Settings of a container beyond its limit. A guaranteed one is not slowed down: it has its limit all for itself.
 */
export function containerMemoryQos(
  pod: Pod,
  { resources }: Pick<Container, 'resources'>,
  { throttlingFactor, reserve, allocatableBytes }: MemoryQos,
): GroupSettings {
  const limit = bytes(resources?.limits?.['memory']);
  // A limit alone is a request as well.
  const request = resources?.requests?.['memory'] === undefined ? limit : bytes(resources.requests['memory']);
  const end = limit === 0 ? allocatableBytes : limit;
  const high = Math.floor((request + throttlingFactor * (end - request)) / PAGE) * PAGE;
  return {
    ...(reserve ? reservation(podQOS(pod), request) : {}),
    ...(request !== limit && high > request ? { 'memory.high': String(high) } : {}),
  };
}

/** What of memory is kept for a pod as a whole: else what its containers keep has no effect. */
export function podReservation(pod: Pod): GroupSettings {
  return reservation(podQOS(pod), requestOf(pod));
}

/** The same of the classes, each with all below it. */
export function classReservations(pods: readonly Pod[]): Readonly<Record<QosClass, GroupSettings>> {
  const sum = (qos: QosClass): string =>
    String(pods.filter((pod) => podQOS(pod) === qos).reduce((all, pod) => all + requestOf(pod), 0));
  return {
    Guaranteed: { 'memory.min': sum('Guaranteed'), 'memory.low': sum('Burstable') },
    Burstable: { 'memory.low': sum('Burstable') },
    BestEffort: {},
  };
}

function requestOf(pod: Pod): number {
  return Number(podRequests(pod).get('memory')?.value() ?? 0n);
}

function reservation(qos: QosClass, request: number): GroupSettings {
  if (request === 0 || qos === 'BestEffort') return {};
  return { [qos === 'Guaranteed' ? 'memory.min' : 'memory.low']: String(request) };
}
