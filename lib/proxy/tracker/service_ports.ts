/** Reads Service objects into validated Service ports. What is not valid is left out and reported, never rendered. */
import type { Service } from '../../api/types.ts';
import type { Family } from '../model/address.ts';
import { AddressRange, parseAddress, unroutableReason } from '../model/address.ts';
import { compact } from '../model/plan.ts';
import type { Protocol, ServicePort } from '../model/service_port.ts';
import { servicePortId } from '../model/service_port.ts';

/** Something in an object that cannot become a rule. */
export interface InputProblem {
  /** Path of the field, e.g. `spec.externalIPs[1]`. */
  readonly field: string;
  /** One sentence: the value and what is allowed. */
  readonly message: string;
}

/** Another proxy is responsible for the Service. */
export const SERVICE_PROXY_NAME_LABEL = 'service.kubernetes.io/service-proxy-name';
/** A slice of a headless Service. On Services the label means nothing: their slices get it. */
export const HEADLESS_LABEL = 'service.kubernetes.io/headless';

const DNS_NAME = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/;
const DNS_LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const PROTOCOLS: ReadonlySet<string> = new Set(['TCP', 'UDP', 'SCTP']);
const DEFAULT_AFFINITY_SECONDS = 10_800;
const MAX_AFFINITY_SECONDS = 86_400;

export interface ServicePorts {
  readonly ports: readonly ServicePort[];
  readonly problems: readonly InputProblem[];
}

const NONE: ServicePorts = { ports: [], problems: [] };

/** True when this proxy has nothing to do for the Service: without cluster IP, ExternalName or another proxy's. */
export function isIgnoredService(service: Service): boolean {
  const labels = service.metadata.labels;
  if (labels?.[SERVICE_PROXY_NAME_LABEL] !== undefined) return true;
  const { type, clusterIP } = service.spec;
  return type === 'ExternalName' || clusterIP === undefined || clusterIP === '' || clusterIP === 'None';
}

/** All ports of the Service in all its address families. */
export function servicePortsOf(service: Service): ServicePorts {
  if (isIgnoredService(service)) return NONE;
  const problems: InputProblem[] = [];
  const { namespace = '', name } = service.metadata;
  if (!DNS_LABEL.test(namespace)) {
    return refused('metadata.namespace', namespace, 'a DNS label');
  }
  // Comments of rules hold it together with a port name, and the kernel limits them to 255 bytes.
  if (!DNS_LABEL.test(name)) return refused('metadata.name', name, 'a DNS label');

  const { spec } = service;
  const clusterIPs = spec.clusterIPs ?? [spec.clusterIP ?? ''];
  const ports: ServicePort[] = [];
  const families = new Set<Family>();
  for (const [i, text] of clusterIPs.entries()) {
    const address = usableAddress(text, `spec.clusterIPs[${i}]`, problems);
    if (address === undefined || families.has(address.family)) continue;
    families.add(address.family);
    ports.push(...portsOfFamily(service, namespace, address.family, address.ip, i === 0 ? problems : []));
  }
  return { ports: compact(ports), problems };
}

function refused(field: string, value: string, wants: string): ServicePorts {
  return { ports: [], problems: [{ field, message: wanted(field, value, wants) }] };
}

function wanted(field: string, value: unknown, wants: string): string {
  return `${field}: got ${JSON.stringify(value) ?? 'nothing'}, want ${wants}`;
}

