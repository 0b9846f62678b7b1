/**
 * A cluster in memory: the API calls of the scheduler change it at once, and controllers (volumes, disruption budgets,
 * owners of evicted pods) do at once what they would have done in time.
 */
import { controllerOf, isMirror, isTerminal } from '../../api/pod.ts';
import type { KubeObject, Node, PersistentVolumeClaim, Pod, PodCondition } from '../../api/types.ts';
import { keyOf } from '../../api/types.ts';
import type { ApiClient, KubeList, ObjectKey } from '../../client/client.ts';
import { ApiError } from '../../client/errors.ts';
import { fakeClient } from '../../client/fake_client.ts';
import type { ResourceType } from '../../client/resource.ts';
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS } from '../../client/resource.ts';
import type { Store } from '../../client/store.ts';
import { isObject } from '../../component/config/schema.ts';
import type { AssembledScheduler } from '../assemble_scheduler.ts';
import type { ClusterStores } from '../framework/cluster_objects.ts';
import { emptyClusterStores } from '../framework/cluster_objects.ts';
import { SELECTED_NODE } from '../volumes/pod_claims.ts';
import { Budgets } from './budgets.ts';
import type { GivenObjects } from './cluster_objects.ts';
import {
  bindImmediateClaims,
  boundClaim,
  provisionedVolume,
  withEphemeralClaims,
} from './simulated_volumes.ts';

type Listener = Pick<AssembledScheduler, 'handlers' | 'queue'>;

/** Does not exist in the cluster. */
const notFound = (what: string): ApiError =>
  new ApiError(`${what} not found`, { status: 404, reason: 'NotFound' });

export class SimulatedCluster {
  readonly stores: ClusterStores = emptyClusterStores();
  readonly nodes = new Map<string, Node>();
  readonly budgets: Budgets;
  readonly client: ApiClient;
  /** Grows with every pod that is bound or goes. */
  changes = 0;
  /** Pods that their controller made anew, by uid: what became of the old one. */
  readonly recreated = new Map<string, Pod>();
  #listener: Listener | undefined;

  constructor(given: GivenObjects) {
    const { stores } = this;
    const fill = <T extends KubeObject>(store: Store<T>, objects: readonly T[]): void => {
      for (const object of objects) store.put(object);
    };
    for (const node of given.of('Node')) this.nodes.set(node.metadata.name, node);
    fill(stores.namespaces, given.of('Namespace'));
    fill(stores.services, given.of('Service'));
    fill(stores.replicationControllers, given.of('ReplicationController'));
    fill(stores.replicaSets, given.of('ReplicaSet'));
    fill(stores.statefulSets, given.of('StatefulSet'));
    fill(stores.storageClasses, given.of('StorageClass'));
    fill(stores.csiNodes, given.of('CSINode'));
    fill(stores.csiDrivers, given.of('CSIDriver'));
    fill(stores.csiStorageCapacities, given.of('CSIStorageCapacity'));
    fill(stores.volumeAttachments, given.of('VolumeAttachment'));
    fill(
      stores.persistentVolumes,
      // One that was written by hand has no status, and is free.
      given
        .of('PersistentVolume')
        .map((v) => (v.status === undefined ? { ...v, status: { phase: 'Available' } } : v)),
    );
    fill(stores.persistentVolumeClaims, given.of('PersistentVolumeClaim'));
    // Those that have ended hold nothing any more; a dump has them, the scheduler never sees them.
    const alive = given.of('Pod').filter((pod) => !isTerminal(pod));
    fill(stores.pods, alive);
    fill(stores.persistentVolumeClaims, withEphemeralClaims(stores));
    // Namespaces that only their objects mention exist too; affinity asks for their labels.
    for (const pod of alive) {
      const { namespace: name = 'default' } = pod.metadata;
      if (stores.namespaces.get(name) === undefined)
        stores.namespaces.put({ metadata: { name, labels: { 'kubernetes.io/metadata.name': name } } });
    }
    bindImmediateClaims(stores);
    this.budgets = new Budgets(stores.podDisruptionBudgets, given.of('PodDisruptionBudget'), alive);
    this.client = this.#createClient();
  }

