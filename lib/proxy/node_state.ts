/** What the Node object and the machine say about this node, as far as rules depend on it. */
import { networkInterfaces } from 'node:os';
import type { Node } from '../api/types.ts';
import { modeSettings } from './config/mode_settings.ts';
import { clusterRanges } from './config/validate.ts';
import type { ProxyConfig } from './config/proxy_config.ts';
import type { Family, IPAddress } from './model/address.ts';
import { AddressRange, isLoopback, isUnspecified, parseAddress } from './model/address.ts';
import type { FamilyPolicy, LocalDetector } from './model/policy.ts';

const ZONE_LABEL = 'topology.kubernetes.io/zone';
/** The cluster autoscaler is about to remove the node. */
const TO_BE_DELETED_TAINT = 'ToBeDeletedByClusterAutoscaler';

export interface NodeState {
  /** InternalIPs first, then ExternalIPs, as the Node object has them. */
  readonly addresses: readonly IPAddress[];
  readonly podRanges: readonly AddressRange[];
  readonly zone: string | undefined;
  /** False when the node is being deleted. */
  readonly eligible: boolean;
}

export const UNKNOWN_NODE: NodeState = { addresses: [], podRanges: [], zone: undefined, eligible: true };

/**
 * Name of the Node that this proxy is for.
 *
 * @throws Error when there is none: with another name, no endpoint would be taken for one of this node
 */
export function nodeNameOf(
  { hostnameOverride }: Pick<ProxyConfig, 'hostnameOverride'>,
  hostname: string,
): string {
  const name = (hostnameOverride === '' ? hostname : hostnameOverride).trim().toLowerCase();
  if (name === '')
    throw new Error('the name of the node is empty: set hostnameOverride or --hostname-override');
  return name;
}

/** Reads the Node object; undefined (not created yet) gives what is known of any node. */
export function nodeState(node: Node | undefined): NodeState {
  if (node === undefined) return UNKNOWN_NODE;
  const { metadata, spec, status } = node;
  const ofType = (type: string): IPAddress[] =>
    (status?.addresses ?? []).filter((a) => a.type === type).flatMap((a) => parseAddress(a.address) ?? []);
  const cidrs = spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR]);
  const leaving = (spec?.taints ?? []).some((t) => t.key === TO_BE_DELETED_TAINT);
  return {
    addresses: [...ofType('InternalIP'), ...ofType('ExternalIP')],
    podRanges: cidrs.flatMap((text) => AddressRange.parse(text) ?? []),
    zone: metadata.labels?.[ZONE_LABEL],
    eligible: metadata.deletionTimestamp === undefined && !leaving,
  };
}

/** Addresses of all interfaces of the machine (of its network namespace). */
export function machineAddresses(): IPAddress[] {
  return Object.values(networkInterfaces())
    .flat()
    .flatMap((entry) => parseAddress((entry?.address ?? '').replace(/%.*$/, '')) ?? []);
}

/** What the machine can do, found out at start. */
export interface MachineSupport {
  readonly randomFully: boolean;
  /** route_localnet is on, so that node ports can answer on loopback. */
  readonly routeLocalnet: boolean;
}

/** True when the configuration wants node ports on loopback addresses. */
export function wantsLocalhostNodePorts(config: ProxyConfig): boolean {
  return (
    config.mode === 'iptables' &&
    config.iptables.localhostNodePorts &&
    !isRestricted(config, 'IPv4', (range) => range.contains(LOCALHOST))
  );
}

const LOCALHOST: IPAddress = { family: 'IPv4', ip: '127.0.0.1' };

// Restricted: node port addresses are given for the family, and none of them satisfies `allows`.
function isRestricted(
  config: ProxyConfig,
  family: Family,
  allows: (range: AddressRange) => boolean,
): boolean {
  if (config.nodePortAddresses.includes('primary')) return true;
  const ranges = rangesOf(config, family);
  return ranges.length > 0 && !ranges.some(allows);
}

function rangesOf(config: ProxyConfig, family: Family): AddressRange[] {
  return config.nodePortAddresses
    .flatMap((text) => AddressRange.parse(text) ?? [])
    .filter((range) => range.family === family);
}

/** The settings of one family from configuration, Node and machine. Pure. */
export function familyPolicy(
  family: Family,
  config: ProxyConfig,
  node: NodeState,
  machine: readonly IPAddress[],
  support: MachineSupport,
): FamilyPolicy {
  const localhost = family === 'IPv4' && wantsLocalhostNodePorts(config) && support.routeLocalnet;
  const { masqueradeAll, masqueradeBit } = modeSettings(config);
  return {
    localDetector: localDetector(family, config, node),
    masqueradeAll,
    masqueradeMark: 2 ** masqueradeBit,
    randomFully: support.randomFully,
    nodePortAddresses: nodePortAddresses(family, config, node, machine, localhost),
    localhostNodePorts: localhost,
    guardLocalnet: localhost,
    dropInvalid: !config.conntrack.tcpBeLiberal,
    nodeIPs: addressesOf(family, config, node),
  };
}

/** Addresses of the node, the most important first: what `bindAddress` says, if anything, and then what the Node has. */
function addressesOf(family: Family, { bindAddress }: ProxyConfig, node: NodeState): string[] {
  const given = parseAddress(bindAddress);
  const told = given === undefined || isUnspecified(given) ? [] : [given];
  const mine = [...told, ...node.addresses].filter((a) => a.family === family);
  return [...new Set(mine.map((a) => a.ip))];
}

function localDetector(family: Family, config: ProxyConfig, node: NodeState): LocalDetector | undefined {
  switch (config.detectLocalMode) {
    case 'BridgeInterface':
      return { kind: 'interface', name: config.detectLocal.bridgeInterface };
    case 'InterfaceNamePrefix':
      return { kind: 'interfacePrefix', prefix: config.detectLocal.interfaceNamePrefix };
    default: {
      const ranges = config.detectLocalMode === 'NodeCIDR' ? node.podRanges : (clusterRanges(config) ?? []);
      const range = ranges.find((r) => r.family === family && !r.isEverything);
      return range === undefined ? undefined : { kind: 'sourceRange', range };
    }
  }
}

function nodePortAddresses(
  family: Family,
  config: ProxyConfig,
  node: NodeState,
  machine: readonly IPAddress[],
  localhost: boolean,
): readonly string[] | undefined {
  if (config.nodePortAddresses.includes('primary')) {
    return addressesOf(family, config, node).slice(0, 1);
  }
  const ranges = rangesOf(config, family);
  if (ranges.length === 0 || ranges.some((range) => range.isEverything)) return undefined;
  const mine = machine.filter(
    (a) => ranges.some((range) => range.contains(a)) && (localhost || !isLoopback(a)),
  );
  return [...new Set(mine.map((a) => a.ip))].toSorted();
}