function portsOfFamily(
  service: Service,
  namespace: string,
  family: Family,
  clusterIP: string,
  problems: InputProblem[],
): ServicePort[] {
  const { spec, status, metadata } = service;
  const ofFamily = (texts: readonly string[], field: string): readonly string[] => {
    const found = texts.map((text, i) => usableAddress(text, `${field}[${i}]`, problems));
    return compact([...new Set(found.filter((a) => a?.family === family).map((a) => a?.ip ?? ''))]);
  };
  const external = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
  const ingress = spec.type === 'LoadBalancer' ? (status?.loadBalancer?.ingress ?? []) : [];
  const loadBalancerIPs = ofFamily(
    // With ipMode Proxy the balancer delivers to node addresses, and its own address must stay reachable as such.
    ingress.filter((i) => (i.ipMode ?? 'VIP') === 'VIP').flatMap((i) => (i.ip === undefined ? [] : [i.ip])),
    'status.loadBalancer.ingress',
  );
  const shared = {
    namespace,
    name: metadata.name,
    family,
    clusterIP,
    externalIPs: ofFamily(spec.externalIPs ?? [], 'spec.externalIPs'),
    loadBalancerIPs,
    loadBalancerSourceRanges: compact(sourceRanges(spec.loadBalancerSourceRanges ?? [], family, problems)),
    affinitySeconds: affinitySeconds(service, problems),
    internalPolicyLocal: spec.internalTrafficPolicy === 'Local',
    externalPolicyLocal: spec.externalTrafficPolicy === 'Local',
    healthCheckNodePort:
      external && spec.externalTrafficPolicy === 'Local' && isPort(spec.healthCheckNodePort)
        ? spec.healthCheckNodePort
        : 0,
    created: metadata.creationTimestamp ?? '',
  };
  const ports: ServicePort[] = [];
  for (const [i, port] of (spec.ports ?? []).entries()) {
    const field = `spec.ports[${i}]`;
    const portName = port.name ?? '';
    const protocol = port.protocol ?? 'TCP';
    if (portName !== '' && !DNS_LABEL.test(portName)) {
      problems.push({ field, message: wanted(`${field}.name`, portName, 'a DNS label') });
    } else if (!isProtocol(protocol)) {
      problems.push({ field, message: wanted(`${field}.protocol`, protocol, 'TCP, UDP or SCTP') });
    } else if (!isPort(port.port)) {
      problems.push({ field, message: wanted(`${field}.port`, port.port, 'a number from 1 to 65535') });
    } else {
      const nodePort = external && isPort(port.nodePort) ? port.nodePort : 0;
      const id = servicePortId(namespace, metadata.name, portName);
      ports.push({ ...shared, portName, id, protocol, port: port.port, nodePort });
    }
  }
  return ports;
}

function isProtocol(text: string): text is Protocol {
  return PROTOCOLS.has(text);
}

/** True for a whole number from 1 to 65535. */
export function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535;
}

/** True for a name that an object of the API can have; used for names that end up in chain hashes or comments. */
export function isObjectName(text: string): boolean {
  return DNS_NAME.test(text);
}

function usableAddress(text: string, field: string, problems: InputProblem[]) {
  const address = parseAddress(text);
  const unfit = address === undefined ? undefined : unroutableReason(address);
  if (address !== undefined && unfit === undefined) return address;
  problems.push({ field, message: wanted(field, text, `an address that is not ${unfit ?? 'malformed'}`) });
  return undefined;
}

function sourceRanges(texts: readonly string[], family: Family, problems: InputProblem[]): AddressRange[] {
  const parsed = texts.map((text, i) => {
    const range = AddressRange.parse(text.trim());
    const field = `spec.loadBalancerSourceRanges[${i}]`;
    if (range === undefined) problems.push({ field, message: wanted(field, text, 'a CIDR range') });
    return range;
  });
  const mine = parsed.filter((range) => range !== undefined).filter((range) => range.family === family);
  return mine.some((range) => range.isEverything) ? [] : mine;
}

function affinitySeconds(service: Service, problems: InputProblem[]): number {
  const { sessionAffinity, sessionAffinityConfig } = service.spec;
  if (sessionAffinity !== 'ClientIP') return 0;
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS;
  if (Number.isInteger(seconds) && seconds > 0 && seconds <= MAX_AFFINITY_SECONDS) return seconds;
  const field = 'spec.sessionAffinityConfig.clientIP.timeoutSeconds';
  problems.push({ field, message: wanted(field, seconds, `a number from 1 to ${MAX_AFFINITY_SECONDS}`) });
  return DEFAULT_AFFINITY_SECONDS;
}
