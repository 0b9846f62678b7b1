import type { PersistentVolume, PersistentVolumeClaim } from '../../../api/types.ts';
import type { ReadyVolume, VolumeRequest } from '../plugin.ts';

/** A persistent volume that is to be made ready for a pod. */
export interface PersistentVolumeRequest extends VolumeRequest {
  readonly pv: PersistentVolume;
  readonly claim: PersistentVolumeClaim;
  /** The pod, its claim or the volume wants it read-only. */
  readonly readOnly: boolean;
}

/**
 * A type of PersistentVolume (`spec.local`, `spec.nfs`, later `spec.csi`). `dir` of the request is
 * `<podDir>/volumes/<name>/<name of the volume>`, and what is mounted there is taken down by the volume manager; a
 * type with more to do than that is a {@link VolumePlugin} of the same name as well, whose `tearDown` is called.
 */
export interface PersistentVolumeSource {
  /** `kubernetes.io/local-volume` */
  readonly name: string;
  supports(pv: PersistentVolume): boolean;
  /** Makes the volume ready. Idempotent, and cheap when it is. */
  setUp(request: PersistentVolumeRequest): Promise<ReadyVolume>;
}
