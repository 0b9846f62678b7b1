/** Classes, volumes and claims by chance: bound, to be bound, to be made, and impossible ones. */
import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
} from '../../lib/api/types.ts';
import type { NewObject } from '../../lib/client/client.ts';
import type { Random } from './random.ts';

export interface Storage {
  readonly classes: readonly NewObject<StorageClass>[];
  readonly drivers: readonly NewObject<CSIDriver>[];
  readonly csiNodes: readonly NewObject<CSINode>[];
  readonly capacities: readonly NewObject<CSIStorageCapacity>[];
  readonly volumes: readonly NewObject<PersistentVolume>[];
  readonly claims: readonly NewObject<PersistentVolumeClaim>[];
}

export const NO_STORAGE: Storage = {
  classes: [],
  drivers: [],
  csiNodes: [],
  capacities: [],
  volumes: [],
  claims: [],
};

/** Claims per namespace; pods may name one more, which is missing. */
export const CLAIMS = 6;

export function claimNames(): readonly string[] {
  return Array.from({ length: CLAIMS }, (_, i) => `claim-${i}`);
}

const ZONE = 'topology.kubernetes.io/zone';
const HOST = 'kubernetes.io/hostname';
const DRIVER = 'csi.example.com';
const TIGHT = 'tight.example.com';
const CLASSES = ['immediate', 'local', 'made', 'zonal', 'tight'] as const;

export function generateStorage(
  r: Random,
  nodes: readonly string[],
  namespaces: readonly (readonly [string, readonly string[]])[],
): Storage {
  const volumes: NewObject<PersistentVolume>[] = [];
  const claims: NewObject<PersistentVolumeClaim>[] = [];
  for (const [namespace, names] of namespaces)
    for (const name of names) {
      const isBound = r.chance(0.5);
      const volumeName = `pv-${namespace}-${name}`;
      claims.push(claim(r, namespace, name, isBound ? volumeName : undefined));
      if (isBound && !r.chance(0.05)) volumes.push(volume(r, volumeName, nodes, { namespace, name }));
    }
  for (let i = r.between(0, 4); i > 0; i--) volumes.push(volume(r, `free-${i}`, nodes));
  const storageClass = (
    name: string,
    provisioner: string,
    extra: Partial<StorageClass> = { volumeBindingMode: 'WaitForFirstConsumer' },
  ): NewObject<StorageClass> => ({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name },
    provisioner,
    ...extra,
  });
  const zones = [{ matchLabelExpressions: [{ key: ZONE, values: ['z1'] }] }];
  return {
    volumes,
    claims,
    classes: [
      storageClass('immediate', DRIVER, {}),
      storageClass('local', 'kubernetes.io/no-provisioner'),
      storageClass('made', DRIVER),
      storageClass('zonal', DRIVER, { volumeBindingMode: 'WaitForFirstConsumer', allowedTopologies: zones }),
      storageClass('tight', TIGHT),
    ],
    drivers: [
      {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'CSIDriver',
        metadata: { name: TIGHT },
        spec: { storageCapacity: true },
      },
    ],
    capacities: ['z1', 'z2'].map((zone) => ({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSIStorageCapacity',
      metadata: { namespace: 'team-a', name: `capacity-${zone}` },
      storageClassName: 'tight',
      nodeTopology: { matchLabels: { [ZONE]: zone } },
      capacity: r.pick(['1Gi', '10Gi']),
    })),
    csiNodes: r.some(nodes, 0.4).map((name) => ({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSINode',
      metadata: { name },
      spec: { drivers: [{ name: DRIVER, nodeID: name, allocatable: { count: r.between(1, 3) } }] },
    })),
  };
}

function claim(
  r: Random,
  namespace: string,
  name: string,
  volumeName: string | undefined,
): NewObject<PersistentVolumeClaim> {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      namespace,
      name,
      ...(volumeName === undefined ? {} : { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }),
    },
    spec: {
      accessModes: [r.chance(0.2) ? 'ReadWriteOncePod' : 'ReadWriteOnce'],
      storageClassName: r.pick(CLASSES),
      resources: { requests: { storage: r.pick(['1Gi', '5Gi']) } },
      ...(volumeName === undefined ? {} : { volumeName }),
    },
    ...(volumeName === undefined ? {} : { status: { phase: 'Bound' } }),
  };
}

function volume(
  r: Random,
  name: string,
  nodes: readonly string[],
  claimRef?: { readonly namespace: string; readonly name: string },
): NewObject<PersistentVolume> {
  const [first = '', ...others] = nodes;
  const term = r.chance(0.5)
    ? { key: HOST, operator: 'In', values: r.some(nodes, 0.5).concat(r.pick([first, ...others])) }
    : { key: ZONE, operator: 'In', values: [r.pick(['z1', 'z2', 'z3'])] };
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, ...(r.chance(0.25) ? { labels: { [ZONE]: r.pick(['z1', 'z2', 'z1__z2']) } } : {}) },
    spec: {
      capacity: { storage: r.pick(['1Gi', '5Gi', '8Gi']) },
      accessModes: [r.chance(0.8) ? 'ReadWriteOnce' : 'ReadWriteOncePod'],
      storageClassName: claimRef === undefined ? 'local' : r.pick(CLASSES),
      csi: { driver: DRIVER, volumeHandle: name },
      ...(r.chance(0.5)
        ? { nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [term] }] } } }
        : {}),
      ...(claimRef === undefined
        ? {}
        : { claimRef: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', ...claimRef } }),
    },
    status: { phase: claimRef === undefined ? 'Available' : 'Bound' },
  };
}
