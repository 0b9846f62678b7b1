/**
 * What the stores keep of Services and EndpointSlices: the fields that the tracker reads, and what identifies an object.
 * As the apiserver sends them, 10,000 Services with three endpoints take 25 MB, so 9.
 */
import type { EndpointSlice, Service } from '../../api/types.ts';
import { LAST_CHANGE_ANNOTATION, SERVICE_NAME_LABEL } from './endpoint_slices.ts';
import { HEADLESS_LABEL, SERVICE_PROXY_NAME_LABEL } from './service_ports.ts';

type Metadata = Service['metadata'];

const LABELS = [SERVICE_NAME_LABEL, SERVICE_PROXY_NAME_LABEL, HEADLESS_LABEL] as const;

export function storedService({ metadata, spec, status }: Service): Service {
  const ingress = status?.loadBalancer?.ingress;
  const { ports, selector: _selector, ...rest } = spec;
  return {
    metadata: storedMetadata(metadata),
    spec: { ...rest, ...(ports === undefined ? {} : { ports }) },
    ...(ingress === undefined ? {} : { status: { loadBalancer: { ingress } } }),
  };
}

export function storedSlice({ metadata, addressType, ports, endpoints }: EndpointSlice): EndpointSlice {
  const kept = (endpoints ?? []).map(({ addresses, conditions, hints, nodeName }) => ({
    addresses: addresses.slice(0, 1),
    ...(conditions === undefined ? {} : { conditions }),
    ...(hints === undefined ? {} : { hints }),
    ...(nodeName === undefined ? {} : { nodeName }),
  }));
  return {
    metadata: storedMetadata(metadata),
    addressType,
    endpoints: kept,
    ...(ports === undefined ? {} : { ports }),
  };
}

function storedMetadata({
  namespace,
  name,
  uid,
  resourceVersion,
  creationTimestamp,
  labels,
  annotations,
}: Metadata): Metadata {
  const time = annotations?.[LAST_CHANGE_ANNOTATION];
  const kept = LABELS.flatMap((label) => {
    const value = labels?.[label];
    return value === undefined ? [] : [[label, value] as const];
  });
  return {
    ...(namespace === undefined ? {} : { namespace }),
    name,
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(kept.length === 0 ? {} : { labels: Object.fromEntries(kept) }),
    ...(time === undefined ? {} : { annotations: { [LAST_CHANGE_ANNOTATION]: time } }),
  };
}
