/** Quality of service: in which order pods suffer when a node runs short. */
import { allContainers } from './pod.ts';
import { Quantity } from './quantity.ts';
import { addResources, resourceMap } from './resources.ts';
import type { ResourceMap } from './resources.ts';
import type { Pod, ResourceRequirements } from './types.ts';

export type QOSClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const COUNTED = ['cpu', 'memory'] as const;

/** The class of a pod: what its status says, which never changes, or else what its spec amounts to. */
export function podQOS(pod: Pod): QOSClass {
  const known = pod.status?.qosClass;
  if (known === 'Guaranteed' || known === 'Burstable' || known === 'BestEffort') return known;
  return computeQOS(pod);
}

/**
 * Guaranteed when every container has limits for CPU and memory and its requests equal them; BestEffort when none
 * has either; Burstable otherwise. Where the pod itself has a
 * `resources` field, that alone decides.
 */
export function computeQOS(pod: Pod): QOSClass {
  const own = pod.spec.resources;
  const parts: readonly (ResourceRequirements | undefined)[] =
    own === undefined ? allContainers(pod).map((container) => container.resources) : [own];
  const requests = new Map<string, Quantity>();
  const limits = new Map<string, Quantity>();
  let allLimited = true;
  for (const part of parts) {
    const limited = counted(part?.limits);
    if (limited.size < COUNTED.length) allLimited = false;
    addResources(limits, limited);
    addResources(requests, counted(part?.requests));
  }
  if (requests.size === 0 && limits.size === 0) return 'BestEffort';
  const equal = COUNTED.every(
    (name) => limits.get(name)?.equals(requests.get(name) ?? Quantity.zero) === true,
  );
  return allLimited && equal ? 'Guaranteed' : 'Burstable';
}

// Zero amounts count as none.
function counted(list: Readonly<Record<string, string>> | undefined): ResourceMap {
  const all = resourceMap(list);
  return new Map([...all].filter(([name, amount]) => COUNTED.some((c) => c === name) && amount.sign > 0));
}
