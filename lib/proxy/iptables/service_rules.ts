/** Turns the plan of one Service port into chains of its own and the rules that lead packets to them. Pure. */
import { hostPort } from '../model/address.ts';
import type { ServicePlan } from '../model/plan.ts';
import type { FamilyPolicy, LocalDetector } from '../model/policy.ts';
import type { Endpoint, ServicePort } from '../model/service_port.ts';
import { isExternallyReachable } from '../model/service_port.ts';
import type { ServiceChains, Table } from './names.ts';
import {
  EXTERNAL_SERVICES_CHAIN,
  MARK_MASQ_CHAIN,
  NODE_PORTS_CHAIN,
  PROXY_FIREWALL_CHAIN,
  SERVICES_CHAIN,
  endpointChain,
  serviceChains,
} from './names.ts';
import { comment, probability, token } from './rule_text.ts';

/** A rule in a chain that all Services share. Within one chain their order does not matter: no two match one packet. */
export interface DispatchRule {
  readonly table: Table;
  readonly chain: string;
  /** Without `-A CHAIN`. */
  readonly rule: string;
  /** The one address that it matches, if it is in the chain that is a tree by address. */
  readonly to?: string;
}

/** All rules that exist because of one Service port. */
export interface ServiceRules {
  /** Chains in the nat table that are this Service port's alone: name to rules. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
  readonly dispatch: readonly DispatchRule[];
}

/**
 * Renders the plan.
 *
 * @param large for clusters of many endpoints. The kernel looks through all rules of the table with each transaction, once
 *   for each way that leads to them (10,000 Services with three endpoints: 90 ms). So Services get as few rules as serve:
 *   no comments in chains of their own, no jump for a mark, and no chain for an endpoint that needs but one rule
 * @throws UnsafeTokenError when a value got past validation
 */
export function serviceRules(plan: ServicePlan, policy: FamilyPolicy, large = false): ServiceRules {
  return new Renderer(plan, policy, large).render();
}

class Renderer {
  readonly #plan: ServicePlan;
  readonly #port: ServicePort;
  readonly #policy: FamilyPolicy;
  readonly #large: boolean;
  readonly #names: ServiceChains;
  readonly #chains = new Map<string, readonly string[]>();
  readonly #dispatch: DispatchRule[] = [];
  readonly #proto: string;

  constructor(plan: ServicePlan, policy: FamilyPolicy, large: boolean) {
    this.#plan = plan;
    this.#port = plan.port;
    this.#policy = policy;
    this.#large = large;
    this.#names = serviceChains(plan.port.id, plan.port.protocol);
    this.#proto = plan.port.protocol.toLowerCase();
  }

  render(): ServiceRules {
    const { internal, external } = this.#plan;
    this.#internal(internal);
    if (isExternallyReachable(this.#port)) this.#external(external);
    if (this.#port.healthCheckNodePort !== 0) {
      this.#add(
        'filter',
        NODE_PORTS_CHAIN,
        `-p tcp ${this.#comment('health check node port')} -m tcp --dport ${this.#port.healthCheckNodePort} -j ACCEPT`,
      );
    }
    this.#ownChains();
    return { chains: this.#chains, dispatch: this.#dispatch };
  }

  #internal(verdict: ServicePlan['internal']): void {
    const frontend = this.#plan.frontends.find((f) => f.kind === 'cluster');
    if (frontend === undefined) return;
    if (verdict === 'reject' || verdict === 'drop') {
      this.#refuse(SERVICES_CHAIN, verdict, this.#port.clusterIP);
      return;
    }
    const chain = this.#policyChain(verdict);
    this.#dispatchTo(this.#port.clusterIP, 'cluster IP', chain);
  }

  #external(verdict: ServicePlan['external']): void {
    const { port } = this;
    const anywhere = verdict !== 'reject';
    for (const frontend of this.#plan.frontends) {
      if (frontend.kind === 'cluster') continue;
      if (frontend.kind === 'node') {
        if (verdict === 'reject' || verdict === 'drop') {
          const to = `${this.#noEndpoints(verdict)} -m addrtype --dst-type LOCAL -m ${this.#proto} --dport ${frontend.port}`;
          this.#add(
            'filter',
            EXTERNAL_SERVICES_CHAIN,
            `-p ${this.#proto} ${to} ${refusal(verdict, port.family)}`,
          );
        }
        if (anywhere) {
          const rule = `-p ${this.#proto} ${comment(port.id)} -m ${this.#proto} --dport ${frontend.port} -j ${this.#names.ext}`;
          this.#add('nat', NODE_PORTS_CHAIN, rule);
        }
        continue;
      }
      if (verdict === 'reject' || verdict === 'drop')
        this.#refuse(EXTERNAL_SERVICES_CHAIN, verdict, frontend.ip);
      if (!anywhere) continue;
      const what = frontend.kind === 'external' ? 'external IP' : 'loadbalancer IP';
      const guarded = frontend.kind === 'loadBalancer' && port.loadBalancerSourceRanges.length > 0;
      const target = guarded ? this.#names.fw : this.#names.ext;
      this.#dispatchTo(frontend.ip, what, target);
      if (guarded) {
        const why = `traffic not accepted by ${this.#names.fw}`;
        this.#add('filter', PROXY_FIREWALL_CHAIN, this.#match(frontend.ip, why, '-j DROP'));
      }
    }
    if (!anywhere) return;
    this.#chains.set(this.#names.ext, this.#externalChain(verdict));
    if (port.loadBalancerSourceRanges.length > 0 && port.loadBalancerIPs.length > 0) {
      this.#chains.set(this.#names.fw, this.#firewallChain());
    }
  }

