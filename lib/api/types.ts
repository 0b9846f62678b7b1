/**
 * Types of API objects as the server sends them: plain JSON, timestamps as RFC 3339 strings, read-only. They are
 * derived from the generated types of `@kubernetes/client-node`, whose `Date` fields exist only after a
 * deserializer that this project does not run.
 */
import type * as k8s from '@kubernetes/client-node';

/** `T` as plain JSON: dates are strings, everything is read-only, untyped fields are `unknown`. */
export type Plain<T> = 0 extends 1 & T
  ? unknown
  : T extends Date
    ? string
    : T extends readonly (infer U)[]
      ? readonly Plain<U>[]
      : T extends object
        ? { readonly [K in keyof T]: Plain<T[K]> }
        : T;

/** Metadata of an object that the server knows: `name` is always there. */
export type ObjectMeta = Omit<Plain<k8s.V1ObjectMeta>, 'name'> & { readonly name: string };

/** Anything with metadata, as far as caches and clients need to know it. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
}

// `Required` names the fields that the API's validation guarantees.
type Kind<T, Required extends keyof T = never> = Omit<Plain<T>, 'metadata' | Required> & {
  readonly [K in Required]-?: Plain<Exclude<T[K], undefined>>;
} & { readonly metadata: ObjectMeta };

export type Pod = Kind<k8s.V1Pod, 'spec'>;
export type PodSpec = Plain<k8s.V1PodSpec>;
export type PodStatus = Plain<k8s.V1PodStatus>;
export type PodCondition = Plain<k8s.V1PodCondition>;
export type Container = Plain<k8s.V1Container>;
export type EphemeralContainer = Plain<k8s.V1EphemeralContainer>;
export type ContainerStatus = Plain<k8s.V1ContainerStatus>;
export type ContainerState = Plain<k8s.V1ContainerState>;
export type Probe = Plain<k8s.V1Probe>;
export type Volume = Plain<k8s.V1Volume>;
export type VolumeMount = Plain<k8s.V1VolumeMount>;
export type EnvVar = Plain<k8s.V1EnvVar>;
export type Toleration = Plain<k8s.V1Toleration>;
export type Taint = Plain<k8s.V1Taint>;
export type Affinity = Plain<k8s.V1Affinity>;
export type NodeSelector = Plain<k8s.V1NodeSelector>;
export type NodeSelectorTerm = Plain<k8s.V1NodeSelectorTerm>;
export type LabelSelector = Plain<k8s.V1LabelSelector>;
export type ResourceRequirements = Plain<k8s.V1ResourceRequirements>;
export type SecurityContext = Plain<k8s.V1SecurityContext>;
export type PodSecurityContext = Plain<k8s.V1PodSecurityContext>;

export type Node = Kind<k8s.V1Node>;
export type NodeSpec = Plain<k8s.V1NodeSpec>;
export type NodeStatus = Plain<k8s.V1NodeStatus>;
export type NodeCondition = Plain<k8s.V1NodeCondition>;

export type Service = Kind<k8s.V1Service, 'spec'>;
export type ServicePort = Plain<k8s.V1ServicePort>;
export type EndpointSlice = Kind<k8s.V1EndpointSlice>;
export type Endpoint = Plain<k8s.V1Endpoint>;

export type ConfigMap = Kind<k8s.V1ConfigMap>;
export type Secret = Kind<k8s.V1Secret>;
export type Namespace = Kind<k8s.V1Namespace>;
export type ServiceAccount = Kind<k8s.V1ServiceAccount>;
export type PersistentVolume = Kind<k8s.V1PersistentVolume>;
export type PersistentVolumeClaim = Kind<k8s.V1PersistentVolumeClaim>;
export type Lease = Kind<k8s.V1Lease>;
export type PriorityClass = Kind<k8s.V1PriorityClass, 'value'>;
export type RuntimeClass = Kind<k8s.V1RuntimeClass, 'handler'>;
export type CSINode = Kind<k8s.V1CSINode>;
export type StorageClass = Kind<k8s.V1StorageClass>;
export type Deployment = Kind<k8s.V1Deployment>;
export type ReplicaSet = Kind<k8s.V1ReplicaSet>;
export type DaemonSet = Kind<k8s.V1DaemonSet>;
export type Job = Kind<k8s.V1Job>;
export type EventsV1Event = Kind<k8s.EventsV1Event>;
export type CoreV1Event = Kind<k8s.CoreV1Event>;

export type VolumeAttachment = Kind<k8s.V1VolumeAttachment, 'spec'>;
export type CSIDriver = Kind<k8s.V1CSIDriver, 'spec'>;
export type CSIStorageCapacity = Kind<k8s.V1CSIStorageCapacity>;
export type ReplicationController = Kind<k8s.V1ReplicationController>;
export type StatefulSet = Kind<k8s.V1StatefulSet>;
export type PodDisruptionBudget = Kind<k8s.V1PodDisruptionBudget>;
export type ResourceSlice = Kind<k8s.V1ResourceSlice, 'spec'>;
export type ResourceClaim = Kind<k8s.ResourceV1ResourceClaim, 'spec'>;
export type ResourceClaimTemplate = Kind<k8s.V1ResourceClaimTemplate, 'spec'>;
export type DeviceClass = Kind<k8s.V1DeviceClass, 'spec'>;
export type ServiceCIDR = Kind<k8s.V1ServiceCIDR>;
export type CertificateSigningRequest = Kind<k8s.V1CertificateSigningRequest, 'spec'>;
export type ClusterTrustBundle = Kind<k8s.V1beta1ClusterTrustBundle, 'spec'>;
export type PodCertificateRequest = Kind<k8s.V1beta1PodCertificateRequest, 'spec'>;

export type TokenRequest = Plain<k8s.AuthenticationV1TokenRequest>;
export type TokenReview = Plain<k8s.V1TokenReview>;
export type SubjectAccessReview = Plain<k8s.V1SubjectAccessReview>;
export type Binding = Plain<k8s.V1Binding>;
export type Eviction = Plain<k8s.V1Eviction>;
/** What the server answers when it has no object to return: errors, deletions, bindings. */
export type Status = Plain<k8s.V1Status>;

/** Reference to an object, as events carry it (core/v1 ObjectReference). */
export type ObjectReference = Plain<k8s.V1ObjectReference>;
export type OwnerReference = Plain<k8s.V1OwnerReference>;

/** `namespace/name`, or `name` alone for cluster-scoped objects: the key of caches and queues. */
export function keyOf(object: {
  readonly metadata: { readonly namespace?: string; readonly name: string };
}): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}
