/** What the volume controller, the ephemeral volume controller and provisioners would do. */
import type { Node, PersistentVolume, PersistentVolumeClaim } from '../../api/types.ts';
import type { ClusterStores } from '../framework/cluster_objects.ts';
import { matchVolume } from '../volumes/match_volume.ts';
import { isBound, storageClassName, storageClassOf } from '../volumes/pod_claims.ts';

/** The claim, bound to the volume. */
export function boundClaim(claim: PersistentVolumeClaim, volumeName: string): PersistentVolumeClaim {
  const annotations = { ...claim.metadata.annotations, 'pv.kubernetes.io/bind-completed': 'yes' };
  return {
    ...claim,
    metadata: { ...claim.metadata, annotations },
    spec: { ...claim.spec, volumeName },
    status: { ...claim.status, phase: 'Bound' },
  };
}

/** The volume that a provisioner makes for the claim, usable where the driver says that the node's volumes are. */
export function provisionedVolume(
  claim: PersistentVolumeClaim,
  node: Node | undefined,
  stores: Pick<ClusterStores, 'storageClasses' | 'csiNodes'>,
): PersistentVolume {
  const storageClass = storageClassOf(claim, stores);
  const provisioner = storageClass?.provisioner ?? '';
  const driver = stores.csiNodes
    .get(node?.metadata.name ?? '')
    ?.spec?.drivers.find((d) => d.name === provisioner);
  const expressions = (driver?.topologyKeys ?? []).flatMap((key) => {
    const value = node?.metadata.labels?.[key];
    return value === undefined ? [] : [{ key, operator: 'In', values: [value] }];
  });
  const { namespace = '', name, uid = '' } = claim.metadata;
  return {
    metadata: { name: `pvc-${namespace}-${name}`, uid: `PersistentVolume:${namespace}/${name}` },
    spec: {
      capacity: { storage: claim.spec?.resources?.requests?.['storage'] ?? '0' },
      accessModes: claim.spec?.accessModes ?? [],
      storageClassName: storageClassName(claim),
      ...(driver === undefined ? {} : { csi: { driver: provisioner, volumeHandle: `${namespace}-${name}` } }),
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid },
      ...(expressions.length === 0
        ? {}
        : { nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: expressions }] } } }),
    },
    status: { phase: 'Bound' },
  };
}

/** The claims of ephemeral volumes that are not there yet. */
export function withEphemeralClaims(
  stores: Pick<ClusterStores, 'pods' | 'persistentVolumeClaims'>,
): readonly PersistentVolumeClaim[] {
  return stores.pods.list().flatMap((pod) =>
    (pod.spec.volumes ?? []).flatMap(({ name: volume, ephemeral }): PersistentVolumeClaim[] => {
      const spec = ephemeral?.volumeClaimTemplate?.spec;
      if (spec === undefined) return [];
      const { namespace = 'default', name, uid = '' } = pod.metadata;
      const claimName = `${name}-${volume}`;
      const key = `${namespace}/${claimName}`;
      if (stores.persistentVolumeClaims.get(key) !== undefined) return [];
      const owner = { apiVersion: 'v1', kind: 'Pod', name, uid, controller: true };
      const metadata = {
        name: claimName,
        namespace,
        uid: `PersistentVolumeClaim:${key}`,
        ownerReferences: [owner],
      };
      return [{ metadata, spec }];
    }),
  );
}

/** Binds the claims that wait for no pod: to a volume that is there, or to one that is made. */
export function bindImmediateClaims(stores: ClusterStores): void {
  const taken = new Set<string>();
  for (const given of stores.persistentVolumeClaims.list()) {
    const claim = withDefaultClass(given, stores);
    if (claim !== given) stores.persistentVolumeClaims.put(claim);
    const named = claim.spec?.volumeName ?? '';
    if (isBound(claim)) continue;
    if (named !== '' || claim.status?.phase === 'Bound') {
      // Written by hand with the volume in it.
      if (stores.persistentVolumes.get(named) !== undefined)
        stores.persistentVolumeClaims.put(boundClaim(claim, named));
      continue;
    }
    const storageClass = storageClassOf(claim, stores);
    if (storageClass?.volumeBindingMode === 'WaitForFirstConsumer') continue;
    const free = stores.persistentVolumes.list().map(({ spec, ...rest }) => {
      const { nodeAffinity: _, ...anywhere } = spec ?? {};
      return { ...rest, spec: anywhere };
    });
    const anyNode: Node = { metadata: { name: '' } };
    const matched = matchVolume(claim, anyNode, free, (v) => taken.has(v.metadata.name));
    const provisioner = storageClass?.provisioner ?? '';
    const existing = stores.persistentVolumes.get(matched?.metadata.name ?? '');
    const volume =
      existing ??
      (provisioner === '' || provisioner === 'kubernetes.io/no-provisioner'
        ? undefined
        : provisionedVolume(claim, undefined, stores));
    if (volume === undefined) continue; // stays unbound, as it would
    taken.add(volume.metadata.name);
    const { namespace = '', name, uid = '' } = claim.metadata;
    const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid };
    stores.persistentVolumes.put({
      ...volume,
      spec: { ...volume.spec, claimRef },
      status: { phase: 'Bound' },
    });
    stores.persistentVolumeClaims.put(boundClaim(claim, volume.metadata.name));
  }
}

const IS_DEFAULT = 'storageclass.kubernetes.io/is-default-class';

function withDefaultClass(
  claim: PersistentVolumeClaim,
  { storageClasses }: Pick<ClusterStores, 'storageClasses'>,
): PersistentVolumeClaim {
  if (claim.spec?.storageClassName !== undefined || storageClassName(claim) !== '') return claim;
  const byDefault = storageClasses.list().find((c) => c.metadata.annotations?.[IS_DEFAULT] === 'true');
  return byDefault === undefined
    ? claim
    : { ...claim, spec: { ...claim.spec, storageClassName: byDefault.metadata.name } };
}
