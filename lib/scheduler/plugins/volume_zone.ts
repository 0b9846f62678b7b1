/** Bound volumes that say their zone in labels can be used in that zone only. */
import type { PersistentVolume } from '../../api/types.ts';
import { StateKey } from '../framework/cycle_state.ts';
import type { EnqueueExtensions, FilterPlugin, PreFilterPlugin, SignPlugin } from '../framework/plugin.ts';
import type { ClusterView } from '../framework/plugin_handle.ts';
import { SKIP, unresolvable } from '../framework/status.ts';
import { claimKeys, hasClaims, storageClassOf } from '../volumes/pod_claims.ts';

/** Labels that say where something is, with the name that older releases gave them. */
const KEYS: ReadonlyMap<string, string> = new Map([
  ['topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/zone'],
  ['topology.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/region'],
  ['failure-domain.beta.kubernetes.io/zone', 'topology.kubernetes.io/zone'],
  ['failure-domain.beta.kubernetes.io/region', 'topology.kubernetes.io/region'],
]);

interface Place {
  readonly key: string;
  readonly values: ReadonlySet<string>;
}

const stateKey = new StateKey<readonly Place[]>('VolumeZone');

export function volumeZone({
  objects,
}: Pick<ClusterView, 'objects'>): PreFilterPlugin & FilterPlugin & SignPlugin & EnqueueExtensions {
  return {
    name: 'VolumeZone',
    preFilter(state, pod) {
      const places: Place[] = [];
      for (const claimKey of claimKeys(pod)) {
        const claim = objects.persistentVolumeClaims.get(claimKey);
        if (claim === undefined)
          return unresolvable(
            `persistentvolumeclaim "${claimKey.slice(claimKey.indexOf('/') + 1)}" not found`,
          );
        const volumeName = claim.spec?.volumeName ?? '';
        if (volumeName === '') {
          const storageClass = storageClassOf(claim, objects);
          if (storageClass?.volumeBindingMode === 'WaitForFirstConsumer') continue;
          return unresolvable('PersistentVolumeClaim had no pv name and storageClass name');
        }
        const volume = objects.persistentVolumes.get(volumeName);
        if (volume === undefined) return unresolvable(`persistentvolume "${volumeName}" not found`);
        places.push(...placesOf(volume));
      }
      if (places.length === 0) return SKIP;
      state.write(stateKey, places);
      return undefined;
    },
    filter(state, _pod, { labels }) {
      // A node that says nothing of where it is may be anywhere.
      if (![...KEYS.keys()].some((key) => labels[key] !== undefined)) return undefined;
      const fits = (state.read(stateKey) ?? []).every(({ key, values }) => {
        const value = labels[key] ?? labels[KEYS.get(key) ?? ''];
        return value !== undefined && values.has(value);
      });
      return fits ? undefined : unresolvable('node(s) had no available volume zone');
    },
    // What volumes there are and who uses them follows from much else.
    signPod: (pod) => (hasClaims(pod) ? undefined : ''),
    eventsToRegister: () => [
      'NodeAdd',
      'NodeLabelUpdate',
      'PersistentVolumeAdd',
      'PersistentVolumeUpdate',
      'PersistentVolumeClaimAdd',
      'PersistentVolumeClaimUpdate',
      'StorageClassAdd',
    ],
  };
}

/** A volume in several zones names them joined by two underscores. */
function placesOf({ metadata }: PersistentVolume): Place[] {
  return [...KEYS.keys()].flatMap((key) => {
    const text = metadata.labels?.[key];
    return text === undefined ? [] : [{ key, values: new Set(text.split('__')) }];
  });
}
