/** What becomes of a packet from a given source at a place of a Service: the decisions that its rules make, in order. Pure. */
import type { IPAddress } from '../model/address.ts';
import type { Frontend } from '../model/frontends.ts';
import type { ServicePlan, Verdict } from '../model/plan.ts';
import type { FamilyPolicy } from '../model/policy.ts';
import type { Endpoint } from '../model/service_port.ts';
import type { PacketPath, PathStep } from './explanation.ts';

export interface PacketSource {
  readonly address: IPAddress;
  /** An address of this node. */
  readonly isNode: boolean;
}

/** @param frontend place of the plan at which the packet arrives */
export function packetPath(
  plan: ServicePlan,
  frontend: Frontend,
  source: PacketSource,
  policy: FamilyPolicy,
): PacketPath {
  return new Path(plan, frontend, source, policy).follow();
}

type Answer = 'yes' | 'no' | 'unknown';

class Path {
  readonly #plan: ServicePlan;
  readonly #frontend: Frontend;
  readonly #source: PacketSource;
  readonly #policy: FamilyPolicy;
  readonly #steps: PathStep[] = [];

  constructor(plan: ServicePlan, frontend: Frontend, source: PacketSource, policy: FamilyPolicy) {
    this.#plan = plan;
    this.#frontend = frontend;
    this.#source = source;
    this.#policy = policy;
  }

  follow(): PacketPath {
    if (!this.#passesSourceRanges()) return this.#end('dropped');
    const verdict = this.#frontend.kind === 'cluster' ? this.#plan.internal : this.#plan.external;
    const taken = this.#trafficPolicy(verdict);
    if (taken === 'reject') return this.#end('rejected');
    if (taken === 'drop') return this.#end('dropped');
    const endpoints = taken === 'cluster' ? this.#plan.cluster : this.#plan.local;
    this.#choice(endpoints);
    this.#sourceAddress(taken, endpoints);
    return this.#end('translated', endpoints);
  }

  #end(verdict: PacketPath['verdict'], endpoints: readonly Endpoint[] = []): PacketPath {
    return { verdict, endpoints: endpoints.map((e) => e.address), steps: this.#steps };
  }

  #say(step: PathStep['step'], outcome: string, why: string): void {
    this.#steps.push({ step, outcome, why });
  }

  #passesSourceRanges(): boolean {
    const { loadBalancerSourceRanges: ranges, loadBalancerIPs, family } = this.#plan.port;
    if (this.#frontend.kind !== 'loadBalancer' || ranges.length === 0) return true;
    const { address } = this.#source;
    const range = ranges.find((r) => r.contains(address));
    if (range !== undefined) {
      this.#say('source ranges', 'allowed', `${address.ip} is in ${range.toString()}`);
      return true;
    }
    const nodeRange = ranges.find((r) => this.#policy.nodeIPs.some((ip) => r.contains({ family, ip })));
    if (nodeRange !== undefined && loadBalancerIPs.includes(address.ip)) {
      const why = `the node is in ${nodeRange.toString()}, and reaches the address from that address itself`;
      this.#say('source ranges', 'allowed', why);
      return true;
    }
    const list = ranges.map((r) => r.toString()).join(', ');
    this.#say('source ranges', 'dropped', `${address.ip} is in none of loadBalancerSourceRanges (${list})`);
    return false;
  }

  /** Which endpoints the packet may go to. */
  #trafficPolicy(verdict: Verdict): Verdict {
    const field = this.#frontend.kind === 'cluster' ? 'internalTrafficPolicy' : 'externalTrafficPolicy';
    if (verdict === 'reject') {
      this.#say('endpoints', 'rejected', 'no endpoint is ready or still serving');
      return verdict;
    }
    if (verdict === 'cluster') {
      this.#say('traffic policy', 'all endpoints', `${field} is Cluster`);
      return verdict;
    }
    if (this.#frontend.kind !== 'cluster') {
      const pod = this.#isPod();
      if (pod === 'yes' || this.#source.isNode) {
        const who = pod === 'yes' ? 'pods of this cluster' : 'the node itself';
        const why = `${field} is Local, which does not hold for ${who}`;
        this.#say('traffic policy', 'all endpoints', why);
        return 'cluster';
      }
      if (pod === 'unknown') {
        const why =
          'whether it comes from a pod is seen by the interface that it comes in by; taken as from outside';
        this.#say('traffic policy', 'unknown', why);
      }
    }
    if (verdict === 'drop') {
      this.#say('traffic policy', 'dropped', `${field} is Local, and no endpoint is on this node`);
      return verdict;
    }
    this.#say('traffic policy', 'endpoints of this node', `${field} is Local`);
    return verdict;
  }

  #choice(endpoints: readonly Endpoint[]): void {
    const { affinitySeconds } = this.#plan.port;
    if (affinitySeconds > 0) {
      const why = 'sessionAffinity is ClientIP';
      this.#say('affinity', `the endpoint that this client had in the last ${affinitySeconds} s`, why);
    }
    const share = (100 / endpoints.length).toFixed(endpoints.length > 10 ? 1 : 0);
    const why = endpoints.length === 1 ? 'there is one' : `chosen at random, ${share}% each`;
    this.#say('endpoints', endpoints.map((e) => e.address).join(', '), why);
  }

  #sourceAddress(taken: Verdict, endpoints: readonly Endpoint[]): void {
    const { address } = this.#source;
    const masqueraded = this.#masqueradeReason(taken);
    const self = endpoints.some((e) => e.ip === address.ip);
    if (masqueraded !== undefined)
      this.#say('source address', 'the node takes the place of the client', masqueraded);
    else if (self && endpoints.length === 1)
      this.#say('source address', 'the node takes the place of the client', 'the client is the endpoint');
    else if (self)
      this.#say(
        'source address',
        'kept, unless the client itself is chosen',
        'the client is one of the endpoints',
      );
    else this.#say('source address', 'kept', this.#keptReason());
  }

  #masqueradeReason(taken: Verdict): string | undefined {
    if (this.#frontend.kind === 'cluster') {
      if (this.#policy.masqueradeAll) return 'masqueradeAll is on';
      return this.#policy.localDetector !== undefined && this.#isPod() === 'no'
        ? 'it does not come from a pod of this cluster'
        : undefined;
    }
    if (!this.#plan.port.externalPolicyLocal)
      return 'externalTrafficPolicy is Cluster: answers have to come back by this node';
    return taken === 'cluster' && this.#isPod() !== 'yes' ? 'it comes from the node itself' : undefined;
  }

  #keptReason(): string {
    if (this.#isPod() === 'yes') return 'it comes from a pod of this cluster';
    if (this.#isPod() === 'unknown')
      return 'if it comes in by an interface of pods; otherwise the node takes its place';
    return this.#policy.localDetector === undefined
      ? 'pods cannot be told from others: there is no range of pod addresses'
      : 'externalTrafficPolicy is Local';
  }

  #isPod(): Answer {
    const detector = this.#policy.localDetector;
    if (detector === undefined) return 'no';
    if (detector.kind !== 'sourceRange') return this.#source.isNode ? 'no' : 'unknown';
    return detector.range.contains(this.#source.address) ? 'yes' : 'no';
  }
}
