/** Keeps the plans of all Service ports of one address family up to date, change set by change set. */
import type { Family } from './address.ts';
import { FrontendClaims } from './frontends.ts';
import type { ServicePlan } from './plan.ts';
import { planServicePort } from './plan.ts';
import type { Endpoint, ServicePort } from './service_port.ts';

/** Where the planner reads Services and endpoints from (the tracker). */
export interface ServiceSource {
  ports(serviceKey: string, family: Family): readonly ServicePort[];
  endpoints(port: ServicePort): readonly Endpoint[];
}

export interface PlannerOptions {
  readonly family: Family;
  readonly nodeName: string;
}

/** A Service port whose plan is not what it was. */
export interface PlanChange {
  readonly id: string;
  readonly before: ServicePlan | undefined;
  readonly after: ServicePlan | undefined;
}

export class ServicePlanner {
  readonly #source: ServiceSource;
  readonly #options: PlannerOptions;
  readonly #claims = new FrontendClaims();
  readonly #plans = new Map<string, ServicePlan>();
  readonly #idsOf = new Map<string, ReadonlySet<string>>();
  #zone: string | undefined;

  constructor(source: ServiceSource, options: PlannerOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** All plans, by Service port id. */
  get plans(): ReadonlyMap<string, ServicePlan> {
    return this.#plans;
  }

  /** The zone of the node is known or has changed. @returns the changes that this makes in what has been planned */
  setZone(zone: string | undefined): PlanChange[] {
    if (zone === this.#zone) return [];
    this.#zone = zone;
    return this.update(new Set(this.#idsOf.keys()));
  }

  /** Plans the named Services anew, and those that win or lose a frontend by it. */
  update(serviceKeys: ReadonlySet<string>): PlanChange[] {
    const ports = new Map<string, ServicePort | undefined>();
    for (const key of serviceKeys) {
      const before = this.#idsOf.get(key) ?? new Set<string>();
      const now = this.#source.ports(key, this.#options.family);
      const after = new Set(now.map((port) => port.id));
      for (const id of before) if (!after.has(id)) ports.set(id, undefined);
      for (const port of now) ports.set(port.id, port);
      if (after.size === 0) this.#idsOf.delete(key);
      else this.#idsOf.set(key, after);
    }
    // Claims first, all of them: plans depend on who has which frontend in the end.
    const affected = new Set<string>();
    for (const [id, port] of ports) for (const other of this.#claims.set(id, port)) affected.add(other);
    for (const id of affected) if (!ports.has(id)) ports.set(id, this.#plans.get(id)?.port);

    const changes: PlanChange[] = [];
    for (const [id, port] of ports) {
      const before = this.#plans.get(id);
      const after = port === undefined ? undefined : this.#plan(port);
      if (after === undefined) this.#plans.delete(id);
      else this.#plans.set(id, after);
      if (before !== undefined || after !== undefined) changes.push({ id, before, after });
    }
    return changes;
  }

  #plan(port: ServicePort): ServicePlan {
    return planServicePort(port, this.#source.endpoints(port), {
      nodeName: this.#options.nodeName,
      zone: this.#zone,
      ownerOf: (key) => this.#claims.ownerOf(key),
    });
  }

  /** Plans of the Service `namespace/name`. */
  plansOf(serviceKey: string): ServicePlan[] {
    return [...(this.#idsOf.get(serviceKey) ?? [])]
      .map((id) => this.#plans.get(id))
      .filter((plan) => plan !== undefined);
  }
}
