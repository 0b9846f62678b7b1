/** Says why a packet goes where it goes: which Service has the destination, which rules and endpoints, who is left out. */
import type { Backend } from '../backend.ts';
import { parseAddress } from '../model/address.ts';
import type { Family } from '../model/address.ts';
import { frontendKey } from '../model/frontends.ts';
import type { Frontend } from '../model/frontends.ts';
import type { ServicePlan } from '../model/plan.ts';
import type { ServicePlanner } from '../model/planner.ts';
import type { Endpoint, Protocol } from '../model/service_port.ts';
import type { PacketExplanation, PacketPath, PortExplanation, ServiceExplanation } from './explanation.ts';
import { packetPath } from './packet_path.ts';
import { rulesMet } from './rules_met.ts';

export interface ExplainSource {
  readonly family: Family;
  readonly planner: ServicePlanner;
  readonly backend: Backend;
}

export interface Destination {
  readonly ip: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** Where the packet comes from; undefined: what holds for all sources is explained. */
  readonly source?: string;
}

/**
 * Reads `10.0.0.1:80`, `[fd00::1]:80`, with protocol `tcp` (default), `udp` or `sctp`.
 *
 * @param source address of the same family; empty: none given
 * @returns undefined when any of it is not valid
 */
export function parseDestination(text: string, protocol: string, source = ''): Destination | undefined {
  const match = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const address = parseAddress(match?.[1] ?? match?.[2] ?? '');
  const port = Number(match?.[3]);
  const wanted = protocol.toUpperCase();
  if (address === undefined || port < 1 || port > 65_535) return undefined;
  if (wanted !== 'TCP' && wanted !== 'UDP' && wanted !== 'SCTP') return undefined;
  if (source === '') return { ip: address.ip, port, protocol: wanted };
  const from = parseAddress(source);
  if (from?.family !== address.family) return undefined;
  return { ip: address.ip, port, protocol: wanted, source: from.ip };
}

/** @param isNodeAddress whether node ports answer at an address */
export function explainDestination(
  sources: readonly ExplainSource[],
  destination: Destination,
  isNodeAddress: (ip: string) => boolean,
): PacketExplanation {
  const { ip, port, protocol } = destination;
  const family = ip.includes(':') ? 'IPv6' : 'IPv4';
  const source = sources.find((s) => s.family === family);
  if (source === undefined) return { destination, verdict: `no ${family} rules on this node` };
  const direct = frontendKey(protocol, { kind: 'cluster', ip, port });
  const asNodePort = frontendKey(protocol, { kind: 'node', port });
  for (const plan of source.planner.plans.values()) {
    for (const frontend of plan.frontends) {
      const key = frontendKey(plan.port.protocol, frontend);
      if (key === direct || (key === asNodePort && isNodeAddress(ip))) {
        const path = pathOf(source, plan, frontend, destination, isNodeAddress);
        const verdict = frontend.kind === 'cluster' ? plan.internal : plan.external;
        const port = explainPlan(source, plan);
        const rules = rulesMet(port.rules, frontend, plan.frontends);
        return { destination, matched: frontend, verdict, ...path, ...port, rules };
      }
    }
  }
  return { destination, verdict: 'no Service: the packet goes on unchanged' };
}

function pathOf(
  { family, backend }: ExplainSource,
  plan: ServicePlan,
  frontend: Frontend,
  { source: ip }: Destination,
  isNodeAddress: (ip: string) => boolean,
): { path?: PacketPath } {
  if (ip === undefined) return {};
  const source = { address: { family, ip }, isNode: isNodeAddress(ip) };
  return { path: packetPath(plan, frontend, source, backend.policy) };
}

/** All ports of `namespace/name` in all families. */
export function explainService(sources: readonly ExplainSource[], serviceKey: string): ServiceExplanation {
  const ports = sources.flatMap((s) =>
    s.planner.plansOf(serviceKey).map((plan) => {
      const { internal, external, frontends } = plan;
      return { ...explainPlan(s, plan), internal, external, frontends };
    }),
  );
  return ports.length === 0
    ? {
        service: serviceKey,
        verdict: 'no rules: no such Service, headless, ExternalName, or of another proxy',
      }
    : { service: serviceKey, ports };
}

function explainPlan(source: ExplainSource, plan: ServicePlan): PortExplanation {
  const { port } = plan;
  return {
    servicePort: port.id,
    family: port.family,
    protocol: port.protocol,
    candidates: {
      cluster: plan.cluster.map((e) => e.address),
      local: plan.local.map((e) => e.address),
    },
    endpoints: plan.reachable.map((e) => ({
      endpoint: e.address,
      node: e.nodeName ?? '',
      onThisNode: e.isLocal,
      state: stateOf(e),
    })),
    affinitySeconds: port.affinitySeconds,
    leftOut: plan.leftOut.map(({ endpoint, reason }) => ({
      endpoint: endpoint.address,
      node: endpoint.nodeName,
      reason,
    })),
    contested: plan.contested,
    rules: source.backend.explain(port.id),
  };
}

function stateOf({ ready, terminating }: Endpoint): string {
  if (ready) return 'ready';
  return terminating ? 'terminating, serves still' : 'not ready';
}
