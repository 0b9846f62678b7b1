/** Names of chains: interface to operators and tools, and what makes taking over from kube-proxy, and back, a small diff. */
import { hash as hashOnce } from 'node:crypto';

export type Table = 'filter' | 'nat' | 'mangle';

export const SERVICES_CHAIN = 'KUBE-SERVICES';
export const NODE_PORTS_CHAIN = 'KUBE-NODEPORTS';
export const EXTERNAL_SERVICES_CHAIN = 'KUBE-EXTERNAL-SERVICES';
export const POSTROUTING_CHAIN = 'KUBE-POSTROUTING';
export const MARK_MASQ_CHAIN = 'KUBE-MARK-MASQ';
export const FORWARD_CHAIN = 'KUBE-FORWARD';
export const PROXY_FIREWALL_CHAIN = 'KUBE-PROXY-FIREWALL';
/** Shared with the kubelet, which keeps the same rule in it. */
export const LOCALNET_FIREWALL_CHAIN = 'KUBE-FIREWALL';
export const CANARY_CHAIN = 'KUBE-PROXY-CANARY';

/** Chains of one Service port. */
export interface ServiceChains {
  /** Cluster policy. */
  readonly svc: string;
  /** Local policy. */
  readonly svl: string;
  /** Traffic from outside. */
  readonly ext: string;
  /** Traffic to load balancer addresses with source ranges. */
  readonly fw: string;
}

/** @param id `namespace/name:port` */
export function serviceChains(id: string, protocol: string): ServiceChains {
  const hash = hashOf(id + protocol.toLowerCase());
  return { svc: `KUBE-SVC-${hash}`, svl: `KUBE-SVL-${hash}`, ext: `KUBE-EXT-${hash}`, fw: `KUBE-FW-${hash}` };
}

/** @param address `ip:port` of the endpoint */
export function endpointChain(id: string, protocol: string, address: string): string {
  return `KUBE-SEP-${hashOf(id + protocol.toLowerCase() + address)}`;
}

/** Chains made for single Services and endpoints, by this proxy or another; XLB is that of releases before 1.24. */
export const PER_SERVICE_CHAIN = /^KUBE-(?:SVC|SVL|EXT|FW|SEP|XLB)-[A-Z2-7]{16}$/;

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function hashOf(text: string): string {
  return base32(hashOnce('sha256', text, 'buffer'));
}

/** The first 16 characters of the base32 form: 80 bits, that is 10 bytes. */
export function base32(digest: Uint8Array): string {
  let out = '';
  for (let bit = 0; bit < 80; bit += 5) {
    const at = bit >> 3;
    const pair = ((digest[at] ?? 0) << 8) | (digest[at + 1] ?? 0);
    out += BASE32[(pair >> (11 - (bit & 7))) & 31];
  }
  return out;
}
