/** The informers of everything that a decision is made from. */
import type * as api from '../api/types.ts';
import type { Clock } from '../base/clock.ts';
import type { ApiClient } from '../client/client.ts';
import type { Informer } from '../client/informer.ts';
import { createInformer } from '../client/informer.ts';
import type { ResourceType } from '../client/resource.ts';
import * as resources from '../client/resource.ts';
import type { Indexers } from '../client/store.ts';
import type { ClusterObjects } from './framework/cluster_objects.ts';
import { byNamespace } from './framework/cluster_objects.ts';
import type { ClusterEvent } from './framework/plugin.ts';
import type { SchedulingQueue } from './queue/scheduling_queue.ts';

type InformerOf<K extends keyof ClusterObjects> = Informer<NonNullable<ReturnType<ClusterObjects[K]['get']>>>;
type Others = { readonly [K in Exclude<keyof ClusterObjects, 'pods'>]: InformerOf<K> };

export interface ClusterInformers {
  readonly nodes: Informer<api.Node>;
  readonly pods: Informer<api.Pod>;
  readonly objects: ClusterObjects;
  /** Wakes pods of the queue when other objects than nodes and pods change. */
  wake(queue: SchedulingQueue): void;
  /** Lists and watches until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when all are listed; rejects when the signal aborts. */
  synced(signal: AbortSignal): Promise<void>;
  readonly hasSynced: boolean;
}

export function clusterInformers(
  client: ApiClient,
  clock: Clock,
  onError: (err: unknown) => void,
): ClusterInformers {
  const of = <T extends api.KubeObject>(r: ResourceType<T>, indexers?: Indexers<T>): Informer<T> =>
    createInformer(client, r, { clock, onError, ...(indexers === undefined ? {} : { indexers }) });
  const nodes = createInformer(client, resources.NODES, { wholeList: true, clock, onError });
  const pods = createInformer(client, resources.PODS, {
    // Pods that have ended use nothing and need no node.
    fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed',
    wholeList: true,
    clock,
    onError,
  });
  const others: Others = {
    namespaces: of(resources.NAMESPACES),
    services: of(resources.SERVICES, byNamespace()),
    replicationControllers: of(resources.REPLICATION_CONTROLLERS, byNamespace()),
    replicaSets: of(resources.REPLICA_SETS, byNamespace()),
    statefulSets: of(resources.STATEFUL_SETS, byNamespace()),
    podDisruptionBudgets: of(resources.POD_DISRUPTION_BUDGETS, byNamespace()),
    persistentVolumes: of(resources.PERSISTENT_VOLUMES),
    persistentVolumeClaims: of(resources.PERSISTENT_VOLUME_CLAIMS),
    storageClasses: of(resources.STORAGE_CLASSES),
    csiNodes: of(resources.CSI_NODES),
    csiDrivers: of(resources.CSI_DRIVERS),
    csiStorageCapacities: of(resources.CSI_STORAGE_CAPACITIES),
    volumeAttachments: of(resources.VOLUME_ATTACHMENTS),
  };
  const all: readonly Pick<Informer<api.Node>, 'run' | 'synced' | 'hasSynced'>[] = [
    nodes,
    pods,
    ...Object.values(others),
  ];
  return {
    nodes,
    pods,
    objects: {
      pods: pods.store,
      namespaces: others.namespaces.store,
      services: others.services.store,
      replicationControllers: others.replicationControllers.store,
      replicaSets: others.replicaSets.store,
      statefulSets: others.statefulSets.store,
      podDisruptionBudgets: others.podDisruptionBudgets.store,
      persistentVolumes: others.persistentVolumes.store,
      persistentVolumeClaims: others.persistentVolumeClaims.store,
      storageClasses: others.storageClasses.store,
      csiNodes: others.csiNodes.store,
      csiDrivers: others.csiDrivers.store,
      csiStorageCapacities: others.csiStorageCapacities.store,
      volumeAttachments: others.volumeAttachments.store,
    },
    wake(queue) {
      for (const { kind, add, update, remove } of WAKING) {
        const move = (event: ClusterEvent | undefined, old?: api.KubeObject, now?: api.KubeObject): void => {
          if (event === undefined || !queue.hasWaiting) return;
          queue.moveForEvent(event, {
            ...(old === undefined ? {} : { old }),
            ...(now === undefined ? {} : { new: now }),
          });
        };
        const informer: Pick<Informer<api.KubeObject>, 'addHandler'> = others[kind];
        informer.addHandler({
          add: (object) => move(add, undefined, object),
          update: (old, object) => move(update, old, object),
          delete: (object) => move(remove, object),
        });
      }
    },
    async run(signal) {
      await Promise.all(all.map((informer) => informer.run(signal)));
    },
    async synced(signal) {
      await Promise.all(all.map((informer) => informer.synced(signal)));
    },
    get hasSynced() {
      return all.every((informer) => informer.hasSynced);
    },
  };
}

/** Which events the changes of other objects are. */
const WAKING: readonly {
  readonly kind: keyof Others;
  readonly add?: ClusterEvent;
  readonly update?: ClusterEvent;
  readonly remove?: ClusterEvent;
}[] = [
  { kind: 'namespaces', add: 'NamespaceUpdate', update: 'NamespaceUpdate' },
  { kind: 'persistentVolumes', add: 'PersistentVolumeAdd', update: 'PersistentVolumeUpdate' },
  { kind: 'persistentVolumeClaims', add: 'PersistentVolumeClaimAdd', update: 'PersistentVolumeClaimUpdate' },
  { kind: 'storageClasses', add: 'StorageClassAdd', update: 'StorageClassAdd' },
  { kind: 'csiNodes', add: 'CSINodeAdd', update: 'CSINodeUpdate' },
  { kind: 'csiDrivers', add: 'CSIDriverUpdate', update: 'CSIDriverUpdate' },
  {
    kind: 'csiStorageCapacities',
    add: 'CSIStorageCapacityUpdate',
    update: 'CSIStorageCapacityUpdate',
  },
  { kind: 'volumeAttachments', remove: 'VolumeAttachmentDelete' },
];
