/** What a claim and the volume that it is bound to must be before a pod gets them. Pure. */
import { nodeSelectorMatches } from '../../../api/node_selector.ts';
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../../api/types.ts';

/** A claim cannot be used (yet); the message is what stock says. */
export class ClaimError extends Error {
  override readonly name = 'ClaimError';
}

/** Name of the claim behind a volume: the one it names, or the one made for it (generic ephemeral volumes). */
export function claimNameOf(pod: Pod, volume: Volume): string | undefined {
  if (volume.persistentVolumeClaim !== undefined) return volume.persistentVolumeClaim.claimName;
  return volume.ephemeral === undefined ? undefined : `${pod.metadata.name}-${volume.name}`;
}

/** The name of the bound PersistentVolume. @throws ClaimError */
export function boundVolumeName(claim: PersistentVolumeClaim, pod: Pod, volume: Volume): string {
  const { namespace = '', name } = claim.metadata;
  const failed = (why: string): ClaimError =>
    new ClaimError(`error processing PVC ${namespace}/${name}: ${why}`);
  if (volume.ephemeral !== undefined && !isOwner(pod, claim)) {
    throw failed(
      `PVC ${namespace}/${name} was not created for pod ${pod.metadata.namespace ?? ''}/${pod.metadata.name} (pod is not owner)`,
    );
  }
  // A pod may still come to a claim that waits for its pods to end; it would then never be removed.
  if (claim.metadata.deletionTimestamp !== undefined) throw failed('PVC is being deleted');
  const bound = claim.spec?.volumeName ?? '';
  if (claim.status?.phase !== 'Bound' || bound === '') throw failed('PVC is not bound');
  return bound;
}

function isOwner(pod: Pod, claim: PersistentVolumeClaim): boolean {
  return (claim.metadata.ownerReferences ?? []).some(
    (owner) => owner.controller === true && owner.uid === pod.metadata.uid,
  );
}

/** How the containers of a pod name a volume. */
export function volumeUse(pod: Pod, name: string): { readonly mounted: boolean; readonly device: boolean } {
  const containers = [
    ...pod.spec.containers,
    ...(pod.spec.initContainers ?? []),
    ...(pod.spec.ephemeralContainers ?? []),
  ];
  return {
    mounted: containers.some((c) => c.volumeMounts?.some((mount) => mount.name === name) === true),
    device: containers.some((c) => c.volumeDevices?.some((device) => device.name === name) === true),
  };
}

/** @throws ClaimError when the volume is not the claim's, not to be reached from this node, or used the wrong way */
export function checkVolume(
  pv: PersistentVolume,
  claim: PersistentVolumeClaim,
  pod: Pod,
  volumeName: string,
  node: Node,
): void {
  const owner = pv.spec?.claimRef?.uid;
  if (owner === undefined || owner !== claim.metadata.uid) {
    throw new ClaimError(
      `found PV object ${pv.metadata.name} but its pv.Spec.ClaimRef.UID ${owner ?? ''} does not point to claim.UID ${claim.metadata.uid ?? ''}`,
    );
  }
  const mode = pv.spec?.volumeMode ?? 'Filesystem';
  const { mounted, device } = volumeUse(pod, volumeName);
  if (mode === 'Block' && mounted)
    throw new ClaimError(`volume ${volumeName} has volumeMode Block, but is specified in volumeMounts`);
  if (mode !== 'Block' && device)
    throw new ClaimError(`volume ${volumeName} has volumeMode ${mode}, but is specified in volumeDevices`);
  const required = pv.spec?.nodeAffinity?.required;
  if (required !== undefined && !nodeSelectorMatches(required, node)) {
    throw new ClaimError(
      `PersistentVolume "${pv.metadata.name}" cannot be used on node "${node.metadata.name}": its node affinity does not match`,
    );
  }
}

/** Group that containers need to use the volume (annotation `pv.beta.kubernetes.io/gid`). */
export function volumeGroups(pv: PersistentVolume): readonly number[] {
  const gid = Number(pv.metadata.annotations?.['pv.beta.kubernetes.io/gid'] ?? Number.NaN);
  return Number.isInteger(gid) && gid >= 0 ? [gid] : [];
}