  /** From now on the scheduler is told of every change. */
  connect(listener: Listener): void {
    this.#listener = listener;
    for (const node of this.nodes.values()) listener.handlers.nodes.add?.(node);
    for (const pod of this.stores.pods.list()) if (isPlaced(pod)) listener.handlers.pods.add?.(pod);
  }

  /** The pod waits for a node from now on. */
  submit(pod: Pod): void {
    this.stores.pods.put(pod);
    this.#listener?.handlers.pods.add?.(pod);
  }

  setNode(node: Node): void {
    const old = this.nodes.get(node.metadata.name);
    this.nodes.set(node.metadata.name, node);
    if (old === undefined) this.#listener?.handlers.nodes.add?.(node);
    else this.#listener?.handlers.nodes.update?.(old, node);
  }

  /** Takes the pod away; its controller, if it has one, makes it anew: returned, and not submitted yet. */
  remove(pod: Pod): Pod | undefined {
    this.stores.pods.remove(keyOf(pod));
    this.changes++;
    if (isPlaced(pod)) this.budgets.ended(pod);
    this.#listener?.handlers.pods.delete?.(pod);
    const controller = controllerOf(pod.metadata);
    if (controller === undefined || controller.kind === 'Node' || isMirror(pod)) return undefined;
    const anew = madeAnew(pod);
    this.recreated.set(anew.metadata.uid ?? '', pod);
    return anew;
  }

