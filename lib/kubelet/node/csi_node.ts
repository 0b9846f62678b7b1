import type { CSINode } from '../../api/types.ts';
import type { ApiClient } from '../../client/client.ts';
import { isAlreadyExists, isNotFound } from '../../client/errors.ts';
import { CSI_NODES } from '../../client/resource.ts';

/** In-tree volume types that are served by CSI drivers nowadays: what the scheduler counts volumes by. */
const MIGRATED = [
  'kubernetes.io/aws-ebs',
  'kubernetes.io/azure-disk',
  'kubernetes.io/azure-file',
  'kubernetes.io/cinder',
  'kubernetes.io/gce-pd',
  'kubernetes.io/portworx-volume',
  'kubernetes.io/vsphere-volume',
];

/**
 * Makes sure that the node has a CSINode, owned by its Node; CSI drivers are entered into it as they register. One that
 * is there keeps its drivers.
 */
export async function ensureCsiNode(
  client: ApiClient,
  node: { readonly name: string; readonly uid: string },
  signal: AbortSignal,
): Promise<void> {
  const { name, uid } = node;
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid }];
  let found: CSINode | undefined;
  try {
    found = await client.get(CSI_NODES, { name }, { signal });
  } catch (err) {
    if (!isNotFound(err)) throw err;
  }
  if (found === undefined) {
    try {
      await client.create(
        CSI_NODES,
        {
          apiVersion: 'storage.k8s.io/v1',
          kind: 'CSINode',
          metadata: {
            name,
            ownerReferences,
            annotations: { 'storage.alpha.kubernetes.io/migrated-plugins': MIGRATED.join(',') },
          },
          spec: { drivers: [] },
        },
        { signal },
      );
      return;
    } catch (err) {
      if (!isAlreadyExists(err)) throw err;
      return;
    }
  }
  if (found.metadata.ownerReferences?.some((owner) => owner.uid === uid) === true) return;
  // Left by an earlier Node of the same name: with that owner it would be collected as garbage.
  await client.patch(CSI_NODES, { name }, { metadata: { ownerReferences } }, { type: 'merge', signal });
}
