/** What pods ask for, summed over their containers as the scheduler and the kubelet count it. */
import { getCondition } from './conditions.ts';
import { isSidecar } from './pod.ts';
import { maxQuantity, parseQuantity, Quantity } from './quantity.ts';
import type { Container, ContainerStatus, Pod } from './types.ts';

/** Amount by resource name (`cpu`, `memory`, `example.com/gpu`, ...). */
export type ResourceMap = ReadonlyMap<string, Quantity>;

export interface RequestOptions {
  /**
   * Count what a running container has been granted as well as what it asks for, whichever is more, while a resize
   * is under way (KEP-1287). The scheduler counts so.
   */
  readonly useStatus?: boolean;
  /** Leave the overhead of the runtime class out. */
  readonly excludeOverhead?: boolean;
  /** What containers count with that ask for none of a resource, by resource name. */
  readonly defaults?: ResourceMap;
  /** Ignore `spec.resources` of the pod. */
  readonly skipPodLevel?: boolean;
}

type Side = 'requests' | 'limits';

/** What the scheduler counts for containers without a request when it spreads pods: 100m CPU and 200 MiB. */
export const NON_ZERO_DEFAULTS: ResourceMap = new Map([
  ['cpu', Quantity.ofMilli(100)],
  ['memory', Quantity.of(200 * 1024 * 1024, 'BinarySI')],
]);

/**
 * What must be free on a node for the pod: containers and sidecars together, or an init container with the sidecars
 * started before it where that is more (KEP-753); replaced by the pod's own requests where it has them (KEP-2837);
 * plus overhead.
 *
 * @throws QuantityError on a malformed quantity (the API lets none in)
 */
export function podRequests(pod: Pod, options: RequestOptions = {}): ResourceMap {
  return sum(pod, 'requests', options);
}

/** Like {@link podRequests}, of the limits. Overhead counts only where there is a limit at all. */
export function podLimits(pod: Pod, options: RequestOptions = {}): ResourceMap {
  return sum(pod, 'limits', options);
}

/** Requests with {@link NON_ZERO_DEFAULTS} for what containers leave out, so that such pods spread as well. */
export function nonZeroRequests(pod: Pod, options: RequestOptions = {}): ResourceMap {
  return sum(pod, 'requests', { ...options, defaults: NON_ZERO_DEFAULTS });
}

/** Resources for which a pod as a whole may state requests and limits. */
export function isPodLevelResource(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');
}

/** A resource list of the API as a map. */
export function resourceMap(list: Readonly<Record<string, string>> | undefined): Map<string, Quantity> {
  const map = new Map<string, Quantity>();
  for (const [name, text] of Object.entries(list ?? {})) map.set(name, parseQuantity(text));
  return map;
}

/** Adds `from` into `to`. */
export function addResources(to: Map<string, Quantity>, from: ResourceMap): void {
  for (const [name, amount] of from) to.set(name, (to.get(name) ?? Quantity.zero).add(amount));
}

/** Raises each amount in `to` to that in `from` where it is less. */
export function maxResources(to: Map<string, Quantity>, from: ResourceMap): void {
  for (const [name, amount] of from) {
    const have = to.get(name);
    to.set(name, have === undefined ? amount : maxQuantity(have, amount));
  }
}

function sum(pod: Pod, side: Side, options: RequestOptions): ResourceMap {
  const total = aggregate(pod, side, options);
  if (options.skipPodLevel !== true) {
    for (const [name, amount] of podLevel(pod, side, options))
      if (isPodLevelResource(name)) total.set(name, amount);
  }
  if (options.excludeOverhead !== true) {
    for (const [name, amount] of resourceMap(pod.spec.overhead)) {
      const have = total.get(name);
      if (side === 'limits' && (have === undefined || have.isZero)) continue;
      total.set(name, (have ?? Quantity.zero).add(amount));
    }
  }
  return total;
}

function aggregate(pod: Pod, side: Side, options: RequestOptions): Map<string, Quantity> {
  const useStatus = options.useStatus === true && side === 'requests';
  const statuses = useStatus ? statusByName(pod) : undefined;
  const infeasible = useStatus && resizeInfeasible(pod);
  const of = (container: Container): Map<string, Quantity> =>
    ofContainer(container, side, options, statuses?.get(container.name), infeasible);

  const running = new Map<string, Quantity>();
  for (const container of pod.spec.containers) addResources(running, of(container));
  const sidecars = new Map<string, Quantity>();
  const starting = new Map<string, Quantity>();
  for (const container of pod.spec.initContainers ?? []) {
    const own = of(container);
    if (isSidecar(container)) {
      addResources(running, own);
      addResources(sidecars, own);
      maxResources(starting, sidecars);
    } else {
      addResources(own, sidecars);
      maxResources(starting, own);
    }
  }
  maxResources(running, starting);
  return running;
}

function ofContainer(
  container: Container,
  side: Side,
  { defaults }: RequestOptions,
  status: ContainerStatus | undefined,
  infeasible: boolean,
): Map<string, Quantity> {
  const own = resourceMap(container.resources?.[side]);
  const granted = status === undefined ? undefined : grantedRequests(status);
  let amounts = own;
  if (granted !== undefined) {
    // A resize that cannot happen on this node does not count: the container keeps what it has.
    if (infeasible) amounts = granted;
    else maxResources(amounts, granted);
  }
  for (const [name, amount] of defaults ?? []) if (!amounts.has(name)) amounts.set(name, amount);
  return amounts;
}

function grantedRequests(status: ContainerStatus): Map<string, Quantity> | undefined {
  const { resources, allocatedResources } = status;
  if (resources === undefined) return undefined; // not started, or a kubelet that does not report it
  const granted = resourceMap(resources.requests);
  maxResources(granted, resourceMap(allocatedResources));
  return granted;
}

function podLevel(pod: Pod, side: Side, options: RequestOptions): Map<string, Quantity> {
  const own = resourceMap(pod.spec.resources?.[side]);
  if (options.useStatus !== true || side === 'limits' || own.size === 0) return own;
  const status = pod.status;
  if (status?.resources === undefined) return own;
  const granted = resourceMap(status.resources.requests);
  maxResources(granted, resourceMap(status.allocatedResources));
  const infeasible = resizeInfeasible(pod);
  for (const [name, amount] of own) {
    const had = granted.get(name) ?? Quantity.zero;
    own.set(name, infeasible ? had : maxQuantity(amount, had));
  }
  return own;
}

function statusByName(pod: Pod): ReadonlyMap<string, ContainerStatus> {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  // Other init containers can be resized as well, but the scheduler of 1.36 counts of them what the spec says.
  const sidecars = new Set((pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const statuses = [...initContainerStatuses.filter(({ name }) => sidecars.has(name)), ...containerStatuses];
  return new Map(statuses.map((status) => [status.name, status]));
}

function resizeInfeasible(pod: Pod): boolean {
  return getCondition(pod.status?.conditions, 'PodResizePending')?.reason === 'Infeasible';
}
