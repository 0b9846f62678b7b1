/** In which order pods are evicted for what the node is short of. Pure. */
import { podPriority } from '../../api/pod.ts';
import { podRequests } from '../../api/resources.ts';
import { ALL_PARTS, type DiskParts, diskUse, memoryUse, type PodUse } from './usage.ts';
import type { Signal } from './thresholds.ts';

/** The layout of the node's file systems. */
export interface DiskLayout {
  /** Images (and writable layers, unless split) lie on a file system of their own. */
  readonly dedicatedImageFs: boolean;
  /** Of those the images alone: writable layers lie with the node's own files (KEP-4191). */
  readonly splitContainerFs?: boolean;
}

/**
 * First the pods that use more than they asked for, the unimportant before the important, and among equals the one that
 * uses the most beyond its request. Of whom nothing is known is suspected most.
 */
export function rank(signal: Signal, pods: readonly PodUse[], layout: DiskLayout): readonly PodUse[] {
  switch (signal) {
    case 'memory.available':
    case 'allocatableMemory.available':
      return sorted(pods, (use) => ({ used: memoryUse(use), request: requestOf(use, 'memory') }));
    case 'pid.available':
      return pods.toSorted(
        (a, b) => podPriority(a.pod) - podPriority(b.pod) || more(a.processes, b.processes),
      );
    case 'nodefs.inodesFree':
    case 'imagefs.inodesFree':
    case 'containerfs.inodesFree': {
      const parts = partsOn(signal, layout);
      return sorted(pods, (use) => ({ used: diskUse(use, parts).inodes, request: 0 }));
    }
    case 'nodefs.available':
    case 'imagefs.available':
    case 'containerfs.available': {
      const parts = partsOn(signal, layout);
      return sorted(pods, (use) => ({
        used: diskUse(use, parts).bytes,
        request: requestOf(use, 'ephemeral-storage'),
      }));
    }
  }
}

/** What of a pod lies on the file system that a signal is about. */
function partsOn(signal: Signal, { dedicatedImageFs, splitContainerFs = false }: DiskLayout): DiskParts {
  if (!dedicatedImageFs) return ALL_PARTS;
  const node = signal.startsWith('nodefs');
  return { rootfs: splitContainerFs ? node : !node, logs: node, volumes: node };
}

interface Figures {
  readonly used: number | undefined;
  readonly request: number;
}

function sorted(pods: readonly PodUse[], read: (use: PodUse) => Figures): readonly PodUse[] {
  const rows = pods.map((use) => {
    const { used, request } = read(use);
    const excess = used === undefined ? Number.POSITIVE_INFINITY : used - request;
    return { use, excess, exceeds: excess > 0, priority: podPriority(use.pod) };
  });
  rows.sort(
    (a, b) => Number(b.exceeds) - Number(a.exceeds) || a.priority - b.priority || more(a.excess, b.excess),
  );
  return rows.map(({ use }) => use);
}

/** The larger first; unknown counts as larger than anything. */
function more(a = Number.POSITIVE_INFINITY, b = Number.POSITIVE_INFINITY): number {
  return a === b ? 0 : b > a ? 1 : -1;
}

function requestOf({ pod }: PodUse, name: string): number {
  return Number(podRequests(pod).get(name)?.value() ?? 0n);
}
