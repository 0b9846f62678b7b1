/** Reads EndpointSlices and merges those of one Service into its endpoints. */
import type { Endpoint as ApiEndpoint, EndpointSlice } from '../../api/types.ts';
import type { Family } from '../model/address.ts';
import { hostPort, parseAddress, unroutableReason } from '../model/address.ts';
import { compact } from '../model/plan.ts';
import type { Endpoint, Protocol, ServicePort } from '../model/service_port.ts';
import type { InputProblem } from './service_ports.ts';
import { HEADLESS_LABEL, SERVICE_PROXY_NAME_LABEL, isPort } from './service_ports.ts';

/** The Service that the slice belongs to. */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';
/** When the change that the slice brings began, RFC 3339; for network programming latency. */
export const LAST_CHANGE_ANNOTATION = 'endpoints.kubernetes.io/last-change-trigger-time';

/** The part of a slice that rules depend on. */
export interface SliceEndpoints {
  /** `namespace/name` of the Service. */
  readonly serviceKey: string;
  readonly family: Family;
  readonly ports: ReadonlyArray<{
    readonly name: string;
    readonly protocol: Protocol;
    readonly port: number;
  }>;
  readonly hosts: readonly SliceHost[];
  /** When the change that brought it began, milliseconds since the epoch; undefined when it does not say. */
  readonly changeBegan: number | undefined;
  readonly problems: readonly InputProblem[];
}

type SliceHost = Omit<Endpoint, 'port' | 'address' | 'isLocal'>;

/** Reads one slice; `undefined` when it is none of this proxy's business. */
export function readSlice(slice: EndpointSlice): SliceEndpoints | undefined {
  const { labels, namespace } = slice.metadata;
  const service = labels?.[SERVICE_NAME_LABEL];
  if (service === undefined || service === '' || namespace === undefined) return undefined;
  if (labels?.[SERVICE_PROXY_NAME_LABEL] !== undefined || labels?.[HEADLESS_LABEL] !== undefined)
    return undefined;
  const family = slice.addressType;
  if (family !== 'IPv4' && family !== 'IPv6') return undefined;

  const problems: InputProblem[] = [];
  const ports = (slice.ports ?? []).flatMap((port, i) => {
    // A slice without port number stands for all ports, which a Service port cannot be sent to.
    if (port.port === undefined || port.port === null) return [];
    const protocol = port.protocol ?? 'TCP';
    if (isPort(port.port) && (protocol === 'TCP' || protocol === 'UDP' || protocol === 'SCTP')) {
      return [{ name: port.name ?? '', protocol, port: port.port } as const];
    }
    const got = JSON.stringify({ port: port.port, protocol });
    problems.push({
      field: `ports[${i}]`,
      message: `ports[${i}]: got ${got}, want a port from 1 to 65535 of TCP, UDP or SCTP`,
    });
    return [];
  });
  const hosts = (slice.endpoints ?? []).flatMap((endpoint, i) => {
    // Only the first address counts: the API says that all of one endpoint are the same.
    const text = endpoint.addresses[0] ?? '';
    const address = parseAddress(text);
    const unfit = address === undefined ? undefined : unroutableReason(address);
    if (address === undefined || address.family !== family || unfit !== undefined) {
      const field = `endpoints[${i}].addresses[0]`;
      const wants = `an ${family} address that is not ${unfit ?? 'malformed'}`;
      problems.push({ field, message: `${field}: got ${JSON.stringify(text)}, want ${wants}` });
      return [];
    }
    return [hostOf(endpoint, address.ip)];
  });
  return {
    serviceKey: `${namespace}/${service}`,
    family,
    ports: compact(ports),
    hosts: compact(hosts),
    changeBegan: changeBegan(slice),
    problems: compact(problems),
  };
}

function changeBegan({ metadata }: EndpointSlice): number | undefined {
  const time = Date.parse(metadata.annotations?.[LAST_CHANGE_ANNOTATION] ?? '');
  return Number.isNaN(time) ? undefined : time;
}

function hostOf(endpoint: ApiEndpoint, ip: string): SliceHost {
  const { conditions, hints, nodeName } = endpoint;
  const ready = conditions?.ready ?? true;
  return {
    ip,
    nodeName: nodeName ?? undefined,
    ready,
    serving: conditions?.serving ?? ready,
    terminating: conditions?.terminating ?? false,
    forZones: hints?.forZones?.map((zone) => zone.name),
    forNodes: hints?.forNodes?.map((node) => node.name),
  };
}

/**
 * The endpoints of one Service port from all slices of its Service: each address and port once (in several slices, while
 * an endpoint moves between them, the most useful state counts), in order of their text.
 */
export function endpointsOf(
  port: Pick<ServicePort, 'portName' | 'protocol' | 'family'>,
  slices: Iterable<SliceEndpoints>,
  nodeName: string,
): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    if (slice.family !== port.family) continue;
    for (const { name, protocol, port: number } of slice.ports) {
      if (name !== port.portName || protocol !== port.protocol) continue;
      for (const host of slice.hosts) {
        const address = hostPort(host.ip, number);
        const endpoint: Endpoint = { ...host, port: number, address, isLocal: host.nodeName === nodeName };
        const other = found.get(address);
        if (other === undefined || usefulness(endpoint) > usefulness(other)) found.set(address, endpoint);
      }
    }
  }
  return [...found.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
}

function usefulness(endpoint: Endpoint): number {
  return (endpoint.ready ? 4 : 0) + (endpoint.serving ? 2 : 0) + (endpoint.terminating ? 0 : 1);
}
