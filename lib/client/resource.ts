/**
 * The API resources that the daemons use: how a type of object is addressed in URLs. A resource that is not listed
 * here is a {@link ResourceType} literal of the caller's own.
 */
import type * as api from '../api/types.ts';

/** Where objects of type `T` live in the API. */
export interface ResourceType<T extends api.KubeObject> {
  /** API group, `''` for the core group. */
  readonly group: string;
  readonly version: string;
  /** Lower-case plural, as in URLs. */
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Only for the compiler: ties the address to its type. Never set. */
  readonly _object?: T;
}

function resource<T extends api.KubeObject>(
  group: string,
  version: string,
  plural: string,
  kind: string,
  namespaced: boolean,
): ResourceType<T> {
  return Object.freeze({ group, version, plural, kind, namespaced });
}

export const PODS = resource<api.Pod>('', 'v1', 'pods', 'Pod', true);
export const NODES = resource<api.Node>('', 'v1', 'nodes', 'Node', false);
export const SERVICES = resource<api.Service>('', 'v1', 'services', 'Service', true);
export const CONFIG_MAPS = resource<api.ConfigMap>('', 'v1', 'configmaps', 'ConfigMap', true);
export const SECRETS = resource<api.Secret>('', 'v1', 'secrets', 'Secret', true);
export const NAMESPACES = resource<api.Namespace>('', 'v1', 'namespaces', 'Namespace', false);
export const SERVICE_ACCOUNTS = resource<api.ServiceAccount>(
  '',
  'v1',
  'serviceaccounts',
  'ServiceAccount',
  true,
);
export const PERSISTENT_VOLUMES = resource<api.PersistentVolume>(
  '',
  'v1',
  'persistentvolumes',
  'PersistentVolume',
  false,
);
export const PERSISTENT_VOLUME_CLAIMS = resource<api.PersistentVolumeClaim>(
  '',
  'v1',
  'persistentvolumeclaims',
  'PersistentVolumeClaim',
  true,
);
export const REPLICATION_CONTROLLERS = resource<api.ReplicationController>(
  '',
  'v1',
  'replicationcontrollers',
  'ReplicationController',
  true,
);
/** Events in their old form, core/v1; what the kubelet writes. */
export const CORE_EVENTS = resource<api.CoreV1Event>('', 'v1', 'events', 'Event', true);
/** Events in their new form, events.k8s.io/v1; what the scheduler and the proxy write. */
export const EVENTS = resource<api.EventsV1Event>('events.k8s.io', 'v1', 'events', 'Event', true);

export const DEPLOYMENTS = resource<api.Deployment>('apps', 'v1', 'deployments', 'Deployment', true);
export const REPLICA_SETS = resource<api.ReplicaSet>('apps', 'v1', 'replicasets', 'ReplicaSet', true);
export const STATEFUL_SETS = resource<api.StatefulSet>('apps', 'v1', 'statefulsets', 'StatefulSet', true);
export const DAEMON_SETS = resource<api.DaemonSet>('apps', 'v1', 'daemonsets', 'DaemonSet', true);
export const POD_DISRUPTION_BUDGETS = resource<api.PodDisruptionBudget>(
  'policy',
  'v1',
  'poddisruptionbudgets',
  'PodDisruptionBudget',
  true,
);

export const ENDPOINT_SLICES = resource<api.EndpointSlice>(
  'discovery.k8s.io',
  'v1',
  'endpointslices',
  'EndpointSlice',
  true,
);
export const SERVICE_CIDRS = resource<api.ServiceCIDR>(
  'networking.k8s.io',
  'v1',
  'servicecidrs',
  'ServiceCIDR',
  false,
);
export const LEASES = resource<api.Lease>('coordination.k8s.io', 'v1', 'leases', 'Lease', true);
export const PRIORITY_CLASSES = resource<api.PriorityClass>(
  'scheduling.k8s.io',
  'v1',
  'priorityclasses',
  'PriorityClass',
  false,
);
export const RUNTIME_CLASSES = resource<api.RuntimeClass>(
  'node.k8s.io',
  'v1',
  'runtimeclasses',
  'RuntimeClass',
  false,
);

