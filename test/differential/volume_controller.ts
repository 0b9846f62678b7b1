/** What the volume controller and a provisioner would do for one pod that waits at PreBind. */
import type { PersistentVolumeClaim, Pod } from '../../lib/api/types.ts';
import { keyOf } from '../../lib/api/types.ts';
import type { ApiClient } from '../../lib/client/client.ts';
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES } from '../../lib/client/resource.ts';
import { isBound, SELECTED_NODE } from '../../lib/scheduler/volumes/pod_claims.ts';

/** Binds the claims of the pod for which the scheduler has decided. */
export async function bindDecided(client: ApiClient, pod: Pod): Promise<void> {
  for (const { persistentVolumeClaim } of pod.spec.volumes ?? []) {
    if (persistentVolumeClaim === undefined) continue;
    const { namespace } = pod.metadata;
    const all = (await client.list(PERSISTENT_VOLUME_CLAIMS, namespace === undefined ? {} : { namespace }))
      .items;
    const claim = all.find((c) => c.metadata.name === persistentVolumeClaim.claimName);
    if (claim === undefined || isBound(claim)) continue;
    const volumes = (await client.list(PERSISTENT_VOLUMES)).items;
    const given = volumes.find(({ spec }) => spec?.claimRef?.uid === claim.metadata.uid);
    if (given !== undefined) await complete(client, claim, given.metadata.name);
    else if (claim.metadata.annotations?.[SELECTED_NODE] !== undefined) {
      const name = `made-${keyOf(claim).replace('/', '-')}`;
      await client.create(PERSISTENT_VOLUMES, {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name },
        spec: {
          capacity: { storage: '10Gi' },
          accessModes: ['ReadWriteOnce'],
          storageClassName: claim.spec?.storageClassName ?? '',
          csi: { driver: 'csi.example.com', volumeHandle: name },
          claimRef: {
            apiVersion: 'v1',
            kind: 'PersistentVolumeClaim',
            namespace: claim.metadata.namespace ?? '',
            name: claim.metadata.name,
            uid: claim.metadata.uid ?? '',
          },
        },
      });
      await complete(client, claim, name);
    }
  }
}

async function complete(client: ApiClient, claim: PersistentVolumeClaim, volumeName: string): Promise<void> {
  const { namespace, name } = claim.metadata;
  const annotations = { 'pv.kubernetes.io/bind-completed': 'yes' };
  const body = { metadata: { annotations }, spec: { volumeName } };
  await client.patch(PERSISTENT_VOLUME_CLAIMS, { namespace, name }, body, { type: 'merge' });
  const status = { phase: 'Bound' };
  await client.patch(
    PERSISTENT_VOLUME_CLAIMS,
    { namespace, name },
    { status },
    { type: 'merge', subresource: 'status' },
  );
}
