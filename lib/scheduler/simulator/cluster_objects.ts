/** The objects of a cluster as they were given, sorted by kind, checked, and completed as the API server would have. */
import type * as api from '../../api/types.ts';
import { keyOf } from '../../api/types.ts';
import { isObject } from '../../component/config/schema.ts';
import type { Classes } from './admission.ts';
import { completeNode, completePod } from './admission.ts';
import type { Found } from './documents.ts';
import { InputError } from './documents.ts';
import { CHECKS, METADATA } from './object_checks.ts';

/** The kinds that count; all others are let be. */
interface Kinds {
  readonly Node: api.Node;
  readonly Pod: api.Pod;
  readonly Namespace: api.Namespace;
  readonly Service: api.Service;
  readonly ReplicationController: api.ReplicationController;
  readonly ReplicaSet: api.ReplicaSet;
  readonly Deployment: api.Deployment;
  readonly StatefulSet: api.StatefulSet;
  readonly DaemonSet: api.DaemonSet;
  readonly Job: api.Job;
  readonly PodDisruptionBudget: api.PodDisruptionBudget;
  readonly PriorityClass: api.PriorityClass;
  readonly RuntimeClass: api.RuntimeClass;
  readonly PersistentVolume: api.PersistentVolume;
  readonly PersistentVolumeClaim: api.PersistentVolumeClaim;
  readonly StorageClass: api.StorageClass;
  readonly CSINode: api.CSINode;
  readonly CSIDriver: api.CSIDriver;
  readonly CSIStorageCapacity: api.CSIStorageCapacity;
  readonly VolumeAttachment: api.VolumeAttachment;
}
type KindName = keyof Kinds;

const CLUSTER_SCOPED: ReadonlySet<string> = new Set([
  'Node',
  'Namespace',
  'PriorityClass',
  'RuntimeClass',
  'PersistentVolume',
  'StorageClass',
  'CSINode',
  'CSIDriver',
  'VolumeAttachment',
]);
/** API groups of the kinds: a kind of the same name in another group is not meant. */
const GROUPS: Readonly<Record<KindName, string>> = {
  Node: '',
  Pod: '',
  Namespace: '',
  Service: '',
  ReplicationController: '',
  ReplicaSet: 'apps',
  Deployment: 'apps',
  StatefulSet: 'apps',
  DaemonSet: 'apps',
  Job: 'batch',
  PodDisruptionBudget: 'policy',
  PriorityClass: 'scheduling.k8s.io',
  RuntimeClass: 'node.k8s.io',
  PersistentVolume: '',
  PersistentVolumeClaim: '',
  StorageClass: 'storage.k8s.io',
  CSINode: 'storage.k8s.io',
  CSIDriver: 'storage.k8s.io',
  CSIStorageCapacity: 'storage.k8s.io',
  VolumeAttachment: 'storage.k8s.io',
};

export class GivenObjects {
  readonly #byKind = new Map<
    string,
    Map<string, { readonly object: api.KubeObject; readonly where: string }>
  >();
  /** How many objects of kinds that do not count there were. */
  readonly ignored = new Map<string, number>();

  /** In the order in which they were given. */
  of<K extends KindName>(kind: K): readonly Kinds[K][] {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- put() files objects by kind, after the check of that kind
    return Array.from(this.#byKind.get(kind)?.values() ?? [], ({ object }) => object as Kinds[K]);
  }

  get<K extends KindName>(kind: K, key: string): Kinds[K] | undefined {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see of()
    return this.#byKind.get(kind)?.get(key)?.object as Kinds[K] | undefined;
  }

  /** Where the object stands, for messages. */
  whereIs(kind: KindName, key: string): string {
    return this.#byKind.get(kind)?.get(key)?.where ?? 'made by the simulation';
  }

  /** Adds the object or replaces the one of the same name. */
  put<K extends KindName>(kind: K, object: Kinds[K], where = this.whereIs(kind, keyOf(object))): void {
    const objects = this.#byKind.get(kind) ?? new Map<string, { object: api.KubeObject; where: string }>();
    objects.set(keyOf(object), { object, where });
    this.#byKind.set(kind, objects);
  }
}

/**
 * @param classes where priority and runtime classes are looked up; default: among the objects themselves
 * @throws InputError at the first object that is wrong
 */
export function givenObjects(found: readonly Found[], classes?: Classes): GivenObjects {
  const given = new GivenObjects();
  for (const { object, where } of found) {
    const { apiVersion, kind } = object;
    if (typeof kind !== 'string' || kind === '') throw new InputError(`${where}: field "kind" is required`);
    if (typeof apiVersion !== 'string' || apiVersion === '')
      throw new InputError(`${where}: field "apiVersion" is required`);
    const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
    if (!isKind(kind) || GROUPS[kind] !== group) {
      given.ignored.set(kind, (given.ignored.get(kind) ?? 0) + 1);
      continue;
    }
    accept(given, kind, object, where);
  }
  for (const node of given.of('Node')) given.put('Node', completeNode(node));
  for (const pod of given.of('Pod')) {
    const where = `${given.whereIs('Pod', keyOf(pod))} (Pod ${keyOf(pod)})`;
    given.put('Pod', completePod(pod, classes ?? given, where));
  }
  return given;
}

function isKind(kind: string): kind is KindName {
  return Object.hasOwn(GROUPS, kind);
}

function accept(
  given: GivenObjects,
  kind: KindName,
  object: Readonly<Record<string, unknown>>,
  where: string,
): void {
  const complete = withoutNulls(object);
  const metadata = isObject(complete['metadata']) ? complete['metadata'] : undefined;
  const name = typeof metadata?.['name'] === 'string' ? metadata['name'] : '?';
  const place = `${where} (${kind} ${name})`;
  if (metadata === undefined) throw new InputError(`${place}: field "metadata" is required`);
  const problem = METADATA(metadata, 'metadata') ?? CHECKS[kind]?.(complete, '');
  if (problem !== undefined) throw new InputError(`${place}: field "${problem.path}": ${problem.message}`);
  const namespace = typeof metadata['namespace'] === 'string' ? metadata['namespace'] : 'default';
  const identity = CLUSTER_SCOPED.has(kind) ? {} : { namespace };
  const key = CLUSTER_SCOPED.has(kind) ? name : `${namespace}/${name}`;
  // What was written by hand has no uid, but owners and claims are told apart by it.
  const uid = metadata['uid'] ?? `${kind}:${key}`;
  const before = given.get(kind, key);
  if (before !== undefined && before.metadata.uid !== uid)
    throw new InputError(`${place}: ${kind} ${key} stands in ${given.whereIs(kind, key)} already`);
  if (before !== undefined && metadata['uid'] === undefined)
    throw new InputError(`${place}: ${kind} ${key} stands in ${given.whereIs(kind, key)} already`);
  const checked: unknown = { ...complete, metadata: { ...metadata, ...identity, uid } };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- CHECKS[kind] has looked at every field that scheduling reads
  given.put(kind, checked as Kinds[KindName], where);
}

/** `null` counts as absent, as it does for the API server. Empty objects stay: they mean something. */
function withoutNulls(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const clean = (v: unknown): unknown => {
    if (Array.isArray(v)) return v.map(clean);
    return isObject(v) ? withoutNulls(v) : v;
  };
  return Object.fromEntries(
    Object.entries(value).flatMap(([k, v]) => (v === null || k === 'managedFields' ? [] : [[k, clean(v)]])),
  );
}