export const CSI_NODES = resource<api.CSINode>('storage.k8s.io', 'v1', 'csinodes', 'CSINode', false);
export const CSI_DRIVERS = resource<api.CSIDriver>('storage.k8s.io', 'v1', 'csidrivers', 'CSIDriver', false);
export const CSI_STORAGE_CAPACITIES = resource<api.CSIStorageCapacity>(
  'storage.k8s.io',
  'v1',
  'csistoragecapacities',
  'CSIStorageCapacity',
  true,
);
export const STORAGE_CLASSES = resource<api.StorageClass>(
  'storage.k8s.io',
  'v1',
  'storageclasses',
  'StorageClass',
  false,
);
export const VOLUME_ATTACHMENTS = resource<api.VolumeAttachment>(
  'storage.k8s.io',
  'v1',
  'volumeattachments',
  'VolumeAttachment',
  false,
);

export const RESOURCE_SLICES = resource<api.ResourceSlice>(
  'resource.k8s.io',
  'v1',
  'resourceslices',
  'ResourceSlice',
  false,
);
export const RESOURCE_CLAIMS = resource<api.ResourceClaim>(
  'resource.k8s.io',
  'v1',
  'resourceclaims',
  'ResourceClaim',
  true,
);
export const RESOURCE_CLAIM_TEMPLATES = resource<api.ResourceClaimTemplate>(
  'resource.k8s.io',
  'v1',
  'resourceclaimtemplates',
  'ResourceClaimTemplate',
  true,
);
export const DEVICE_CLASSES = resource<api.DeviceClass>(
  'resource.k8s.io',
  'v1',
  'deviceclasses',
  'DeviceClass',
  false,
);
export const CERTIFICATE_SIGNING_REQUESTS = resource<api.CertificateSigningRequest>(
  'certificates.k8s.io',
  'v1',
  'certificatesigningrequests',
  'CertificateSigningRequest',
  false,
);
export const CLUSTER_TRUST_BUNDLES = resource<api.ClusterTrustBundle>(
  'certificates.k8s.io',
  'v1beta1',
  'clustertrustbundles',
  'ClusterTrustBundle',
  false,
);
export const POD_CERTIFICATE_REQUESTS = resource<api.PodCertificateRequest>(
  'certificates.k8s.io',
  'v1beta1',
  'podcertificaterequests',
  'PodCertificateRequest',
  true,
);

/** `v1` or `group/version`, as `apiVersion` of objects. */
export function apiVersionOf(r: { readonly group: string; readonly version: string }): string {
  return r.group === '' ? r.version : `${r.group}/${r.version}`;
}

/**
 * The URL path of a collection, an object or a subresource. Every part from outside is percent-encoded.
 *
 * @param namespace required to address one object of a namespaced resource; left out of a list, it means all
 */
export function resourcePath(
  r: ResourceType<api.KubeObject>,
  key: { readonly namespace?: string | undefined; readonly name?: string; readonly subresource?: string },
): string {
  const base = r.group === '' ? `/api/${r.version}` : `/apis/${r.group}/${r.version}`;
  const { namespace, name, subresource } = key;
  if (r.namespaced && name !== undefined && (namespace === undefined || namespace === '')) {
    throw new TypeError(`${r.kind} ${JSON.stringify(name)}: namespace is required`);
  }
  let path = base;
  if (r.namespaced && namespace !== undefined && namespace !== '') {
    path += `/namespaces/${segment(namespace, 'namespace')}`;
  }
  path += `/${r.plural}`;
  if (name !== undefined) path += `/${segment(name, 'name')}`;
  if (subresource !== undefined) path += `/${subresource.split('/').map(encodeURIComponent).join('/')}`;
  return path;
}

// A name of '.' or '..' (or an empty one) would address something else after URL normalisation.
function segment(value: string, field: string): string {
  if (value === '' || value === '.' || value === '..' || value.includes('/')) {
    throw new TypeError(`${field} ${JSON.stringify(value)}: must not be empty, ".", ".." or contain a slash`);
  }
  return encodeURIComponent(value);
}
