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

/** Undefined when it can. */
export function provisioningProblem(
  claim: PersistentVolumeClaim,
  node: Node,
  objects: ClusterObjects,
): ProvisioningProblem | undefined {
  const storageClass = storageClassOf(claim, objects);
  const provisioner = storageClass?.provisioner ?? '';
  if (storageClass === undefined || provisioner === '' || provisioner === NO_PROVISIONER) return 'topology';
  const labels = node.metadata.labels ?? {};
  const allowed = storageClass.allowedTopologies ?? [];
  const isAllowed = allowed.some((term) =>
    (term.matchLabelExpressions ?? []).every(({ key, values }) => values.includes(labels[key] ?? '')),
  );
  if (allowed.length > 0 && !isAllowed) return 'topology';
  if (objects.csiDrivers.get(provisioner)?.spec.storageCapacity !== true) return undefined;
  const wanted = requestOf(claim);
  const name = storageClass.metadata.name;
  const hasRoom = objects.csiStorageCapacities
    .list()
    .some((c) => c.storageClassName === name && sizeOf(c).cmp(wanted) >= 0 && isReachable(c, labels));
  return hasRoom ? undefined : 'capacity';
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