  #createClient(): ApiClient {
    return fakeClient(
      {
        get: (r, key) => this.#get(r, key),
        list: <T extends KubeObject>(r: ResourceType<T>): Promise<KubeList<T>> => {
          const store = this.#storeOf(r);
          if (store === undefined) return Promise.reject(new Error(`a simulation has no ${r.plural}`));
          return Promise.resolve({ metadata: {}, items: store.list() });
        },
        createSubresource: (r, key, subresource, body) => {
          if (subresource !== 'binding' || r.plural !== PODS.plural)
            return Promise.reject(new Error(`a simulation has no ${r.plural}/${subresource}`));
          this.#bind(key, targetOf(body));
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a binding is answered by a Status, which nobody reads
          return Promise.resolve({ status: 'Success' } as never);
        },
        update: (r, object) => {
          if (r.plural !== PERSISTENT_VOLUMES.plural)
            return Promise.reject(new Error(`a simulation cannot update ${r.plural}`));
          this.#giveVolume(object);
          return Promise.resolve(object);
        },
        patch: async (r, key, body) => {
          if (r.plural === PODS.plural) this.#patchPod(key, body);
          else if (r.plural === PERSISTENT_VOLUME_CLAIMS.plural) this.#provision(key, body);
          else throw new Error(`a simulation cannot patch ${r.plural}`);
          return await this.#get(r, key);
        },
        delete: (r, key) => {
          if (r.plural !== PODS.plural)
            return Promise.reject(new Error(`a simulation cannot delete ${r.plural}`));
          const pod = this.stores.pods.get(pathOf(key));
          if (pod === undefined) return Promise.reject(notFound(`pods "${key.name}"`));
          const anew = this.remove(pod);
          if (anew !== undefined) this.submit(anew);
          return Promise.resolve();
        },
      },
      'a simulation has no API server',
    );
  }

  #storeOf<T extends KubeObject>(r: ResourceType<T>): Store<T> | undefined {
    const stores: Readonly<Record<string, unknown>> = {
      pods: this.stores.pods,
      persistentvolumes: this.stores.persistentVolumes,
      persistentvolumeclaims: this.stores.persistentVolumeClaims,
      namespaces: this.stores.namespaces,
      services: this.stores.services,
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the plural names the type of the objects
    return stores[r.plural] as Store<T> | undefined;
  }

  #get<T extends KubeObject>(r: ResourceType<T>, key: ObjectKey): Promise<T> {
    const object = this.#storeOf(r)?.get(pathOf(key));
    return object === undefined
      ? Promise.reject(notFound(`${r.plural} "${key.name}"`))
      : Promise.resolve(object);
  }

  #bind(key: ObjectKey, nodeName: string): void {
    const old = this.stores.pods.get(pathOf(key));
    if (old === undefined) throw notFound(`pods "${key.name}"`);
    if (isPlaced(old))
      throw new ApiError(`pod ${key.name} is already assigned to node "${old.spec.nodeName ?? ''}"`, {
        status: 409,
        reason: 'Conflict',
      });
    const { nominatedNodeName: _, ...status } = old.status ?? {};
    const pod = { ...old, spec: { ...old.spec, nodeName }, status };
    this.stores.pods.put(pod);
    this.changes++;
    this.budgets.started(pod);
    this.#listener?.handlers.pods.update?.(old, pod);
  }

  #patchPod(key: ObjectKey, body: unknown): void {
    const old = this.stores.pods.get(pathOf(key));
    if (old === undefined) throw notFound(`pods "${key.name}"`);
    const patch = isObject(body) && isObject(body['status']) ? body['status'] : {};
    const { conditions: _c, nominatedNodeName: before, ...rest } = old.status ?? {};
    const given = patch['nominatedNodeName'];
    const nominated = 'nominatedNodeName' in patch ? given : before;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the scheduler's own patch
    const conditions = (patch['conditions'] ?? old.status?.conditions ?? []) as readonly PodCondition[];
    const status = {
      ...rest,
      conditions,
      ...(typeof nominated === 'string' && nominated !== '' ? { nominatedNodeName: nominated } : {}),
    };
    const pod = { ...old, status };
    this.stores.pods.put(pod);
    this.#listener?.handlers.pods.update?.(old, pod);
  }

  /** The volume was given to a claim: the volume controller makes it known on both. */
  #giveVolume(volume: KubeObject): void {
    const old = this.stores.persistentVolumes.get(volume.metadata.name);
    if (old === undefined) throw notFound(`persistentvolumes "${volume.metadata.name}"`);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an update of persistentvolumes carries one
    const given = { ...volume, status: { phase: 'Bound' } } as typeof old;
    this.stores.persistentVolumes.put(given);
    const { namespace = '', name = '' } = given.spec?.claimRef ?? {};
    this.#claimBound(`${namespace}/${name}`, given.metadata.name);
  }

  #provision(key: ObjectKey, body: unknown): void {
    const claim = this.stores.persistentVolumeClaims.get(pathOf(key));
    if (claim === undefined) throw notFound(`persistentvolumeclaims "${key.name}"`);
    const metadata = isObject(body) && isObject(body['metadata']) ? body['metadata'] : {};
    const annotations = isObject(metadata['annotations']) ? metadata['annotations'] : {};
    const selected = annotations[SELECTED_NODE];
    const node = typeof selected === 'string' ? this.nodes.get(selected) : undefined;
    if (node === undefined) return;
    const volume = provisionedVolume(claim, node, this.stores);
    this.stores.persistentVolumes.put(volume);
    this.#listener?.queue.moveForEvent('PersistentVolumeAdd', { new: volume });
    this.#claimBound(keyOf(claim), volume.metadata.name);
  }

  #claimBound(key: string, volumeName: string): void {
    const old: PersistentVolumeClaim | undefined = this.stores.persistentVolumeClaims.get(key);
    if (old === undefined) return;
    const claim = boundClaim(old, volumeName);
    this.stores.persistentVolumeClaims.put(claim);
    this.#listener?.queue.moveForEvent('PersistentVolumeClaimUpdate', { old, new: claim });
  }
}

export function isPlaced(pod: Pod): boolean {
  return (pod.spec.nodeName ?? '') !== '';
}

/** What the controller of the pod makes in its place: without a node, a status and the old identity. */
function madeAnew(pod: Pod): Pod {
  const { nodeName: _, ...spec } = pod.spec;
  const { deletionTimestamp: _d, creationTimestamp: _c, ...metadata } = pod.metadata;
  return { ...pod, metadata: { ...metadata, uid: `${pod.metadata.uid ?? ''}+` }, spec, status: {} };
}

function pathOf({ namespace, name }: ObjectKey): string {
  return keyOf({ metadata: { name, ...(namespace === undefined ? {} : { namespace }) } });
}

function targetOf(binding: unknown): string {
  const target = isObject(binding) && isObject(binding['target']) ? binding['target'] : {};
  return typeof target['name'] === 'string' ? target['name'] : '';
}
