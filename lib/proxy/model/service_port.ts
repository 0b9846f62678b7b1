/** What the proxy knows of Services and endpoints, validated: every string here is safe to put into a rule. */
import type { Family } from './address.ts';
import type { AddressRange } from './address.ts';

export type Protocol = 'TCP' | 'UDP' | 'SCTP';

/** One port of one Service in one address family. */
export interface ServicePort {
  readonly namespace: string;
  readonly name: string;
  /** Name of the port, `''` for the only port of a Service. */
  readonly portName: string;
  /** `namespace/name:port`, or `namespace/name` for a port without name: as chain hashes and comments have it. */
  readonly id: string;
  readonly family: Family;
  readonly protocol: Protocol;
  readonly port: number;
  /** 0: none. */
  readonly nodePort: number;
  readonly clusterIP: string;
  readonly externalIPs: readonly string[];
  /** Addresses of the load balancer that are handled here (`ipMode` VIP, the default). */
  readonly loadBalancerIPs: readonly string[];
  /** Who may use the load balancer addresses; empty: everybody. */
  readonly loadBalancerSourceRanges: readonly AddressRange[];
  /** Session affinity by client address for that many seconds; 0: none. */
  readonly affinitySeconds: number;
  readonly internalPolicyLocal: boolean;
  readonly externalPolicyLocal: boolean;
  /** 0: none. */
  readonly healthCheckNodePort: number;
  /** Creation time of the Service, RFC 3339: of two Services claiming an address, the older has it. */
  readonly created: string;
}

/** One address and port behind a Service port, with what decides whether it is used. */
export interface Endpoint {
  readonly ip: string;
  readonly port: number;
  /** `ip:port`, IPv6 in brackets. */
  readonly address: string;
  readonly nodeName: string | undefined;
  /** On the node of this proxy. */
  readonly isLocal: boolean;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** Topology hints: zones and nodes that should use it; undefined without hint. */
  readonly forZones: readonly string[] | undefined;
  readonly forNodes: readonly string[] | undefined;
}

/** True when traffic can come in by other addresses than the cluster IP. */
export function isExternallyReachable(port: ServicePort): boolean {
  return port.nodePort !== 0 || port.externalIPs.length > 0 || port.loadBalancerIPs.length > 0;
}

/** `namespace/name` of the Service. */
export function serviceKeyOf(port: { readonly namespace: string; readonly name: string }): string {
  return `${port.namespace}/${port.name}`;
}

/** `namespace/name:port`. */
export function servicePortId(namespace: string, name: string, portName: string): string {
  return portName === '' ? `${namespace}/${name}` : `${namespace}/${name}:${portName}`;
}
