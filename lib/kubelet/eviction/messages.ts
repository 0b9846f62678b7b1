/** What is said of an evicted pod, word for word as stock says it: dashboards and alerts match on it. Pure. */
import { parseQuantity, Quantity } from '../../api/quantity.ts';
import type { Observation } from './pressure.ts';
import { type DiskLayout, partsOn } from './ranking.ts';
import { absolute, type Signal, type Threshold } from './thresholds.ts';
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

function amount(value: number, signal: Signal): string {
  const format = signal.endsWith('inodesFree') || signal === 'pid.available' ? 'DecimalSI' : 'BinarySI';
  return Quantity.of(Math.max(0, Math.floor(value)), format).toString();
}

export function evictionMessage(
  { signal, amount: limit }: Threshold,
  seen: Observation | undefined,
  use: PodUse,
  layout: DiskLayout,
): string {
  const resource = RESOURCE_OF[signal];
  let text = `The node was low on resource: ${resource}. `;
  if (seen !== undefined) {
    text += `Threshold quantity: ${amount(absolute(limit, seen.capacity), signal)}, available: ${amount(seen.available, signal)}. `;
  }
  if (resource !== 'memory' && resource !== 'ephemeral-storage') return text;
  for (const container of use.containers) {
    const used = usedBy(container, signal, layout);
    const request = requestOf(use, container.name, resource);
    if (used === undefined || used <= Number(request.value())) continue;
    text += `Container ${container.name} was using ${amount(used, signal)}, request is ${request.toString()}, has larger consumption of ${resource}. `;
  }
  return text;
}

function usedBy(container: ContainerUse, signal: Signal, layout: DiskLayout): number | undefined {
  if (RESOURCE_OF[signal] === 'memory') return container.memoryBytes;
  const parts = partsOn(signal, layout);
  const { rootfs, logs } = container;
  return (parts.rootfs ? (rootfs?.bytes ?? 0) : 0) + (parts.logs ? (logs?.bytes ?? 0) : 0);
}

function requestOf({ pod }: PodUse, name: string, resource: string): Quantity {
  const container = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((c) => c.name === name);
  const text = container?.resources?.requests?.[resource];
  return text === undefined ? Quantity.zero : parseQuantity(text);
}
