/** Services and EndpointSlices for tests, with little to write. */
import type { EndpointSlice, Service } from '../../api/types.ts';

type ServiceSpec = Partial<Service['spec']>;
type Endpoints = NonNullable<EndpointSlice['endpoints']>;
type Ports = NonNullable<EndpointSlice['ports']>;

export const CREATED = '2026-01-01T00:00:00Z';

/** A Service `namespace/name`, by default of type ClusterIP with port 80 named `p`. */
export function service(
  key: string,
  clusterIP: string,
  spec: ServiceSpec = {},
  extra: Partial<Service> = {},
): Service {
  const [namespace = '', name = ''] = key.split('/');
  return {
    apiVersion: 'v1',
    kind: 'Service',
    ...extra,
    metadata: { namespace, name, creationTimestamp: CREATED, ...extra.metadata },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      clusterIPs: [clusterIP],
      ports: [{ name: 'p', port: 80, protocol: 'TCP' }],
      ...spec,
    },
  };
}

/** A slice `namespace/name` of the Service `namespace/service`; endpoints as `10.0.0.1` or `10.0.0.1@node` or in full. */
export function slice(
  key: string,
  serviceName: string,
  endpoints: ReadonlyArray<string | Endpoints[number]>,
  ports: Ports = [{ name: 'p', port: 8080, protocol: 'TCP' }],
  extra: Partial<EndpointSlice> = {},
): EndpointSlice {
  const [namespace = '', name = ''] = key.split('/');
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    addressType: 'IPv4',
    ports,
    endpoints: endpoints.map((e) => (typeof e === 'string' ? endpoint(e) : e)),
    ...extra,
    metadata: {
      ...extra.metadata,
      namespace,
      name,
      labels: { 'kubernetes.io/service-name': serviceName, ...extra.metadata?.labels },
    },
  };
}

/** `address@node`, with conditions as the API has them. */
export function endpoint(
  text: string,
  conditions: Endpoints[number]['conditions'] = { ready: true },
): Endpoints[number] {
  const [address = '', nodeName] = text.split('@');
  return { addresses: [address], conditions, ...(nodeName === undefined ? {} : { nodeName }) };
}
