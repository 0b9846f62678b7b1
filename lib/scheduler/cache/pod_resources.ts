import { nonZeroRequests, podRequests } from '../../api/resources.ts';
import type { Pod } from '../../api/types.ts';

/** What a pod asks of a node, in the units of {@link file://./node_info.ts}. */
export interface PodResources {
  readonly requests: ReadonlyMap<string, number>;
  /** Millicores, with the default of 100 for containers that request none. */
  readonly nonZeroCpu: number;
  /** Bytes, with the default of 200 MiB for containers that request none. */
  readonly nonZeroMemory: number;
}

// Pod objects are shared and read-only, so that what was computed from one holds as long as it lives.
const computed = new WeakMap<Pod, PodResources>();

/** Effective requests of the pod: init containers, sidecars, overhead and pod-level resources included. */
export function podResources(pod: Pod): PodResources {
  const known = computed.get(pod);
  if (known !== undefined) return known;
  const requests = new Map<string, number>();
  for (const [resource, quantity] of podRequests(pod, { useStatus: true })) {
    const amount = Number(resource === 'cpu' ? quantity.milliValue() : quantity.value());
    if (amount !== 0) requests.set(resource, amount);
  }
  const nonZero = nonZeroRequests(pod, { useStatus: true });
  const resources: PodResources = {
    requests,
    nonZeroCpu: Number(nonZero.get('cpu')?.milliValue() ?? 0),
    nonZeroMemory: Number(nonZero.get('memory')?.value() ?? 0),
  };
  computed.set(pod, resources);
  return resources;
}
