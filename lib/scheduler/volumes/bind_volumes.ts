/** Carries a volume decision out: asks the volume controller and the provisioner for it and waits until it is done. */
import type { Node, PersistentVolumeClaim } from '../../api/types.ts';
import { keyOf } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import type { ApiClient } from '../../client/client.ts';
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES } from '../../client/resource.ts';
import type { ClusterObjects } from '../framework/cluster_objects.ts';
import { isUsableOn } from './match_volume.ts';
import { isBound, SELECTED_NODE } from './pod_claims.ts';
import type { VolumeDecision } from './volume_decisions.ts';

/** Binding did not come about: the message says why. */
export class VolumeBindingError extends Error {
  override readonly name = 'VolumeBindingError';
}

interface Edge {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly objects: ClusterObjects;
}

const POLL_MS = 250;

/**
 * Writes `spec.claimRef` of existing volumes and the selected-node annotation of claims to be provisioned.
 *
 * Rejects as the API client does; a conflict means that another got there first.
 */
export async function requestBindings(
  { bindings, provisions }: VolumeDecision,
  nodeName: string,
  { client }: Edge,
  signal: AbortSignal,
): Promise<void> {
  for (const { volume, claim } of bindings) {
    const { namespace, name, uid, resourceVersion } = claim.metadata;
    const ref = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      ...(namespace === undefined ? {} : { namespace }),
      name,
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    };
    // With the volume's resourceVersion: it must not have been given to another claim meanwhile.
    const annotations = { ...volume.metadata.annotations, 'pv.kubernetes.io/bound-by-controller': 'yes' };
    const bound = {
      ...volume,
      metadata: { ...volume.metadata, annotations },
      spec: { ...volume.spec, claimRef: ref },
    };
    await client.update(PERSISTENT_VOLUMES, bound, { signal });
  }
  for (const { metadata } of provisions) {
    const { namespace, name, resourceVersion, annotations = {} } = metadata;
    if (annotations[SELECTED_NODE] === nodeName) continue; // asked for at an earlier attempt
    const version = resourceVersion === undefined ? {} : { resourceVersion };
    const body = { metadata: { ...version, annotations: { [SELECTED_NODE]: nodeName } } };
    await client.patch(PERSISTENT_VOLUME_CLAIMS, { namespace, name }, body, { type: 'merge', signal });
  }
}

/**
 * Resolves when every claim is bound to a volume that can be used on the node.
 *
 * Rejects with a VolumeBindingError when that cannot come about any more or takes longer than `timeoutMs`, and with the
 * reason of the signal.
 */
export async function waitForBindings(
  claims: readonly PersistentVolumeClaim[],
  node: Node,
  { clock, objects }: Edge,
  options: {
    readonly timeoutMs: number;
    readonly provisioned: ReadonlySet<string>;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const end = clock.monotonic() + options.timeoutMs;
  /** Claims whose annotation was seen: from then on, its going means that the provisioner gave up. */
  const asked = new Set<string>();
  for (;;) {
    const open = claims.filter((claim) => !isDone(claim, node, objects, options.provisioned, asked));
    if (open.length === 0) return;
    if (clock.monotonic() >= end)
      throw new VolumeBindingError(
        `timed out waiting for the condition: ${open.map(keyOf).join(', ')} not bound`,
      );
    await clock.sleep(POLL_MS, options.signal);
  }
}

function isDone(
  { metadata }: PersistentVolumeClaim,
  node: Node,
  objects: ClusterObjects,
  provisioned: ReadonlySet<string>,
  asked: Set<string>,
): boolean {
  const key = keyOf({ metadata });
  const claim = objects.persistentVolumeClaims.get(key);
  if (claim === undefined || claim.metadata.uid !== metadata.uid)
    throw new VolumeBindingError(`persistentvolumeclaim "${metadata.name}" not found`);
  if (!isBound(claim)) {
    const selected = claim.metadata.annotations?.[SELECTED_NODE];
    if (selected === node.metadata.name) asked.add(key);
    else if (provisioned.has(key) && (asked.has(key) || selected !== undefined))
      throw new VolumeBindingError(`provisioning failed for PVC "${metadata.name}"`);
    return false;
  }
  const volume = objects.persistentVolumes.get(claim.spec?.volumeName ?? '');
  if (volume === undefined) return false; // not seen here yet
  if (!isUsableOn(volume, node))
    throw new VolumeBindingError(
      `pv "${volume.metadata.name}" node affinity doesn't match node "${node.metadata.name}"`,
    );
  return true;
}
