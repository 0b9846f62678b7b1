/** A node takes only so many volumes of a CSI driver (`CSINode.spec.drivers[].allocatable.count`). */
import type { Pod } from '../../api/types.ts';
import type { EnqueueExtensions, FilterPlugin, PreFilterPlugin, SignPlugin } from '../framework/plugin.ts';
import type { ClusterView } from '../framework/plugin_handle.ts';
import { SKIP, unschedulable } from '../framework/status.ts';
import { claimKeys, hasClaims, storageClassOf } from '../volumes/pod_claims.ts';

export function nodeVolumeLimits({
  objects,
}: Pick<ClusterView, 'objects'>): PreFilterPlugin & FilterPlugin & SignPlugin & EnqueueExtensions {
  /** Adds the CSI volumes of the pod: their identity and driver. A volume used twice counts once. */
  const collect = (pod: Pod, into: Map<string, string>): void => {
    for (const key of claimKeys(pod)) {
      const claim = objects.persistentVolumeClaims.get(key);
      if (claim === undefined) continue;
      const volume = objects.persistentVolumes.get(claim.spec?.volumeName ?? '');
      const csi = volume?.spec?.csi;
      if (csi !== undefined) into.set(`${csi.driver}/${csi.volumeHandle}`, csi.driver);
      else if (volume === undefined) {
        // Still to be made: it will be one of its class's driver.
        const provisioner = storageClassOf(claim, objects)?.provisioner;
        if (provisioner !== undefined) into.set(`${provisioner}-${key}`, provisioner);
      }
    }
  };
  return {
    name: 'NodeVolumeLimits',
    preFilter: (_state, pod) => (claimKeys(pod).length === 0 ? SKIP : undefined),
    filter(_state, pod, node) {
      const limits = new Map<string, number>();
      for (const { name, allocatable } of objects.csiNodes.get(node.name)?.spec?.drivers ?? [])
        if (allocatable?.count !== undefined) limits.set(name, allocatable.count);
      if (limits.size === 0) return undefined;
      const wanted = new Map<string, string>();
      collect(pod, wanted);
      const used = new Map<string, string>();
      for (const other of node.pods()) collect(other, used);
      for (const { spec, metadata } of objects.volumeAttachments.list()) {
        if (spec.nodeName !== node.name || metadata.deletionTimestamp !== undefined) continue;
        const csi = objects.persistentVolumes.get(spec.source.persistentVolumeName ?? '')?.spec?.csi;
        if (csi !== undefined) used.set(`${csi.driver}/${csi.volumeHandle}`, csi.driver);
      }
      const counts = new Map<string, number>();
      for (const driver of used.values()) counts.set(driver, (counts.get(driver) ?? 0) + 1);
      const added = new Map<string, number>();
      for (const [volume, driver] of wanted)
        if (!used.has(volume)) added.set(driver, (added.get(driver) ?? 0) + 1);
      for (const [driver, more] of added) {
        const limit = limits.get(driver);
        if (limit !== undefined && (counts.get(driver) ?? 0) + more > limit)
          return unschedulable('node(s) exceed max volume count');
      }
      return undefined;
    },
    // What volumes there are and who uses them follows from much else.
    signPod: (pod) => (hasClaims(pod) ? undefined : ''),
    eventsToRegister: () => [
      'CSINodeAdd',
      'CSINodeUpdate',
      'AssignedPodDelete',
      'PersistentVolumeClaimAdd',
      'PersistentVolumeClaimUpdate',
      'VolumeAttachmentDelete',
    ],
  };
}
