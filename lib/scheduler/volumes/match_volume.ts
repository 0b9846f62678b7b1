/** Which existing volume suits a claim. */
import { nodeSelectorMatches } from '../../api/node_selector.ts';
import { parseQuantity, tryParseQuantity } from '../../api/quantity.ts';
import { labelSelector } from '../../api/selector.ts';
import type { Node, PersistentVolume, PersistentVolumeClaim } from '../../api/types.ts';
import { keyOf } from '../../api/types.ts';
import { requestOf, storageClassName } from './pod_claims.ts';

const ZERO = parseQuantity('0');

/**
 * The smallest volume that suits the claim on that node; one that is reserved for the claim goes before all others.
 *
 * @param isTaken whether a volume is promised to somebody else in this process
 */
export function matchVolume(
  claim: PersistentVolumeClaim,
  node: Node,
  volumes: readonly PersistentVolume[],
  isTaken: (volume: PersistentVolume) => boolean,
): PersistentVolume | undefined {
  const wanted = requestOf(claim);
  const selector = claim.spec?.selector === undefined ? undefined : labelSelector(claim.spec.selector);
  const className = storageClassName(claim);
  let best: PersistentVolume | undefined;
  for (const volume of volumes) {
    if (isTaken(volume) || volume.metadata.deletionTimestamp !== undefined) continue;
    if ((claim.spec?.volumeMode ?? 'Filesystem') !== (volume.spec?.volumeMode ?? 'Filesystem')) continue;
    const size = sizeOf(volume);
    const reserved = reservation(volume, claim);
    if (reserved === 'other' || size.cmp(wanted) < 0 || !isUsableOn(volume, node)) continue;
    if (reserved === 'claim') return volume;
    if (volume.status?.phase !== 'Available' || (volume.spec?.storageClassName ?? '') !== className) continue;
    if (selector !== undefined && !selector.matches(volume.metadata.labels)) continue;
    const modes = volume.spec?.accessModes ?? [];
    if (!(claim.spec?.accessModes ?? []).every((mode) => modes.includes(mode))) continue;
    if (best === undefined || size.cmp(sizeOf(best)) < 0) best = volume;
  }
  return best;
}

function sizeOf(volume: PersistentVolume): typeof ZERO {
  return tryParseQuantity(volume.spec?.capacity?.['storage']) ?? ZERO;
}

/** For whom the volume is reserved. */
function reservation(volume: PersistentVolume, claim: PersistentVolumeClaim): 'claim' | 'other' | undefined {
  const ref = volume.spec?.claimRef;
  if (ref === undefined) return undefined;
  if (`${ref.namespace ?? ''}/${ref.name ?? ''}` !== keyOf(claim)) return 'other';
  return ref.uid === undefined || ref.uid === '' || ref.uid === claim.metadata.uid ? 'claim' : 'other';
}

/** Whether a volume can be used on the node (`spec.nodeAffinity`). */
export function isUsableOn(volume: PersistentVolume, node: Node): boolean {
  const required = volume.spec?.nodeAffinity?.required;
  return required === undefined || nodeSelectorMatches(required, node);
}
