import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { NodeStatus } from '../../api/types.ts';
import { systemClock } from '../../base/clock.ts';

type NodeAddress = NonNullable<NodeStatus['addresses']>[number];

/** An address of a network interface of this machine. */
export interface InterfaceAddress {
  readonly interfaceName: string;
  readonly ip: string;
  readonly family: 4 | 6;
  /** Loopback or link-local: nobody else can reach the node by it. */
  readonly local: boolean;
}

export interface AddressFacts {
  readonly interfaces: readonly InterfaceAddress[];
  /** Addresses that the node's name resolves to. */
  readonly resolved: readonly string[];
  /** Interfaces of the default routes, best first. */
  readonly defaultInterfaces: readonly string[];
}

/** No address that the node could be known by. The message is the reason. */
export class NodeAddressError extends Error {
  override readonly name = 'NodeAddressError';
}

/**
 * The node's IP addresses, primary first. Requested ones (`--node-ip`) must be addresses of this machine; `0.0.0.0` and
 * `::` ask for any of their family. Otherwise: what the node's name resolves to, else the address of the interface with
 * the default route. Pure.
 *
 * @throws NodeAddressError
 */
export function chooseNodeIPs(requested: readonly string[], facts: AddressFacts): readonly string[] {
  if (requested.length === 0) return [anyAddress(undefined, facts)];
  return requested.map((ip) => {
    if (ip === '0.0.0.0') return anyAddress(4, facts);
    if (ip === '::') return anyAddress(6, facts);
    const kind = isIP(ip);
    if (kind === 0) throw new NodeAddressError(`node IP ${JSON.stringify(ip)} is not an IP address`);
    if (!facts.interfaces.some((address) => address.ip === ip)) {
      throw new NodeAddressError(`node IP: "${ip}" not found in the host's network interfaces`);
    }
    if (facts.interfaces.some((address) => address.ip === ip && address.local)) {
      throw new NodeAddressError(`nodeIP can't be loopback or link-local address: "${ip}"`);
    }
    return ip;
  });
}

function anyAddress(family: 4 | 6 | undefined, facts: AddressFacts): string {
  const usable = facts.interfaces.filter((a) => !a.local && (family === undefined || a.family === family));
  const named = facts.resolved
    .map((ip) => usable.find((a) => a.ip === ip))
    .filter((a) => a !== undefined)
    .toSorted((a, b) => a.family - b.family)[0];
  if (named !== undefined) return named.ip;
  for (const name of facts.defaultInterfaces) {
    const found = usable.filter((a) => a.interfaceName === name).toSorted((a, b) => a.family - b.family)[0];
    if (found !== undefined) return found.ip;
  }
  throw new NodeAddressError(
    "can't get ip address of the node: its name resolves to no address of this machine and no interface has a default route; set --node-ip",
  );
}

export interface ReportedAddressesInput {
  readonly flags: { readonly cloudProvider: string; readonly nodeIPs: readonly string[] };
  readonly hostname: string;
  /** Of this machine, primary first; empty: none was found. */
  readonly ips: readonly string[];
  /** `node.status.addresses` as the API has them. */
  readonly known: readonly NodeAddress[];
}

/**
 * A cloud provider outside says which addresses the node has. Until it has, they are those of `--node-ip`, which it is
 * told of as well, and without that none: pods must not come to know the node by an address that changes.
 */
export function waitsForProvider({ cloudProvider, nodeIPs }: ReportedAddressesInput['flags']): boolean {
  return cloudProvider === 'external' && nodeIPs.length === 0;
}

/** `node.status.addresses` as this kubelet reports them: what others have set, or cannot be known now, stays. Pure. */
export function reportedAddresses({
  flags,
  hostname,
  ips,
  known,
}: ReportedAddressesInput): readonly NodeAddress[] {
  const isProviders = flags.cloudProvider === 'external' && known.length > 0;
  if (isProviders || waitsForProvider(flags) || ips.length === 0) return known;
  return [
    ...ips.map((address) => ({ type: 'InternalIP', address })),
    { type: 'Hostname', address: hostname },
  ];
}

/** How long the resolver may take: a name service that is down must not keep the node's status back. */
const LOOKUP_MS = 2000;

/**
 * Reads what {@link chooseNodeIPs} decides by. A name that does not resolve is no error; with requested addresses it is
 * not looked up at all.
 */
export async function readAddressFacts(
  nodeName: string,
  requested: readonly string[],
): Promise<AddressFacts> {
  const interfaces: InterfaceAddress[] = [];
  for (const [interfaceName, addresses] of Object.entries(networkInterfaces())) {
    for (const address of addresses ?? []) {
      const family = address.family === 'IPv6' ? 6 : 4;
      const linkLocal =
        family === 6 ? /^fe[89ab]/i.test(address.address) : address.address.startsWith('169.254.');
      interfaces.push({ interfaceName, ip: address.address, family, local: address.internal || linkLocal });
    }
  }
  const resolved = requested.length > 0 ? [] : await resolve(nodeName);
  const routes = defaultRoutes(
    await readFile('/proc/net/route', 'utf8').catch(() => ''),
    await readFile('/proc/net/ipv6_route', 'utf8').catch(() => ''),
  );
  return { interfaces, resolved, defaultInterfaces: routes };
}

async function resolve(name: string): Promise<readonly string[]> {
  if (isIP(name) !== 0) return [name];
  const late = new AbortController();
  const found = lookup(name, { all: true }).then(
    (addresses) => addresses.map((a) => a.address),
    () => [],
  );
  const timeout = systemClock.sleep(LOOKUP_MS, late.signal).then(
    () => [],
    () => [],
  );
  try {
    return await Promise.race([found, timeout]);
  } finally {
    late.abort();
  }
}

/** Interfaces of default routes by metric, IPv4 first (proc_net_route: /proc/net/route and /proc/net/ipv6_route). Pure. */
export function defaultRoutes(ipv4: string, ipv6: string): string[] {
  const found: { name: string; order: number }[] = [];
  for (const line of ipv4.split('\n').slice(1)) {
    const [name, destination, , flags, , , metric, mask] = line.trim().split(/\s+/);
    if (name === undefined || destination !== '00000000' || mask !== '00000000') continue;
    if ((parseInt(flags ?? '0', 16) & 1) !== 0) found.push({ name, order: Number(metric) });
  }
  for (const line of ipv6.split('\n')) {
    const [destination, length, , , gateway, metric, , , flags, name] = line.trim().split(/\s+/);
    if (name === undefined || length !== '00' || !/^0{32}$/.test(destination ?? '')) continue;
    if (/^0{32}$/.test(gateway ?? '') || (parseInt(flags ?? '0', 16) & 1) === 0) continue;
    found.push({ name, order: 2 ** 32 + parseInt(metric ?? '0', 16) });
  }
  return [...new Set(found.sort((a, b) => a.order - b.order).map((route) => route.name))];
}
