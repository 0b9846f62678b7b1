/** The objects beside nodes and pods that plugins look at, as last seen in the API. */
import type * as api from '../../api/types.ts';
import type { Indexers, ReadonlyStore } from '../../client/store.ts';
import { Store } from '../../client/store.ts';

/** The index that namespaced stores are asked by. */
export function byNamespace<T extends api.KubeObject>(): Indexers<T> {
  return { namespace: (object) => [object.metadata.namespace ?? ''] };
}

export interface ClusterObjects {
  readonly pods: ReadonlyStore<api.Pod>;
  readonly namespaces: ReadonlyStore<api.Namespace>;
  /** This and the following four are indexed {@link byNamespace}. */
  readonly services: ReadonlyStore<api.Service>;
  readonly replicationControllers: ReadonlyStore<api.ReplicationController>;
  readonly replicaSets: ReadonlyStore<api.ReplicaSet>;
  readonly statefulSets: ReadonlyStore<api.StatefulSet>;
  readonly podDisruptionBudgets: ReadonlyStore<api.PodDisruptionBudget>;
  readonly persistentVolumes: ReadonlyStore<api.PersistentVolume>;
  readonly persistentVolumeClaims: ReadonlyStore<api.PersistentVolumeClaim>;
  readonly storageClasses: ReadonlyStore<api.StorageClass>;
  readonly csiNodes: ReadonlyStore<api.CSINode>;
  readonly csiDrivers: ReadonlyStore<api.CSIDriver>;
  readonly csiStorageCapacities: ReadonlyStore<api.CSIStorageCapacity>;
  readonly volumeAttachments: ReadonlyStore<api.VolumeAttachment>;
}

/** Writable, empty ones: for a cluster that exists only in memory. */
export type ClusterStores = { readonly [K in keyof ClusterObjects]: ClusterObjects[K] & StoreOf<K> };
type StoreOf<K extends keyof ClusterObjects> =
  ClusterObjects[K] extends ReadonlyStore<infer T> ? Store<T> : never;

export function emptyClusterStores(): ClusterStores {
  return {
    pods: new Store(),
    namespaces: new Store(),
    services: new Store(byNamespace()),
    replicationControllers: new Store(byNamespace()),
    replicaSets: new Store(byNamespace()),
    statefulSets: new Store(byNamespace()),
    podDisruptionBudgets: new Store(byNamespace()),
    persistentVolumes: new Store(),
    persistentVolumeClaims: new Store(),
    storageClasses: new Store(),
    csiNodes: new Store(),
    csiDrivers: new Store(),
    csiStorageCapacities: new Store(),
    volumeAttachments: new Store(),
  };
}
