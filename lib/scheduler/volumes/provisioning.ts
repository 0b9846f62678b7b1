/** Whether a volume can be made for a claim on a node. */
import type { Quantity } from '../../api/quantity.ts';
import { parseQuantity, tryParseQuantity } from '../../api/quantity.ts';
import { labelSelector } from '../../api/selector.ts';
import type { CSIStorageCapacity, Node, PersistentVolumeClaim } from '../../api/types.ts';
import type { ClusterObjects } from '../framework/cluster_objects.ts';
import { requestOf, storageClassOf } from './pod_claims.ts';

const NO_PROVISIONER = 'kubernetes.io/no-provisioner';

/** `topology`: no provisioner, or not there; `capacity`: the driver reports too little room. */
export type ProvisioningProblem = 'topology' | 'capacity';

/** It can be made. */
export interface Provisioning {
  /** What the driver has left for the node; absent: it does not tell. */
  readonly room?: Quantity;
}

export function provisioning(
  claim: PersistentVolumeClaim,
  node: Node,
  objects: ClusterObjects,
): Provisioning | ProvisioningProblem {
  const storageClass = storageClassOf(claim, objects);
  const provisioner = storageClass?.provisioner ?? '';
  if (storageClass === undefined || provisioner === '' || provisioner === NO_PROVISIONER) return 'topology';
  const labels = node.metadata.labels ?? {};
  const allowed = storageClass.allowedTopologies ?? [];
  const isAllowed = allowed.some((term) =>
    (term.matchLabelExpressions ?? []).every(({ key, values }) => values.includes(labels[key] ?? '')),
  );
  if (allowed.length > 0 && !isAllowed) return 'topology';
  if (objects.csiDrivers.get(provisioner)?.spec.storageCapacity !== true) return {};
  const wanted = requestOf(claim);
  const name = storageClass.metadata.name;
  const found = objects.csiStorageCapacities
    .list()
    .find((c) => c.storageClassName === name && sizeOf(c).cmp(wanted) >= 0 && isReachable(c, labels));
  if (found === undefined) return 'capacity';
  const room = tryParseQuantity(found.capacity);
  return room === undefined ? {} : { room };
}

/** The largest volume that can be made. */
function sizeOf({ capacity, maximumVolumeSize }: CSIStorageCapacity): Quantity {
  return tryParseQuantity(maximumVolumeSize ?? capacity) ?? parseQuantity('-1');
}

function isReachable(
  { nodeTopology }: CSIStorageCapacity,
  labels: Readonly<Record<string, string>>,
): boolean {
  return nodeTopology !== undefined && labelSelector(nodeTopology).matches(labels);
}
