/** Where packets for a Service arrive, and which Service has the place when several ask for it. */
import type { Protocol, ServicePort } from './service_port.ts';

/**
 * An address (or every node address) and port at which a Service answers. `rank` orders kinds when several Services
 * claim one place: a cluster IP, given out by the apiserver, cannot be taken over by an external IP that a user wrote.
 */
export type Frontend =
  | { readonly kind: 'cluster' | 'external' | 'loadBalancer'; readonly ip: string; readonly port: number }
  | { readonly kind: 'node'; readonly port: number };

const RANK: Readonly<Record<Frontend['kind'], number>> = {
  cluster: 0,
  node: 0,
  loadBalancer: 1,
  external: 2,
};

/** All places at which the Service port asks to be reached, most important first, none twice. */
export function frontendsOf(port: ServicePort): Frontend[] {
  const all: Frontend[] = [
    { kind: 'cluster', ip: port.clusterIP, port: port.port },
    ...port.externalIPs.map((ip) => ({ kind: 'external', ip, port: port.port }) as const),
    ...port.loadBalancerIPs.map((ip) => ({ kind: 'loadBalancer', ip, port: port.port }) as const),
  ];
  if (port.nodePort !== 0) all.push({ kind: 'node', port: port.nodePort });
  return all;
}

/** Key of the place: two frontends of one key would catch the same packets. */
export function frontendKey(protocol: Protocol, frontend: Frontend): string {
  return `${protocol} ${frontend.kind === 'node' ? '*' : frontend.ip} ${frontend.port}`;
}

/** Who asked for which frontend; the first in order has it, the others wait for it. */
export class FrontendClaims {
  // Nearly every place is asked for by one Service port alone.
  readonly #claims = new Map<string, ServicePort | ServicePort[]>();
  readonly #ports = new Map<string, ServicePort>();

  /**
   * Replaces the claims of a Service port (`undefined`: it is gone).
   *
   * @returns ids of the other Service ports that won or lost a frontend by it
   */
  set(id: string, port: ServicePort | undefined): Set<string> {
    const affected = new Set<string>();
    const old = this.#ports.get(id);
    const before = ranksOf(old);
    const after = ranksOf(port);
    const sameAge = old?.created === port?.created;
    for (const [key, rank] of before)
      if (after.get(key) !== rank || !sameAge) this.#remove(key, id, affected);
    for (const [key, rank] of after)
      if (port !== undefined && (before.get(key) !== rank || !sameAge)) this.#add(key, port, affected);
    // The kept claims are those of the port as it is now.
    for (const [key, rank] of after)
      if (port !== undefined && before.get(key) === rank && sameAge) this.#renew(key, port);
    if (port === undefined) this.#ports.delete(id);
    else this.#ports.set(id, port);
    affected.delete(id);
    return affected;
  }

  /** The Service port that has the frontend, of those that claim it. */
  ownerOf(key: string): string | undefined {
    return this.#claimants(key)[0]?.id;
  }

  #claimants(key: string): readonly ServicePort[] {
    const found = this.#claims.get(key);
    if (found === undefined) return [];
    return Array.isArray(found) ? found : [found];
  }

  #put(key: string, claimants: readonly ServicePort[]): void {
    const [only] = claimants;
    if (only === undefined) this.#claims.delete(key);
    else this.#claims.set(key, claimants.length === 1 ? only : [...claimants]);
  }

  #add(key: string, port: ServicePort, affected: Set<string>): void {
    const claimants = this.#claimants(key);
    const order = (p: ServicePort): string => `${ranksOf(p).get(key) ?? ''} ${p.created} ${p.id}`;
    const now =
      claimants.length === 0
        ? [port]
        : [...claimants, port].toSorted((a, b) => (order(a) < order(b) ? -1 : 1));
    this.#put(key, now);
    const owner = claimants[0]?.id;
    if (owner !== undefined && now[0]?.id !== owner) affected.add(owner);
  }

  #remove(key: string, id: string, affected: Set<string>): void {
    const claimants = this.#claimants(key);
    const left = claimants.filter((port) => port.id !== id);
    this.#put(key, left);
    const next = left[0]?.id;
    if (next !== undefined && claimants[0]?.id !== next) affected.add(next);
  }

  #renew(key: string, port: ServicePort): void {
    this.#put(
      key,
      this.#claimants(key).map((p) => (p.id === port.id ? port : p)),
    );
  }
}

/** The places that the port asks for, with their rank. */
function ranksOf(port: ServicePort | undefined): Map<string, number> {
  const ranks = new Map<string, number>();
  for (const frontend of port === undefined ? [] : frontendsOf(port)) {
    const key = frontendKey(port?.protocol ?? 'TCP', frontend);
    // The same address as external and load balancer IP of one Service is one claim.
    if (!ranks.has(key)) ranks.set(key, RANK[frontend.kind]);
  }
  return ranks;
}
