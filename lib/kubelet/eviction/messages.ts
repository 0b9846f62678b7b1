/** What is said of an evicted pod, word for word as stock says it: dashboards and alerts match on it. Pure. */
import { parseQuantity, Quantity, type QuantityFormat } from '../../api/quantity.ts';
import type { Observation } from './pressure.ts';
import { absolute, type Amount, type Signal, type Threshold } from './thresholds.ts';
import type { ContainerUse, PodUse } from './usage.ts';

const RESOURCE_OF: Readonly<Record<Signal, string>> = {
  'memory.available': 'memory',
  'allocatableMemory.available': 'memory',
  'nodefs.available': 'ephemeral-storage',
  'nodefs.inodesFree': 'inodes',
  'imagefs.available': 'ephemeral-storage',
  'imagefs.inodesFree': 'inodes',
  'containerfs.available': 'ephemeral-storage',
  'containerfs.inodesFree': 'inodes',
  'pid.available': 'pids',
};

/** The resource that a signal is about. */
export function resourceOf(signal: Signal): string {
  return RESOURCE_OF[signal];
}

function amount(value: number, format: QuantityFormat): string {
  return Quantity.of(Math.max(0, Math.floor(value)), format).toString();
}

/** In the form that it was given in; shares in binary form, whatever they are of. */
function limitText(limit: Amount, capacity: number): string {
  const format = 'bytes' in limit ? limit.format : undefined;
  return amount(absolute(limit, capacity), format ?? 'BinarySI');
}

/** What an eviction says: in the status of the pod and in its event, which carries annotations too. */
export interface EvictionNote {
  readonly message: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export function evictionMessage(
  { signal, amount: limit }: Threshold,
  seen: Observation | undefined,
  use: PodUse,
): EvictionNote {
  const resource = RESOURCE_OF[signal];
  let text = `The node was low on resource: ${resource}. `;
  if (seen !== undefined) {
    const available = amount(seen.available, COUNTED.has(resource) ? 'DecimalSI' : 'BinarySI');
    text += `Threshold quantity: ${limitText(limit, seen.capacity)}, available: ${available}. `;
  }
  const offending: string[] = [];
  const usage: string[] = [];
  for (const container of COUNTED.has(resource) ? [] : use.containers) {
    const used = usedBy(container, resource);
    const request = requestOf(use, container.name, resource);
    if (used === undefined || used <= Number(request.value())) continue;
    const usedText = amount(used, 'BinarySI');
    offending.push(container.name);
    usage.push(usedText);
    text += `Container ${container.name} was using ${usedText}, request is ${request.toString()}, has larger consumption of ${resource}. `;
  }
  return {
    message: text,
    annotations: {
      offending_containers: offending.join(','),
      offending_containers_usage: usage.join(','),
      starved_resource: resource,
    },
  };
}

/** Resources that are no bytes, and that containers do not ask for. */
const COUNTED: ReadonlySet<string> = new Set(['inodes', 'pids']);

function usedBy({ memoryBytes, rootfs, logs }: ContainerUse, resource: string): number | undefined {
  return resource === 'memory' ? memoryBytes : (rootfs?.bytes ?? 0) + (logs?.bytes ?? 0);
}

function requestOf({ pod }: PodUse, name: string, resource: string): Quantity {
  const container = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((c) => c.name === name);
  const text = container?.resources?.requests?.[resource];
  return text === undefined ? Quantity.zero : parseQuantity(text);
}
