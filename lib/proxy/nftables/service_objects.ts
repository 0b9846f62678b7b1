/** Turns the plan of one Service port into chains and sets of its own and elements of the shared maps. Pure. */
import { comment as checkComment, token } from '../iptables/rule_text.ts';
import type { AddressRange } from '../model/address.ts';
import { hostPort } from '../model/address.ts';
import type { ServicePlan } from '../model/plan.ts';
import type { FamilyPolicy } from '../model/policy.ts';
import type { Endpoint, ServicePort } from '../model/service_port.ts';
import { isExternallyReachable } from '../model/service_port.ts';
import { ipWord, localMatch, setMark } from './base_objects.ts';
import type { ServiceChains } from './names.ts';
import {
  CLUSTER_IPS,
  FIREWALL_IPS,
  HAIRPIN_CONNECTIONS,
  NO_ENDPOINT_NODE_PORTS,
  NO_ENDPOINT_SERVICES,
  REJECT_CHAIN,
  SERVICE_IPS,
  SERVICE_NODE_PORTS,
  endpointNames,
  serviceChains,
} from './names.ts';

/** An element of a shared set (no value) or map. */
export interface Element {
  readonly container: string;
  readonly key: string;
  /** `: VERDICT` with a comment before it if there is one; `''` in sets. */
  readonly value: string;
}

/** Everything that is in the table because of one Service port. */
export interface ServiceObjects {
  /** Chain to rules. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
  /** Sets of its own, with what stands between the braces of `add set`. */
  readonly sets: ReadonlyMap<string, string>;
  readonly elements: readonly Element[];
}

/**
 * Up to that many endpoints are told apart by one rule each, more by a map in one rule. The kernel names such a map by
 * looking at all sets of the table, so that loading them takes time by the square of their number: 10,000 Services with
 * three endpoints took 9 s so, 0.5 s with rules.
 */
const MAX_RULES = 16;
const AFFINITY_CLIENTS = 65_535;

/** Renders the plan. @throws UnsafeTokenError when a value got past validation */
export function serviceObjects(plan: ServicePlan, policy: FamilyPolicy): ServiceObjects {
  return new Renderer(plan, policy).render();
}

class Renderer {
  readonly #plan: ServicePlan;
  readonly #port: ServicePort;
  readonly #policy: FamilyPolicy;
  readonly #names: ServiceChains;
  readonly #proto: string;
  readonly #ip: 'ip' | 'ip6';
  readonly #chains = new Map<string, readonly string[]>();
  readonly #sets = new Map<string, string>();
  readonly #elements: Element[] = [];

  constructor(plan: ServicePlan, policy: FamilyPolicy) {
    this.#plan = plan;
    this.#port = plan.port;
    this.#policy = policy;
    this.#names = serviceChains(plan.port);
    this.#proto = plan.port.protocol.toLowerCase();
    this.#ip = ipWord(plan.port.family);
  }

  render(): ServiceObjects {
    const { internal, external, frontends } = this.#plan;
    if (frontends.some((f) => f.kind === 'cluster')) this.#internal(internal);
    const outside = isExternallyReachable(this.#port);
    if (outside) this.#external(external);
    const answersOutside = outside && external !== 'reject';
    if (internal === 'cluster' || answersOutside) this.#balance(this.#names.service, this.#plan.cluster);
    if (internal === 'local' || (answersOutside && external === 'local'))
      this.#balance(this.#names.local, this.#plan.local);
    this.#hairpin();
    return { chains: this.#chains, sets: this.#sets, elements: this.#elements };
  }

  #internal(verdict: ServicePlan['internal']): void {
    const { clusterIP, port } = this.#port;
    this.#add(CLUSTER_IPS, token(clusterIP), '');
    if (verdict === 'reject' || verdict === 'drop') this.#refuse(clusterIP, verdict);
    else {
      const chain = verdict === 'cluster' ? this.#names.service : this.#names.local;
      this.#add(SERVICE_IPS, this.#place(clusterIP, port), `: goto ${chain}`);
    }
  }

  #external(verdict: ServicePlan['external']): void {
    const { port, loadBalancerSourceRanges } = this.#port;
    const { external, firewall } = this.#names;
    const anywhere = verdict !== 'reject';
    for (const frontend of this.#plan.frontends) {
      if (frontend.kind === 'cluster') continue;
      const refused = verdict === 'reject' || verdict === 'drop' ? verdict : undefined;
      if (frontend.kind === 'node') {
        const key = `${this.#proto} . ${frontend.port}`;
        if (refused !== undefined) this.#add(NO_ENDPOINT_NODE_PORTS, key, this.#refusal(refused));
        if (anywhere) this.#add(SERVICE_NODE_PORTS, key, `: goto ${external}`);
        continue;
      }
      if (refused !== undefined) this.#refuse(frontend.ip, refused);
      if (!anywhere) continue;
      const place = this.#place(frontend.ip, port);
      this.#add(SERVICE_IPS, place, `: goto ${external}`);
      if (frontend.kind === 'loadBalancer' && loadBalancerSourceRanges.length > 0) {
        this.#add(FIREWALL_IPS, place, `: goto ${firewall}`);
        this.#chains.set(firewall, [this.#firewallRule()]);
      }
    }
    if (anywhere) this.#chains.set(external, this.#externalRules(verdict));
  }

