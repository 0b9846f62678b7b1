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

interface Claim {
  readonly id: string;
  readonly order: string;
}

/** Who asked for which frontend; the first in order has it, the others wait for it. */
export class FrontendClaims {
  readonly #claims = new Map<string, Claim[]>();
  readonly #ofPort = new Map<string, ReadonlyMap<string, string>>();

  /**
   * Replaces the claims of a Service port (`undefined`: it is gone).
   *
   * @returns ids of the other Service ports that won or lost a frontend by it
   */
  set(id: string, port: ServicePort | undefined): Set<string> {
    const affected = new Set<string>();
    const before = this.#ofPort.get(id) ?? new Map<string, string>();
    const after = new Map<string, string>();
    for (const frontend of port === undefined ? [] : frontendsOf(port)) {
      const key = frontendKey(port?.protocol ?? 'TCP', frontend);
      // The same address as external and load balancer IP of one Service is one claim.
      if (!after.has(key)) after.set(key, `${RANK[frontend.kind]} ${port?.created ?? ''} ${id}`);
    }
    for (const [key, order] of before) if (after.get(key) !== order) this.#remove(key, id, affected);
    for (const [key, order] of after) if (before.get(key) !== order) this.#add(key, { id, order }, affected);
    if (port === undefined) this.#ofPort.delete(id);
    else this.#ofPort.set(id, after);
    affected.delete(id);
    return affected;
  }

  /** The Service port that has the frontend, of those that claim it. */
  ownerOf(key: string): string | undefined {
    return this.#claims.get(key)?.[0]?.id;
  }

  #add(key: string, claim: Claim, affected: Set<string>): void {
    const claims = this.#claims.get(key) ?? [];
    const owner = claims[0]?.id;
    claims.push(claim);
    if (claims.length > 1) claims.sort((a, b) => (a.order < b.order ? -1 : 1));
    this.#claims.set(key, claims);
    if (owner !== undefined && claims[0]?.id !== owner) affected.add(owner);
  }

  #remove(key: string, id: string, affected: Set<string>): void {
    const claims = this.#claims.get(key) ?? [];
    const left = claims.filter((claim) => claim.id !== id);
    if (left.length === 0) this.#claims.delete(key);
    else this.#claims.set(key, left);
    const next = left[0]?.id;
    if (next !== undefined && claims[0]?.id !== next) affected.add(next);
  }
}
