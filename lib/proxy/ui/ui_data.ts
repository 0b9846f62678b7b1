/** What the proxy's page shows: all Service ports with their endpoints, searched by any of their names and addresses. Pure. */
import type { ExplainSource } from '../explain/explain.ts';
import { hostPort } from '../model/address.ts';
import type { Frontend } from '../model/frontends.ts';
import type { ServicePlan, Verdict } from '../model/plan.ts';
import { isExternallyReachable } from '../model/service_port.ts';

export interface ServiceRow {
  /** `namespace/name` */
  readonly service: string;
  /** Name of the port, or its number when it has none. */
  readonly port: string;
  readonly family: string;
  readonly protocol: string;
  /** Where it answers, most important first. */
  readonly places: readonly string[];
  readonly endpoints: number;
  readonly local: number;
  readonly leftOut: number;
  /** What is wrong or unusual; empty: nothing. */
  readonly note: string;
}

export interface ServicePage {
  readonly rows: readonly ServiceRow[];
  /** Of all rows that the search finds. */
  readonly found: number;
  readonly totals: {
    readonly services: number;
    readonly ports: number;
    readonly endpoints: number;
    /** Service ports without any endpoint. */
    readonly withoutEndpoints: number;
  };
}

const MAX_ROWS = 200;

/** @param search words that a row must all contain, in any of its names and addresses, those of endpoints included */
export function servicePage(sources: readonly ExplainSource[], search: string): ServicePage {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const rows: ServiceRow[] = [];
  const services = new Set<string>();
  let [found, ports, endpoints, withoutEndpoints] = [0, 0, 0, 0];
  for (const { planner } of sources) {
    for (const plan of planner.plans.values()) {
      const { namespace, name } = plan.port;
      services.add(`${namespace}/${name}`);
      ports++;
      endpoints += plan.reachable.length;
      if (plan.internal === 'reject') withoutEndpoints++;
      if (!matches(plan, words)) continue;
      found++;
      if (rows.length < MAX_ROWS) rows.push(rowOf(plan));
    }
  }
  return { rows, found, totals: { services: services.size, ports, endpoints, withoutEndpoints } };
}

function matches(plan: ServicePlan, words: readonly string[]): boolean {
  return words.every(
    (word) =>
      plan.port.id.includes(word) ||
      plan.port.protocol.toLowerCase() === word ||
      plan.port.family.toLowerCase() === word ||
      plan.frontends.some((frontend) => placeOf(frontend).includes(word)) ||
      plan.reachable.some((e) => e.address.includes(word)) ||
      plan.leftOut.some(({ endpoint }) => endpoint.address.includes(word)),
  );
}

function rowOf(plan: ServicePlan): ServiceRow {
  const { namespace, name, portName, port, family, protocol } = plan.port;
  return {
    service: `${namespace}/${name}`,
    port: portName === '' ? String(port) : portName,
    family,
    protocol,
    places: plan.frontends.map(placeOf),
    endpoints: plan.reachable.length,
    local: plan.reachable.filter((e) => e.isLocal).length,
    leftOut: plan.leftOut.length,
    note: noteOf(plan),
  };
}

function placeOf(frontend: Frontend): string {
  return frontend.kind === 'node' ? `node port ${frontend.port}` : hostPort(frontend.ip, frontend.port);
}

function noteOf(plan: ServicePlan): string {
  const notes: string[] = [];
  if (plan.internal === 'reject') notes.push('no endpoints: refused');
  else {
    notes.push(...dropped('cluster IP', plan.internal));
    if (isExternallyReachable(plan.port)) notes.push(...dropped('from outside', plan.external));
  }
  const [lost] = plan.contested;
  if (lost !== undefined) notes.push(`${placeOf(lost.frontend)} belongs to ${lost.owner}`);
  return notes.join('; ');
}

function dropped(what: string, verdict: Verdict): string[] {
  return verdict === 'drop' ? [`${what}: dropped, no endpoint on this node (policy Local)`] : [];
}
