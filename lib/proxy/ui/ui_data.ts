/** What the proxy's page shows: all Service ports with their endpoints, searched by any of their names and addresses. Pure. */
import type { ExplainSource } from '../explain/explain.ts';
import { hostPort } from '../model/address.ts';
import type { Frontend } from '../model/frontends.ts';
import type { ServicePlan, Verdict } from '../model/plan.ts';
import { isExternallyReachable, serviceKeyOf } from '../model/service_port.ts';
import type { UiServiceRow, UiServices, UiTotals } from './page_data.ts';

const MAX_ROWS = 200;

/** @param search words that a row must all contain, in any of its names and addresses, those of endpoints included */
export function findServices(sources: readonly ExplainSource[], search: string): UiServices {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const rows: UiServiceRow[] = [];
  let found = 0;
  for (const plan of plansOf(sources)) {
    if (!matches(plan, words)) continue;
    found++;
    if (rows.length < MAX_ROWS) rows.push(rowOf(plan));
  }
  return { rows, found };
}

export function totalsOf(sources: readonly ExplainSource[]): UiTotals {
  const services = new Set<string>();
  let [ports, endpoints, withoutEndpoints] = [0, 0, 0];
  for (const plan of plansOf(sources)) {
    services.add(serviceKeyOf(plan.port));
    ports++;
    endpoints += plan.reachable.length;
    if (plan.internal === 'reject') withoutEndpoints++;
  }
  return { services: services.size, ports, endpoints, withoutEndpoints };
}

function* plansOf(sources: readonly ExplainSource[]): Iterable<ServicePlan> {
  for (const { planner } of sources) yield* planner.plans.values();
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

function rowOf(plan: ServicePlan): UiServiceRow {
  const { portName, port, family, protocol } = plan.port;
  return {
    service: serviceKeyOf(plan.port),
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
