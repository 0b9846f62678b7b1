/** Volumes that one pod has for itself: claims of access mode ReadWriteOncePod, and disks that attach to one place. */
import type { Pod, Volume } from '../../api/types.ts';
import type { PodMatcher } from '../cache/match_counts.ts';
import { StateKey } from '../framework/cycle_state.ts';
import type { EnqueueExtensions, FilterPlugin, PreFilterPlugin, SignPlugin } from '../framework/plugin.ts';
import type { ClusterView } from '../framework/plugin_handle.ts';
import { SKIP, unresolvable, unschedulable } from '../framework/status.ts';
import { claimKeys, hasClaims } from '../volumes/pod_claims.ts';

interface State {
  /** Claims of the pod that only one pod may use. */
  readonly exclusive: ReadonlySet<string>;
  /** Uses of them by other pods. */
  users: number;
  readonly disks: readonly Volume[];
}

const key = new StateKey<State>('VolumeRestrictions');

export function volumeRestrictions({
  cache,
  objects,
}: Pick<ClusterView, 'cache' | 'objects'>): PreFilterPlugin & FilterPlugin & SignPlugin & EnqueueExtensions {
  const change = (state: State | undefined, other: Pod, by: 1 | -1): void => {
    if (state === undefined || state.exclusive.size === 0) return;
    for (const claim of claimKeys(other)) if (state.exclusive.has(claim)) state.users += by;
  };
  return {
    name: 'VolumeRestrictions',
    preFilter(state, pod) {
      const disks = (pod.spec.volumes ?? []).filter(isDisk);
      const exclusive = new Set<string>();
      for (const claim of claimKeys(pod)) {
        const found = objects.persistentVolumeClaims.get(claim);
        if (found === undefined) return unresolvable(missing(pod, claim));
        if (found.spec?.accessModes?.includes('ReadWriteOncePod') === true) exclusive.add(claim);
      }
      if (exclusive.size === 0 && disks.length === 0) return SKIP;
      let users = 0;
      for (const claim of exclusive) users += cache.matchCounts(usersOf(claim)).total;
      state.write(key, { exclusive, users, disks });
      return undefined;
    },
    addPod: (state, _pod, other) => change(state.read(key), other, 1),
    removePod: (state, _pod, other) => change(state.read(key), other, -1),
    filter(state, _pod, node) {
      const found = state.read(key);
      if (found === undefined) return undefined;
      if (found.disks.length > 0)
        for (const other of node.pods())
          for (const volume of other.spec.volumes ?? [])
            if (found.disks.some((disk) => collide(disk, volume)))
              return unschedulable('node(s) had no available disk');
      return found.users > 0
        ? unschedulable(
            'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
          )
        : undefined;
    },
    signPod: (pod) => (hasClaims(pod) || (pod.spec.volumes ?? []).some(isDisk) ? undefined : ''),
    eventsToRegister: () => [
      'AssignedPodDelete',
      'NodeAdd',
      'PersistentVolumeClaimAdd',
      'PersistentVolumeClaimUpdate',
    ],
  };
}

function missing(pod: Pod, claim: string): string {
  const name = claim.slice(claim.indexOf('/') + 1);
  const ephemeral = (pod.spec.volumes ?? []).some(
    (v) => v.ephemeral !== undefined && `${pod.metadata.name}-${v.name}` === name,
  );
  return ephemeral
    ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
    : `persistentvolumeclaim "${name}" not found`;
}

function usersOf(claim: string): PodMatcher {
  return {
    key: `claim ${claim}`,
    namespaces: new Set([claim.slice(0, claim.indexOf('/'))]),
    matches: (pod) => claimKeys(pod).includes(claim),
  };
}

function isDisk(volume: Volume): boolean {
  return (
    volume.gcePersistentDisk !== undefined ||
    volume.awsElasticBlockStore !== undefined ||
    volume.iscsi !== undefined ||
    volume.rbd !== undefined
  );
}

/** Whether two pods with these volumes cannot be on one node. Reading together is allowed, but for EBS. */
function collide(a: Volume, b: Volume): boolean {
  if (a.gcePersistentDisk !== undefined && b.gcePersistentDisk !== undefined)
    return (
      a.gcePersistentDisk.pdName === b.gcePersistentDisk.pdName &&
      !(a.gcePersistentDisk.readOnly === true && b.gcePersistentDisk.readOnly === true)
    );
  if (a.awsElasticBlockStore !== undefined && b.awsElasticBlockStore !== undefined)
    return a.awsElasticBlockStore.volumeID === b.awsElasticBlockStore.volumeID;
  if (a.iscsi !== undefined && b.iscsi !== undefined)
    return a.iscsi.iqn === b.iscsi.iqn && !(a.iscsi.readOnly === true && b.iscsi.readOnly === true);
  if (a.rbd !== undefined && b.rbd !== undefined) {
    const { monitors, image, pool = 'rbd', readOnly = false } = b.rbd;
    return (
      a.rbd.monitors.some((monitor) => monitors.includes(monitor)) &&
      (a.rbd.pool ?? 'rbd') === pool &&
      a.rbd.image === image &&
      !(readOnly && a.rbd.readOnly === true)
    );
  }
  return false;
}
