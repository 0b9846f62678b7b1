/** Settings of the proxy that shape the rules of every Service, in terms of packets rather than of configuration fields. */
import type { AddressRange } from './address.ts';

/** How to tell packets of pods of this cluster (or node) by where they come from. */
export type LocalDetector =
  | { readonly kind: 'sourceRange'; readonly range: AddressRange }
  /** Came in by that interface. */
  | { readonly kind: 'interface'; readonly name: string }
  /** Came in by an interface whose name begins so. */
  | { readonly kind: 'interfacePrefix'; readonly prefix: string };

/** Settings of one address family. */
export interface FamilyPolicy {
  /** Undefined: pod traffic cannot be told from other traffic. */
  readonly localDetector: LocalDetector | undefined;
  /** Masquerade everything that goes to a cluster IP. */
  readonly masqueradeAll: boolean;
  /** The one bit of the packet mark that asks for masquerading. */
  readonly masqueradeMark: number;
  /** Also spread source ports when masquerading (needs kernel and tool support). */
  readonly randomFully: boolean;
  /** Node addresses at which node ports answer; undefined: all addresses of the node. */
  readonly nodePortAddresses: readonly string[] | undefined;
  /** Node ports answer on loopback too (IPv4 only; the node needs route_localnet). */
  readonly localhostNodePorts: boolean;
  /** route_localnet was set by us, so packets with loopback addresses from outside must be dropped here. */
  readonly guardLocalnet: boolean;
  /** Packets that connection tracking calls invalid are dropped (not with tcpBeLiberal). */
  readonly dropInvalid: boolean;
  /** Addresses of the node, for load balancer source ranges that include it. */
  readonly nodeIPs: readonly string[];
}
