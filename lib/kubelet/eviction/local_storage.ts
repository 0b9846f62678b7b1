/** Pods that take more of the node's disk than their own limits allow. Pure. */
import { parseQuantity } from '../../api/quantity.ts';
import { podLimits } from '../../api/resources.ts';
import type { Pod } from '../../api/types.ts';
import type { DiskLayout } from './ranking.ts';
import { ALL_PARTS, diskUse, type PodUse } from './usage.ts';

const RESOURCE = 'ephemeral-storage';

/** Whether there is a limit to hold the pod to: only then is its use found out. */
export function hasStorageLimits(pod: Pod): boolean {
  return (
    (pod.spec.volumes ?? []).some(({ emptyDir }) => emptyDir?.sizeLimit !== undefined) ||
    podLimits(pod).has(RESOURCE)
  );
}

export interface StorageExcess {
  /** As metrics of evictions name it. */
  readonly signal: 'emptydirfs.limit' | 'ephemeralpodfs.limit' | 'ephemeralcontainerfs.limit';
  readonly message: string;
}

/** Why the pod must go, `undefined` when it keeps to its limits. */
export function storageExcess(use: PodUse, { dedicatedImageFs }: DiskLayout): StorageExcess | undefined {
  const { pod } = use;
  for (const { name, emptyDir } of pod.spec.volumes ?? []) {
    if (emptyDir?.sizeLimit === undefined) continue;
    const limit = parseQuantity(emptyDir.sizeLimit);
    const used = use.volumes.get(name)?.bytes;
    if (used !== undefined && !limit.isZero && used > Number(limit.value()))
      return {
        signal: 'emptydirfs.limit',
        message: `Usage of EmptyDir volume "${name}" exceeds the limit "${limit.toString()}". `,
      };
  }
  const ofPod = podLimits(pod).get(RESOURCE);
  if (ofPod !== undefined && diskUse(use, ALL_PARTS).bytes > Number(ofPod.value()))
    return {
      signal: 'ephemeralpodfs.limit',
      message: `Pod ephemeral local storage usage exceeds the total limit of containers ${ofPod.toString()}. `,
    };
  for (const { name, rootfs, logs } of use.containers) {
    const text = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((c) => c.name === name)
      ?.resources?.limits?.[RESOURCE];
    if (text === undefined) continue;
    const limit = parseQuantity(text);
    if (limit.isZero) continue; // what is then said of the pod is enough
    const used = (logs?.bytes ?? 0) + (dedicatedImageFs ? 0 : (rootfs?.bytes ?? 0));
    if (used > Number(limit.value()))
      return {
        signal: 'ephemeralcontainerfs.limit',
        message: `Container ${name} exceeded its local ephemeral storage limit "${limit.toString()}". `,
      };
  }
  return undefined;
}