  // Masquerade what comes from outside, unless the policy keeps it on this node and with its source address.
  #externalChain(verdict: ServicePlan['external']): string[] {
    const { svc, svl } = this.#names;
    if (!this.#port.externalPolicyLocal) {
      return [
        `${this.#note(`masquerade traffic for ${this.#port.id} external destinations`)}${this.#markMasq()}`,
        `-j ${svc}`,
      ];
    }
    const what = `for ${this.#port.id} external destinations`;
    const rules: string[] = [];
    const detector = this.#policy.localDetector;
    if (detector !== undefined) {
      rules.push(`${localMatch(detector)} ${this.#note(`pod traffic ${what}`)}-j ${svc}`);
    }
    const fromNode = '-m addrtype --src-type LOCAL';
    rules.push(
      `${this.#note(`masquerade LOCAL traffic ${what}`)}${fromNode} ${this.#markMasq()}`,
      `${this.#note(`route LOCAL traffic ${what}`)}${fromNode} -j ${svc}`,
    );
    if (verdict === 'local') rules.push(`-j ${svl}`);
    return rules;
  }

  #firewallChain(): string[] {
    const { loadBalancerSourceRanges, loadBalancerIPs, id, family } = this.#port;
    const accepted = (source: string): string =>
      `-s ${token(source)} ${this.#note(`${id} loadbalancer IP`)}-j ${this.#names.ext}`;
    const rules = loadBalancerSourceRanges.map((range) => accepted(range.toString()));
    // The node may have the load balancer's address itself; its own packets to it then come from that address.
    const nodeAllowed = this.#policy.nodeIPs.some((ip) =>
      loadBalancerSourceRanges.some((range) => range.contains({ family, ip })),
    );
    if (nodeAllowed) rules.push(...loadBalancerIPs.map((ip) => accepted(`${ip}/${hostPrefix(family)}`)));
    if (!this.#large) rules.push(comment(`other traffic to ${id} will be dropped by KUBE-PROXY-FIREWALL`));
    return rules;
  }

  #ownChains(): void {
    const { internal, external, cluster, local, reachable, frontends } = this.#plan;
    const { svc, svl } = this.#names;
    const viaClusterIP = frontends.some((f) => f.kind === 'cluster');
    const needsExternal = isExternallyReachable(this.#port) && external !== 'reject';
    const endpoints = new Set<Endpoint>();
    if (internal === 'cluster' || needsExternal) {
      this.#chains.set(svc, [
        ...(internal === 'cluster' && viaClusterIP ? this.#masquerade() : []),
        ...this.#balance(cluster),
      ]);
      cluster.forEach((e) => endpoints.add(e));
    }
    if (internal === 'local' || (needsExternal && external === 'local')) {
      this.#chains.set(svl, [
        ...(internal === 'local' && viaClusterIP ? this.#masquerade() : []),
        ...this.#balance(local),
      ]);
      local.forEach((e) => endpoints.add(e));
    }
    for (const endpoint of reachable) {
      if (endpoints.has(endpoint) && this.#needsChain(endpoint))
        this.#chains.set(this.#endpointName(endpoint), this.#endpointRules(endpoint));
    }
  }

  /** Traffic to the cluster IP that must get this node's address as source, so that answers come back here. */
  #masquerade(): string[] {
    const rule = (source: string): string => {
      const dest = `-d ${token(this.#port.clusterIP)}/${hostPrefix(this.#port.family)}`;
      const [before, after] = source.includes('-i ')
        ? ['', `${source} `]
        : [source === '' ? '' : `${source} `, ''];
      return `${before}${dest} ${after}-p ${this.#proto} ${this.#note(`${this.#port.id} cluster IP`)}-m ${this.#proto} --dport ${this.#port.port} ${this.#markMasq()}`;
    };
    if (this.#policy.masqueradeAll) return [rule('')];
    const detector = this.#policy.localDetector;
    return detector === undefined ? [] : [rule(`! ${localMatch(detector)}`)];
  }

  #balance(endpoints: readonly Endpoint[]): string[] {
    const rules: string[] = [];
    const to = (e: Endpoint): string => this.#note(`${this.#port.id} -> ${e.address}`);
    if (this.#port.affinitySeconds > 0) {
      for (const e of endpoints) {
        const name = this.#endpointName(e);
        const seen = `-m recent --rcheck --seconds ${this.#port.affinitySeconds} --reap ${this.#recentList(name)}`;
        rules.push(`${to(e)}${seen} -j ${name}`);
      }
    }
    for (const [i, e] of endpoints.entries()) {
      const left = endpoints.length - i;
      const chance = left > 1 ? `-m statistic --mode random --probability ${probability(left)} ` : '';
      if (this.#needsChain(e)) rules.push(`${to(e)}${chance}-j ${this.#endpointName(e)}`);
      else rules.push(`-p ${this.#proto} ${to(e)}${chance}${this.#translate(e)}`);
    }
    return rules;
  }

  #endpointRules(endpoint: Endpoint): string[] {
    const { id, family, affinitySeconds } = this.#port;
    const remember =
      affinitySeconds > 0 ? `-m recent --set ${this.#recentList(this.#endpointName(endpoint))} ` : '';
    return [
      // An endpoint that reaches itself through the Service would answer itself directly.
      `-s ${token(endpoint.ip)}/${hostPrefix(family)} ${this.#note(id)}${this.#markMasq()}`,
      `-p ${this.#proto} ${this.#note(id)}${remember}-m ${this.#proto} ${this.#translate(endpoint)}`,
    ];
  }

  #translate(endpoint: Endpoint): string {
    return `-j DNAT --to-destination ${token(hostPort(endpoint.ip, endpoint.port))}`;
  }

  /**
   * Whether the endpoint has to be remembered for its clients, or may be its own client here: an endpoint of another node
   * comes here by external addresses alone, and is masqueraded then unless the policy is Local.
   */
  #needsChain(endpoint: Endpoint): boolean {
    const { affinitySeconds, externalPolicyLocal } = this.#port;
    const mayBeHere = endpoint.isLocal || endpoint.nodeName === undefined;
    return !this.#large || affinitySeconds > 0 || mayBeHere || externalPolicyLocal;
  }

  #markMasq(): string {
    const mark = `0x${this.#policy.masqueradeMark.toString(16)}`;
    return this.#large ? `-j MARK --set-xmark ${mark}/${mark}` : `-j ${MARK_MASQ_CHAIN}`;
  }

  #recentList(name: string): string {
    const mask = this.#port.family === 'IPv4' ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
    return `--name ${name} --mask ${mask} --rsource`;
  }

  #refuse(chain: string, verdict: 'reject' | 'drop', ip: string): void {
    const what = verdict === 'reject' ? 'has no endpoints' : 'has no local endpoints';
    this.#add('filter', chain, this.#match(ip, what, refusal(verdict, this.#port.family)));
  }

  #noEndpoints(verdict: 'reject' | 'drop'): string {
    return this.#comment(verdict === 'reject' ? 'has no endpoints' : 'has no local endpoints');
  }

  #match(ip: string, what: string, action: string): string {
    const { family, port } = this.#port;
    return `-d ${token(ip)}/${hostPrefix(family)} -p ${this.#proto} ${this.#comment(what)} -m ${this.#proto} --dport ${port} ${action}`;
  }

  // With a space after it: it stands before the rest of a rule in a chain of the Service's own.
  #note(text: string): string {
    return this.#large ? '' : `${comment(text)} `;
  }

  #comment(what: string): string {
    return comment(`${this.#port.id} ${what}`);
  }

  #policyChain(verdict: 'cluster' | 'local'): string {
    return verdict === 'cluster' ? this.#names.svc : this.#names.svl;
  }

  #endpointName(endpoint: Endpoint): string {
    return endpointChain(this.#port.id, this.#port.protocol, endpoint.address);
  }

  #dispatchTo(ip: string, what: string, chain: string): void {
    const rule = this.#match(ip, what, `-j ${chain}`);
    this.#dispatch.push({ table: 'nat', chain: SERVICES_CHAIN, rule, to: ip });
  }

  #add(table: Table, chain: string, rule: string): void {
    this.#dispatch.push({ table, chain, rule });
  }

  get port(): ServicePort {
    return this.#port;
  }
}

function hostPrefix(family: ServicePort['family']): number {
  return family === 'IPv4' ? 32 : 128;
}

function refusal(verdict: 'reject' | 'drop', family: ServicePort['family']): string {
  if (verdict === 'drop') return '-j DROP';
  return `-j REJECT --reject-with ${family === 'IPv4' ? 'icmp-port-unreachable' : 'icmp6-port-unreachable'}`;
}

/** The match for packets of pods; put `!` before it for all others. */
export function localMatch(detector: LocalDetector): string {
  if (detector.kind === 'sourceRange') return `-s ${token(detector.range.toString())}`;
  if (detector.kind === 'interface') return `-i ${token(detector.name)}`;
  return `-i ${token(detector.prefix)}+`;
}
