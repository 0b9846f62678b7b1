import { parseQuantity } from '../../api/quantity.ts';
import { allContainers } from '../../api/pod.ts';
import type { Pod, ResourceRequirements } from '../../api/types.ts';
import { effectiveResources } from '../runtime/pod_level_limits.ts';

/** A resourceFieldRef that names no container of the pod or no resource it can show. */
export class ResourceFieldError extends Error {
  override readonly name = 'ResourceFieldError';
}

/** The parts of a `resourceFieldRef`. */
export interface ResourceField {
  /** `limits.cpu`, `requests.memory`, `limits.ephemeral-storage`, `requests.hugepages-2Mi`, ... */
  readonly resource: string;
  readonly divisor?: string;
}

/**
 * A container's request or limit, divided by the divisor and rounded up. A limit that is not set is the node's
 * allocatable; a request that is not set is 0 (the API server defaults requests from limits).
 *
 * @throws ResourceFieldError
 */
export function resourceField(
  resources: ResourceRequirements | undefined,
  field: ResourceField,
  allocatable: Readonly<Record<string, string>>,
): string {
  const dot = field.resource.indexOf('.');
  const which = field.resource.slice(0, dot);
  const name = field.resource.slice(dot + 1);
  const supported = ['cpu', 'memory', 'ephemeral-storage'].includes(name) || name.startsWith('hugepages-');
  if ((which !== 'limits' && which !== 'requests') || !supported) {
    throw new ResourceFieldError(`unsupported container resource : ${field.resource}`);
  }
  let text = resources?.[which]?.[name];
  // Zero counts as not set: the node's allocatable is what the container can use.
  if (which === 'limits' && (text === undefined || parseQuantity(text).value() === 0n)) {
    text = name.startsWith('hugepages-') ? text : allocatable[name];
  }
  const value = parseQuantity(text ?? '0');
  const divisor = field.divisor === undefined || field.divisor === '0' ? '1' : field.divisor;
  if (name !== 'cpu') return divideUp(value.value(), parseQuantity(divisor).value()).toString();
  // CPU goes by milli-CPU, so that a divisor of 1m shows it exactly.
  return divideUp(value.milliValue(), parseQuantity(divisor).milliValue()).toString();
}

/**
 * The resources of the container that a resourceFieldRef names, with the pod's limits where it has none of its own.
 *
 * @throws ResourceFieldError
 */
export function containerResources(pod: Pod, containerName: string): ResourceRequirements {
  const found = allContainers(pod).find((c) => c.name === containerName);
  if (found === undefined) throw new ResourceFieldError(`container ${containerName} not found`);
  return effectiveResources(pod, found);
}

function divideUp(value: bigint, by: bigint): bigint {
  if (by <= 0n) throw new ResourceFieldError('divisor must be positive');
  return (value + by - 1n) / by;
}
