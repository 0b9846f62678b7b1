/** Names in the proxy's nftables table: those of stock kube-proxy, so that one takes over from the other in place. */
import { hash as hashOnce } from 'node:crypto';
import { UnsafeTokenError } from '../iptables/rule_text.ts';
import type { Endpoint, ServicePort } from '../model/service_port.ts';

/** One table of each family, nobody else's. */
export const TABLE = 'kube-proxy';

export const SERVICE_IPS = 'service-ips';
export const SERVICE_NODE_PORTS = 'service-nodeports';
export const NO_ENDPOINT_SERVICES = 'no-endpoint-services';
export const NO_ENDPOINT_NODE_PORTS = 'no-endpoint-nodeports';
export const FIREWALL_IPS = 'firewall-ips';
export const CLUSTER_IPS = 'cluster-ips';
export const NODE_PORT_IPS = 'nodeport-ips';
export const HAIRPIN_CONNECTIONS = 'hairpin-connections';

export const SERVICES_CHAIN = 'services';
export const REJECT_CHAIN = 'reject-chain';

/** The kernel takes 255 characters; the hash keeps what is cut off distinct. */
const MAX_NAME = 240;
const SAFE_IN_NAMES = /^[A-Za-z0-9/_.-]*$/;

/** Chains of one Service port. */
export interface ServiceChains {
  /** Cluster policy. */
  readonly service: string;
  /** Local policy. */
  readonly local: string;
  /** Traffic from outside. */
  readonly external: string;
  /** Traffic to load balancer addresses with source ranges, before translation. */
  readonly firewall: string;
}

export function serviceChains(port: ServicePort): ServiceChains {
  const base = baseName(port);
  const hash = hashOf(base);
  return {
    service: named('service', hash, base),
    local: named('local', hash, base),
    external: named('external', hash, base),
    firewall: named('firewall', hash, base),
  };
}

/** Chain of an endpoint of a Service with session affinity, and the set of the clients that it has. */
export function endpointNames(port: ServicePort, endpoint: Endpoint): { chain: string; affinity: string } {
  // Colons of IPv6 addresses cannot be part of a name.
  const base = checked(`${baseName(port)}__${endpoint.ip.replaceAll(':', '.')}/${endpoint.port}`);
  const hash = hashOf(base);
  return { chain: named('endpoint', hash, base), affinity: named('affinity', hash, base) };
}

function baseName(port: ServicePort): string {
  return checked(`${port.namespace}/${port.name}/${port.protocol.toLowerCase()}/${port.portName}`);
}

function named(kind: string, hash: string, base: string): string {
  return `${kind}-${hash}-${base}`.slice(0, MAX_NAME);
}

function checked(base: string): string {
  if (!SAFE_IN_NAMES.test(base)) throw new UnsafeTokenError(`${JSON.stringify(base)} must not become a name`);
  return base;
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

// The first 8 characters of the base32 form of the SHA-256: 40 bits, that is 5 bytes.
function hashOf(text: string): string {
  let bits = hashOnce('sha256', text, 'buffer').readUIntBE(0, 5);
  let out = '';
  for (let i = 0; i < 8; i++) {
    out = `${BASE32[bits % 32] ?? ''}${out}`;
    bits = Math.floor(bits / 32);
  }
  return out;
}
