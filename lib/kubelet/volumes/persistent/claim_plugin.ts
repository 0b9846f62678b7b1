/** Volumes of pods that are claims: the claim to the PersistentVolume that it is bound to, and that to its type. */
import { join } from 'node:path';
import type { Node, PersistentVolume, PersistentVolumeClaim } from '../../../api/types.ts';
import { pluginDir, type ReadyVolume, type VolumePlugin, type VolumeRequest } from '../plugin.ts';
import { boundVolumeName, checkVolume, ClaimError, claimNameOf, volumeGroups } from './claim.ts';
import type { PersistentVolumeSource } from './source.ts';

/** Reads claims and volumes from the API. Rejects when they are not there. */
export interface ClaimReader {
  claim(namespace: string, name: string, signal: AbortSignal): Promise<PersistentVolumeClaim>;
  volume(name: string, signal: AbortSignal): Promise<PersistentVolume>;
}

export interface ClaimPluginOptions {
  readonly reader: ClaimReader;
  readonly sources: readonly PersistentVolumeSource[];
  readonly node: () => Node;
}

interface Used {
  /** By name of the volume in the pod. */
  readonly ready: Map<string, ReadyVolume>;
  /** UIDs of claims that are the pod's alone (ReadWriteOncePod). */
  readonly exclusive: Set<string>;
}

export function claimPlugin(options: ClaimPluginOptions): VolumePlugin {
  const pods = new Map<string, Used>();
  const usedBy = (uid: string): Used => {
    const known = pods.get(uid) ?? { ready: new Map(), exclusive: new Set() };
    pods.set(uid, known);
    return known;
  };

  const takeAlone = (claim: PersistentVolumeClaim, pv: PersistentVolume, uid: string): void => {
    const id = claim.metadata.uid ?? '';
    if (pv.spec?.accessModes?.includes('ReadWriteOncePod') !== true) return;
    for (const [other, { exclusive }] of pods) {
      if (other !== uid && exclusive.has(id))
        throw new ClaimError(
          'volume uses the ReadWriteOncePod access mode and is already in use by another pod',
        );
    }
    usedBy(uid).exclusive.add(id);
  };

  return {
    name: 'kubernetes.io/persistent-claim',
    supports: (volume) => volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined,
    async setUp(request: VolumeRequest): Promise<ReadyVolume> {
      const { pod, volume, podDir, signal } = request;
      const uid = pod.metadata.uid ?? '';
      // What is mounted stays as it is: a pod that has its volume needs no apiserver to keep it.
      const known = pods.get(uid)?.ready.get(volume.name);
      if (known !== undefined) return known;
      const name = claimNameOf(pod, volume) ?? '';
      const claim = await options.reader.claim(pod.metadata.namespace ?? '', name, signal);
      const pv = await options.reader.volume(boundVolumeName(claim, pod, volume), signal);
      checkVolume(pv, claim, pod, volume.name, options.node());
      const source = options.sources.find((candidate) => candidate.supports(pv));
      if (source === undefined)
        throw new ClaimError(`no volume plugin matched PersistentVolume "${pv.metadata.name}"`);
      takeAlone(claim, pv, uid);
      const ready = await source.setUp({
        ...request,
        pv,
        claim,
        dir: join(podDir, 'volumes', pluginDir(source.name), checkPvName(pv.metadata.name)),
        readOnly: volume.persistentVolumeClaim?.readOnly === true,
      });
      const groups = [...(ready.supplementalGroups ?? []), ...volumeGroups(pv)];
      const result = groups.length === 0 ? ready : { ...ready, supplementalGroups: groups };
      usedBy(uid).ready.set(volume.name, result);
      return result;
    },
    podGone(uid) {
      pods.delete(uid);
    },
  };
}

/** Names of PersistentVolumes are DNS subdomains; anything else must never become a path. */
function checkPvName(name: string): string {
  if (!/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(name) || name.length > 253 || name.includes('..'))
    throw new ClaimError(`PersistentVolume name ${JSON.stringify(name)} is not a DNS subdomain`);
  return name;
}
