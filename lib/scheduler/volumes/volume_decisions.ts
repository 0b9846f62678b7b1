/** What was decided for the volumes of pods that are not bound yet, so that the next pod does not count on them. */
import type { Quantity } from '../../api/quantity.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/types.ts';
import { keyOf } from '../../api/types.ts';

/** What is to happen to the delayed claims of a pod on one node. */
export interface VolumeDecision {
  /** Volumes that exist, each with the claim that is to have it. */
  readonly bindings: readonly { readonly volume: PersistentVolume; readonly claim: PersistentVolumeClaim }[];
  /** Claims for which a volume is to be made. */
  readonly provisions: readonly PersistentVolumeClaim[];
  /** Claim key to what its driver has left for the node, of the claims that are to be provisioned; absent: it does not tell. */
  readonly rooms?: ReadonlyMap<string, Quantity>;
}

export class VolumeDecisions {
  /** Volume name to claim key. */
  readonly #promised = new Map<string, string>();
  /** Claim key to the node it is to be provisioned for. */
  readonly #nodes = new Map<string, string>();

  assume({ bindings, provisions }: VolumeDecision, nodeName: string): void {
    for (const { volume, claim } of bindings) this.#promised.set(volume.metadata.name, keyOf(claim));
    for (const claim of provisions) this.#nodes.set(keyOf(claim), nodeName);
  }

  forget({ bindings, provisions }: VolumeDecision): void {
    for (const { volume } of bindings) this.#promised.delete(volume.metadata.name);
    for (const claim of provisions) this.#nodes.delete(keyOf(claim));
  }

  isPromised(volume: PersistentVolume): boolean {
    return this.#promised.has(volume.metadata.name);
  }

  /** The node that the claim is to be provisioned for, if that has been decided. */
  nodeOf(claim: PersistentVolumeClaim): string | undefined {
    return this.#nodes.get(keyOf(claim));
  }
}
