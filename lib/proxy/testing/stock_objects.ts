/** Objects of which stock's rules are recorded, for comparing ours with them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EndpointSlice, Service } from '../../api/types.ts';
import type { Family } from '../model/address.ts';
import type { ServicePlan } from '../model/plan.ts';
import { ServicePlanner } from '../model/planner.ts';
import { ServiceTracker } from '../tracker/tracker.ts';

/** The node whose rules were recorded. */
export const STOCK_NODE = 'n1';

/** Our plans of the recorded objects. */
export function stockPlans(family: Family): ServicePlan[] {
  const text = readFileSync(join(__dirname, '..', 'iptables', 'testdata', 'objects.json'), 'utf8');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a fixture of ours, as the apiserver gave it
  const objects = JSON.parse(text) as ReadonlyArray<Service | EndpointSlice>;
  const tracker = new ServiceTracker({ nodeName: STOCK_NODE });
  for (const object of objects) {
    if (isService(object)) tracker.setService(object);
    else tracker.setSlice(object);
  }
  const planner = new ServicePlanner(tracker, { family, nodeName: STOCK_NODE });
  const changes = planner.update(tracker.take().services);
  return changes.map(({ after }) => after).filter((plan) => plan !== undefined);
}

function isService(object: Service | EndpointSlice): object is Service {
  return object.kind === 'Service';
}
