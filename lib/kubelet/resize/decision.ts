/** Whether a pod can be granted what it asks for now. Pure. */
import { allContainers, isStatic } from '../../api/pod.ts';
import { parseQuantity, type Quantity } from '../../api/quantity.ts';
import { podRequests } from '../../api/resources.ts';
import type { Container, Pod } from '../../api/types.ts';
import { type Allocation, differences, grantedOf, RESIZABLE } from './allocation.ts';

export interface Refusal {
  /** Deferred: it may fit later. Infeasible: never on this node. */
  readonly reason: 'Deferred' | 'Infeasible';
  readonly message: string;
  /** `OutOfcpu` and the like, for the event. */
  readonly cause: string;
}

/**
 * @param pod with the resources that it asks for
 * @param others pods on the node with what they were granted
 * @param before what the pod was granted
 * @param usesSwap whether a container may use swap: how much of it follows from its memory, and cannot be changed while it runs
 * @returns `undefined` when it fits
 */
export function resizeRefusal(
  pod: Pod,
  allocatable: Readonly<Record<string, string>>,
  others: readonly Pod[],
  before: Allocation,
  usesSwap: (pod: Pod, container: Container) => boolean,
): Refusal | undefined {
  if (isStatic(pod)) {
    return {
      reason: 'Infeasible',
      message: 'In-place resize of static-pods is not supported',
      cause: 'is infeasible',
    };
  }
  if (
    allContainers(pod).some((container) => usesSwap(pod, container) && isSetWhileRunning(container, before))
  ) {
    return {
      reason: 'Infeasible',
      message: 'In-place resize of containers with swap is not supported.',
      cause: 'is infeasible',
    };
  }
  const wanted = podRequests(pod);
  for (const name of RESIZABLE) {
    const requested = amount(name, wanted.get(name));
    const capacity = amount(
      name,
      allocatable[name] === undefined ? undefined : parseQuantity(allocatable[name]),
    );
    if (requested <= capacity) continue;
    return {
      reason: 'Infeasible',
      message: `Node didn't have enough capacity: ${name}, requested: ${requested}, capacity: ${capacity}`,
      cause: 'is infeasible',
    };
  }
  for (const name of RESIZABLE) {
    const requested = amount(name, wanted.get(name));
    const capacity = amount(
      name,
      allocatable[name] === undefined ? undefined : parseQuantity(allocatable[name]),
    );
    const used = others.reduce((sum, other) => sum + amount(name, podRequests(other).get(name)), 0);
    if (requested === 0 || used + requested <= capacity) continue;
    return {
      reason: 'Deferred',
      message: `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
      cause: `OutOf${name}`,
    };
  }
  return undefined;
}

/** Whether the container is to get other memory without a restart. */
function isSetWhileRunning({ name, resizePolicy, resources }: Container, before: Allocation): boolean {
  const restarts = resizePolicy?.some(
    ({ resourceName, restartPolicy }) => resourceName === 'memory' && restartPolicy === 'RestartContainer',
  );
  const granted = before.containers[name];
  return (
    restarts !== true &&
    granted !== undefined &&
    differences(grantedOf(resources), granted).includes('memory')
  );
}

/** As stock counts: CPU in thousandths, memory in bytes. */
function amount(name: string, quantity: Quantity | undefined): number {
  if (quantity === undefined) return 0;
  return Number(name === 'cpu' ? quantity.milliValue() : quantity.value());
}
