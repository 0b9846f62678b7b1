/** The PersistentVolumeClaims of a pod, and in which state they are. */
import type { Quantity } from '../../api/quantity.ts';
import { parseQuantity, tryParseQuantity } from '../../api/quantity.ts';
import type { PersistentVolumeClaim, Pod, StorageClass } from '../../api/types.ts';
import type { ClusterObjects } from '../framework/cluster_objects.ts';

const ZERO = parseQuantity('0');
const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node';

/** `namespace/name` of the claims that the pod uses; those of ephemeral volumes are named after pod and volume. */
export function claimKeys(pod: Pod): readonly string[] {
  return claimRefs(pod).map(({ key }) => key);
}

/** Whether {@link claimKeys} has any. */
export function hasClaims({ spec }: Pod): boolean {
  for (const volume of spec.volumes ?? [])
    if (volume.ephemeral !== undefined || volume.persistentVolumeClaim !== undefined) return true;
  return false;
}

interface ClaimRef {
  readonly key: string;
  readonly name: string;
  /** The claim is made for this pod alone, by the ephemeral volume controller. */
  readonly ephemeral: boolean;
}

function claimRefs(pod: Pod): readonly ClaimRef[] {
  const namespace = pod.metadata.namespace ?? '';
  return (pod.spec.volumes ?? []).flatMap((volume): ClaimRef[] => {
    const ephemeral = volume.ephemeral !== undefined;
    const name = ephemeral
      ? `${pod.metadata.name}-${volume.name}`
      : (volume.persistentVolumeClaim?.claimName ?? '');
    return name === '' ? [] : [{ key: `${namespace}/${name}`, name, ephemeral }];
  });
}

export interface PodClaims {
  /** Bound to a volume, completely. */
  readonly bound: readonly PersistentVolumeClaim[];
  /** To be bound once the pod has a node (WaitForFirstConsumer). */
  readonly delayed: readonly PersistentVolumeClaim[];
  /** To be bound by the volume controller, whatever the node. */
  readonly immediate: readonly PersistentVolumeClaim[];
}

/** The claims by their state, or in words why the pod cannot be placed for want of one. */
export function podClaims(pod: Pod, objects: ClusterObjects): PodClaims | string {
  const bound: PersistentVolumeClaim[] = [];
  const delayed: PersistentVolumeClaim[] = [];
  const immediate: PersistentVolumeClaim[] = [];
  for (const { key, name, ephemeral } of claimRefs(pod)) {
    const claim = objects.persistentVolumeClaims.get(key);
    if (claim === undefined)
      return ephemeral
        ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
        : `persistentvolumeclaim "${name}" not found`;
    if (claim.status?.phase === 'Lost')
      return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec?.volumeName ?? ''}"`;
    if (claim.metadata.deletionTimestamp !== undefined)
      return `persistentvolumeclaim "${name}" is being deleted`;
    const isOwner = claim.metadata.ownerReferences?.some((owner) => owner.uid === pod.metadata.uid) ?? false;
    if (ephemeral && !isOwner)
      return `PVC ${key} was not created for pod ${pod.metadata.namespace}/${pod.metadata.name} (pod is not owner)`;
    if (isBound(claim)) bound.push(claim);
    else if (isDelayed(claim, objects) && (claim.spec?.volumeName ?? '') === '') delayed.push(claim);
    else immediate.push(claim);
  }
  return { bound, delayed, immediate };
}

/** Bound, and the volume controller has said that it is done. */
export function isBound(claim: PersistentVolumeClaim): boolean {
  return (claim.spec?.volumeName ?? '') !== '' && claim.metadata.annotations?.[BIND_COMPLETED] !== undefined;
}

function isDelayed(claim: PersistentVolumeClaim, objects: ClusterObjects): boolean {
  return storageClassOf(claim, objects)?.volumeBindingMode === 'WaitForFirstConsumer';
}

/** How much storage the claim asks for. */
export function requestOf(claim: PersistentVolumeClaim): Quantity {
  return tryParseQuantity(claim.spec?.resources?.requests?.['storage']) ?? ZERO;
}

export function storageClassName(claim: PersistentVolumeClaim): string {
  return (
    claim.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ??
    claim.spec?.storageClassName ??
    ''
  );
}

export function storageClassOf(
  claim: PersistentVolumeClaim,
  objects: Pick<ClusterObjects, 'storageClasses'>,
): StorageClass | undefined {
  return objects.storageClasses.get(storageClassName(claim));
}
