/** What is in the table whether there are Services or not: hooks, dispatch over maps, masquerading. Pure. */
import { token } from '../iptables/rule_text.ts';
import type { Family } from '../model/address.ts';
import type { FamilyPolicy, LocalDetector } from '../model/policy.ts';
import {
  CLUSTER_IPS,
  FIREWALL_IPS,
  HAIRPIN_CONNECTIONS,
  NODE_PORT_IPS,
  NO_ENDPOINT_NODE_PORTS,
  NO_ENDPOINT_SERVICES,
  REJECT_CHAIN,
  SERVICES_CHAIN,
  SERVICE_IPS,
  SERVICE_NODE_PORTS,
} from './names.ts';

/** A set, or a map when `kind` says so, that all Services share. */
export interface Container {
  readonly name: string;
  readonly kind: 'set' | 'map';
  /** As between the braces of `add set`. */
  readonly spec: string;
}

export interface BaseChain {
  readonly name: string;
  /** Type, hook and priority; undefined for a chain that others jump to. */
  readonly hook?: string;
  readonly comment?: string;
  readonly rules: readonly string[];
}

/** `ip` or `ip6`: the family of the table and the word for its header in rules. */
export function ipWord(family: Family): 'ip' | 'ip6' {
  return family === 'IPv4' ? 'ip' : 'ip6';
}

export function containers(family: Family): Container[] {
  const address = family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr';
  const place = `${address} . inet_proto . inet_service`;
  const spec = (type: string, comment: string): string => `type ${type} ; comment "${comment}" ;`;
  return [
    {
      name: HAIRPIN_CONNECTIONS,
      kind: 'set',
      spec: spec(`${address} . ${place}`, 'service hairpin connections'),
    },
    { name: CLUSTER_IPS, kind: 'set', spec: spec(address, 'Active ClusterIPs') },
    { name: NODE_PORT_IPS, kind: 'set', spec: spec(address, 'IPs that accept NodePort traffic') },
    {
      name: NO_ENDPOINT_SERVICES,
      kind: 'map',
      spec: spec(`${place} : verdict`, 'vmap to drop or reject packets to services with no endpoints'),
    },
    {
      name: NO_ENDPOINT_NODE_PORTS,
      kind: 'map',
      spec: spec(
        'inet_proto . inet_service : verdict',
        'vmap to drop or reject packets to service nodeports with no endpoints',
      ),
    },
    {
      name: FIREWALL_IPS,
      kind: 'map',
      spec: spec(`${place} : verdict`, 'destinations that are subject to LoadBalancerSourceRanges'),
    },
    {
      name: SERVICE_IPS,
      kind: 'map',
      spec: spec(`${place} : verdict`, 'ClusterIP, ExternalIP and LoadBalancer IP traffic'),
    },
    {
      name: SERVICE_NODE_PORTS,
      kind: 'map',
      spec: spec('inet_proto . inet_service : verdict', 'NodePort traffic'),
    },
  ];
}

