/** Rules that do not depend on Services: how packets get into the proxy's chains, and what every packet meets there. Pure. */
import type { Family } from '../model/address.ts';
import type { FamilyPolicy } from '../model/policy.ts';
import type { Table } from './names.ts';
import {
  EXTERNAL_SERVICES_CHAIN,
  FORWARD_CHAIN,
  LOCALNET_FIREWALL_CHAIN,
  MARK_MASQ_CHAIN,
  NODE_PORTS_CHAIN,
  POSTROUTING_CHAIN,
  PROXY_FIREWALL_CHAIN,
  SERVICES_CHAIN,
} from './names.ts';
import { comment, token } from './rule_text.ts';

/** A chain of the proxy's own. Rules of Services, if it has any, come before `tail`. */
export interface BaseChain {
  readonly table: Table;
  readonly chain: string;
  readonly tail: readonly string[];
}

/** A rule of ours in a built-in chain, which is shared with everybody. */
export interface JumpRule {
  readonly table: Table;
  readonly chain: string;
  readonly rule: string;
}

const NODE_PORT_NOTE = comment(
  'kubernetes service nodeports; NOTE: this must be the last rule in this chain',
);

/** All chains that exist even without any Service. */
export function baseChains(family: Family, policy: FamilyPolicy): BaseChain[] {
  const mark = `0x${policy.masqueradeMark.toString(16)}`;
  const chains: BaseChain[] = [
    { table: 'nat', chain: SERVICES_CHAIN, tail: nodePortJumps(family, policy) },
    { table: 'nat', chain: NODE_PORTS_CHAIN, tail: [] },
    {
      table: 'nat',
      chain: POSTROUTING_CHAIN,
      tail: [
        `-m mark ! --mark ${mark}/${mark} -j RETURN`,
        // Cleared, so that the packet is not masqueraded again if it passes the stack once more (tunnels).
        `-j MARK --set-xmark ${mark}/0x0`,
        `${comment('kubernetes service traffic requiring SNAT')} -j MASQUERADE${policy.randomFully ? ' --random-fully' : ''}`,
      ],
    },
    { table: 'nat', chain: MARK_MASQ_CHAIN, tail: [`-j MARK --set-xmark ${mark}/${mark}`] },
    { table: 'filter', chain: SERVICES_CHAIN, tail: [] },
    { table: 'filter', chain: EXTERNAL_SERVICES_CHAIN, tail: [] },
    { table: 'filter', chain: NODE_PORTS_CHAIN, tail: [] },
    { table: 'filter', chain: PROXY_FIREWALL_CHAIN, tail: [] },
    {
      table: 'filter',
      chain: FORWARD_CHAIN,
      tail: [
        // A packet that escapes translation would make the client reset its connection.
        ...(policy.dropInvalid ? ['-m conntrack --ctstate INVALID -j DROP'] : []),
        `${comment('kubernetes forwarding rules')} -m mark --mark ${mark}/${mark} -j ACCEPT`,
        `${comment('kubernetes forwarding conntrack rule')} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
      ],
    },
  ];
  if (guarded(family, policy)) {
    // With route_localnet, neighbours on the network could reach services bound to loopback.
    const guard = `! -s 127.0.0.0/8 -d 127.0.0.0/8 ${comment('block incoming localnet connections')} -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP`;
    chains.push({ table: 'filter', chain: LOCALNET_FIREWALL_CHAIN, tail: [guard] });
  }
  return chains;
}

function guarded(family: Family, policy: FamilyPolicy): boolean {
  return family === 'IPv4' && policy.guardLocalnet;
}

function nodePortJumps(family: Family, policy: FamilyPolicy): string[] {
  if (policy.nodePortAddresses !== undefined) {
    return policy.nodePortAddresses.map(
      (ip) => `-d ${token(ip)}/${family === 'IPv4' ? 32 : 128} ${NODE_PORT_NOTE} -j ${NODE_PORTS_CHAIN}`,
    );
  }
  const notLoopback =
    family === 'IPv6' ? '! -d ::1/128 ' : policy.localhostNodePorts ? '' : '! -d 127.0.0.0/8 ';
  return [`${notLoopback}${NODE_PORT_NOTE} -m addrtype --dst-type LOCAL -j ${NODE_PORTS_CHAIN}`];
}

/** The jumps from built-in chains, in the order in which they stand at the head of each chain. */
export function jumpRules(family: Family, policy: FamilyPolicy): JumpRule[] {
  const fresh = '-m conntrack --ctstate NEW';
  const jump = (table: Table, chain: string, match: string, note: string, to: string): JumpRule => ({
    table,
    chain,
    rule: `${match === '' ? '' : `${match} `}${comment(note)} -j ${to}`,
  });
  const guard = (chain: string): JumpRule[] =>
    guarded(family, policy) ? [{ table: 'filter', chain, rule: `-j ${LOCALNET_FIREWALL_CHAIN}` }] : [];
  const firewall = 'kubernetes load balancer firewall';
  const visible = 'kubernetes externally-visible service portals';
  const portals = 'kubernetes service portals';
  return [
    ...guard('INPUT'),
    jump('filter', 'INPUT', fresh, firewall, PROXY_FIREWALL_CHAIN),
    jump('filter', 'INPUT', '', 'kubernetes health check service ports', NODE_PORTS_CHAIN),
    jump('filter', 'INPUT', fresh, visible, EXTERNAL_SERVICES_CHAIN),
    jump('filter', 'FORWARD', fresh, firewall, PROXY_FIREWALL_CHAIN),
    jump('filter', 'FORWARD', '', 'kubernetes forwarding rules', FORWARD_CHAIN),
    jump('filter', 'FORWARD', fresh, portals, SERVICES_CHAIN),
    jump('filter', 'FORWARD', fresh, visible, EXTERNAL_SERVICES_CHAIN),
    ...guard('OUTPUT'),
    jump('filter', 'OUTPUT', fresh, firewall, PROXY_FIREWALL_CHAIN),
    jump('filter', 'OUTPUT', fresh, portals, SERVICES_CHAIN),
    jump('nat', 'PREROUTING', '', portals, SERVICES_CHAIN),
    jump('nat', 'OUTPUT', '', portals, SERVICES_CHAIN),
    jump('nat', 'POSTROUTING', '', 'kubernetes postrouting rules', POSTROUTING_CHAIN),
  ];
}