  // Masquerade what comes from outside, unless the policy keeps it on this node and with its source address.
  #externalRules(verdict: ServicePlan['external']): string[] {
    const { service, local } = this.#names;
    const mark = setMark(this.#policy);
    if (!this.#port.externalPolicyLocal) return [`${mark} comment "masquerade"`, `goto ${service}`];
    const rules: string[] = [];
    const detector = this.#policy.localDetector;
    if (detector !== undefined) {
      rules.push(`${localMatch(this.#ip, detector)} goto ${service} comment "short-circuit pod traffic"`);
    }
    rules.push(
      `fib saddr type local ${mark} comment "masquerade local traffic"`,
      `fib saddr type local goto ${service} comment "short-circuit local traffic"`,
    );
    if (verdict === 'local') rules.push(`goto ${local}`);
    return rules;
  }

  #firewallRule(): string {
    const { loadBalancerSourceRanges: ranges, loadBalancerIPs, family } = this.#port;
    // The node may have the load balancer's address itself; its own packets to it then come from that address.
    const nodeAllowed = this.#policy.nodeIPs.some((ip) => ranges.some((r) => r.contains({ family, ip })));
    const own = nodeAllowed
      ? loadBalancerIPs.filter((ip) => !ranges.some((r) => r.contains({ family, ip })))
      : [];
    // One range inside another would be refused.
    const widest = ranges.filter(
      (range, i) =>
        !ranges.some((other, j) => i !== j && covers(other, range) && (j < i || !covers(range, other))),
    );
    const allowed = [...widest.map((range) => token(range.toString())), ...own.map((ip) => token(ip))];
    const list = allowed.length === 1 ? allowed[0] : `{ ${allowed.join(', ')} }`;
    return `${this.#ip} saddr != ${list} drop`;
  }

  #balance(chain: string, endpoints: readonly Endpoint[]): void {
    if (this.#port.affinitySeconds > 0) return this.#balanceWithAffinity(chain, endpoints);
    if (endpoints.length > MAX_RULES) {
      const choices = endpoints.map((e, i) => `${i} : ${token(e.ip)} . ${e.port}`).join(', ');
      const pick = `numgen random mod ${endpoints.length} map { ${choices} }`;
      this.#chains.set(chain, [`meta l4proto ${this.#proto} dnat ${this.#ip} to ${pick}`]);
      return undefined;
    }
    this.#chains.set(
      chain,
      endpoints.map((e, i) => {
        const to = token(hostPort(e.ip, e.port));
        return `${chance(endpoints.length - i)}meta l4proto ${this.#proto} dnat to ${to}`;
      }),
    );
    return undefined;
  }

  #balanceWithAffinity(chain: string, endpoints: readonly Endpoint[]): void {
    const { affinitySeconds, family } = this.#port;
    const rules: string[] = [];
    for (const e of endpoints) {
      const names = endpointNames(this.#port, e);
      const type = family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr';
      this.#sets.set(
        names.affinity,
        `type ${type} ; size ${AFFINITY_CLIENTS} ; flags dynamic,timeout ; timeout ${affinitySeconds}s ;`,
      );
      this.#chains.set(names.chain, [
        `update @${names.affinity} { ${this.#ip} saddr }`,
        `meta l4proto ${this.#proto} dnat to ${token(hostPort(e.ip, e.port))}`,
      ]);
      rules.push(`${this.#ip} saddr @${names.affinity} goto ${names.chain}`);
    }
    for (const [i, e] of endpoints.entries()) {
      rules.push(`${chance(endpoints.length - i)}goto ${endpointNames(this.#port, e).chain}`);
    }
    this.#chains.set(chain, rules);
  }

  // An endpoint that reaches itself through the Service would answer itself directly.
  #hairpin(): void {
    for (const e of this.#plan.reachable) {
      if (!e.isLocal) continue;
      const ip = token(e.ip);
      this.#add(HAIRPIN_CONNECTIONS, `${ip} . ${ip} . ${this.#proto} . ${e.port}`, '');
    }
  }

  #refuse(ip: string, verdict: 'reject' | 'drop'): void {
    this.#add(NO_ENDPOINT_SERVICES, this.#place(ip, this.#port.port), this.#refusal(verdict));
  }

  #refusal(verdict: 'reject' | 'drop'): string {
    checkComment(this.#port.id);
    return `comment "${this.#port.id}" : ${verdict === 'reject' ? `goto ${REJECT_CHAIN}` : 'drop'}`;
  }

  #place(ip: string, port: number): string {
    return `${token(ip)} . ${this.#proto} . ${port}`;
  }

  #add(container: string, key: string, value: string): void {
    this.#elements.push({ container, key, value });
  }
}

function covers(outer: AddressRange, inner: AddressRange): boolean {
  return outer.prefix <= inner.prefix && outer.contains(inner);
}

// The first of n rules takes one packet of n, the second one of the n-1 that are left, the last all.
function chance(left: number): string {
  return left > 1 ? `numgen random mod ${left} 0 ` : '';
}