export function baseChains(family: Family, policy: FamilyPolicy): BaseChain[] {
  const ip = ipWord(family);
  const place = `${ip} daddr . meta l4proto . th dport`;
  const portal = 'meta l4proto . th dport';
  const mark = markText(policy);
  const random = policy.randomFully ? ' fully-random' : '';
  const fresh = (...chains: string[]): string[] => chains.map((chain) => `ct state new jump ${chain}`);
  return [
    // Before translation: source ranges are about the address of the load balancer.
    {
      name: 'filter-prerouting-pre-dnat',
      hook: 'type filter hook prerouting priority -110 ;',
      rules: fresh('firewall-check'),
    },
    {
      name: 'filter-output-pre-dnat',
      hook: 'type filter hook output priority -110 ;',
      rules: fresh('firewall-check'),
    },
    {
      name: 'filter-input',
      hook: 'type filter hook input priority 0 ;',
      rules: fresh('nodeport-endpoints-check', 'service-endpoints-check'),
    },
    {
      name: 'filter-forward',
      hook: 'type filter hook forward priority 0 ;',
      rules: fresh('service-endpoints-check', 'cluster-ips-check'),
    },
    {
      name: 'filter-output',
      hook: 'type filter hook output priority 0 ;',
      rules: fresh('service-endpoints-check', 'cluster-ips-check'),
    },
    {
      name: 'nat-prerouting',
      hook: 'type nat hook prerouting priority -100 ;',
      rules: [`jump ${SERVICES_CHAIN}`],
    },
    { name: 'nat-output', hook: 'type nat hook output priority -100 ;', rules: [`jump ${SERVICES_CHAIN}`] },
    {
      name: 'nat-postrouting',
      hook: 'type nat hook postrouting priority 100 ;',
      rules: ['jump masquerading'],
    },
    {
      name: 'nodeport-endpoints-check',
      rules: [`${nodePortMatch(ip, policy, '')} ${portal} vmap @${NO_ENDPOINT_NODE_PORTS}`],
    },
    { name: 'service-endpoints-check', rules: [`${place} vmap @${NO_ENDPOINT_SERVICES}`] },
    { name: 'firewall-check', rules: [`${place} vmap @${FIREWALL_IPS}`] },
    {
      name: SERVICES_CHAIN,
      rules: [
        ...clusterMasquerade(ip, policy),
        `${place} vmap @${SERVICE_IPS}`,
        `${nodePortMatch(ip, policy, 'fib daddr type local ')} ${portal} vmap @${SERVICE_NODE_PORTS}`,
      ],
    },
    {
      name: 'masquerading',
      rules: [
        // The mark is cleared, so that the packet is not masqueraded again if it passes the stack once more (tunnels).
        `meta mark & ${mark} != 0x00000000 meta mark set meta mark ^ ${mark} masquerade${random}`,
        `ct status dnat ${ip} saddr . ${place} @${HAIRPIN_CONNECTIONS} masquerade${random}`,
      ],
    },
    {
      name: 'cluster-ips-check',
      rules: [`${ip} daddr @${CLUSTER_IPS} reject comment "Reject traffic to invalid ports of ClusterIPs"`],
    },
    {
      name: REJECT_CHAIN,
      comment: 'helper for @no-endpoint-services / @no-endpoint-nodeports',
      rules: ['reject'],
    },
  ];
}

function clusterMasquerade(ip: 'ip' | 'ip6', policy: FamilyPolicy): string[] {
  const set = setMark(policy);
  if (policy.masqueradeAll)
    return [`${ip} daddr @${CLUSTER_IPS} ${set} comment "masquerade all clusterIP traffic"`];
  if (policy.localDetector === undefined) return [];
  const elsewhere = localMatch(ip, policy.localDetector, '!= ');
  return [
    `${ip} daddr @${CLUSTER_IPS} ${elsewhere} ${set} comment "masquerade clusterIP traffic from outside cluster"`,
  ];
}

function nodePortMatch(ip: 'ip' | 'ip6', policy: FamilyPolicy, anyLocal: string): string {
  if (policy.nodePortAddresses !== undefined) return `${ip} daddr @${NODE_PORT_IPS}`;
  return `${anyLocal}${ip} daddr != ${ip === 'ip' ? '127.0.0.0/8' : '::1'}`;
}

/** Sets the bit that asks for masquerading. */
export function setMark(policy: FamilyPolicy): string {
  return `meta mark set meta mark | ${markText(policy)}`;
}

function markText(policy: FamilyPolicy): string {
  return `0x${policy.masqueradeMark.toString(16).padStart(8, '0')}`;
}

/** The match for packets of pods; `!= ` as `not` for all others. */
export function localMatch(ip: 'ip' | 'ip6', detector: LocalDetector, not: '' | '!= ' = ''): string {
  if (detector.kind === 'sourceRange') return `${ip} saddr ${not}${token(detector.range.toString())}`;
  if (detector.kind === 'interface') return `iifname ${not}"${token(detector.name)}"`;
  return `iifname ${not}"${token(detector.prefix)}*"`;
}
