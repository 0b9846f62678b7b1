/**
 * What the table shall have, and what has changed in it since the kernel last got it: what the kernel has is this minus
 * what is remembered of before, so nothing has to be listed to make the next transaction. Chains and sets of single
 * Services are not kept but written anew from the plan when they are asked for.
 */
import type { ServicePlan } from '../model/plan.ts';
import type { RuleStore } from '../service_ledger.ts';
import type { Element, ServiceObjects } from './service_objects.ts';
import { sameList } from '../../base/same_list.ts';

/** Since the last commit; undefined: was not there, or is not there now. */
interface Touched {
  readonly chains: Map<string, { readonly wasThere: boolean; now: readonly string[] | undefined }>;
  readonly sets: Map<string, { readonly before: string | undefined; now: string | undefined }>;
  /** Values as they were. */
  readonly elements: Map<string, Map<string, string | undefined>>;
}

interface Held {
  value: string;
  /** How many Service ports want it: a cluster IP has several ports, an endpoint several Services. */
  holders: number;
}

/** The smallest set of changes since the last commit, in the order in which the kernel takes them. */
export interface TableChanges {
  readonly newChains: readonly string[];
  /** Chains whose rules go, to be written anew or to be deleted. */
  readonly flushChains: readonly string[];
  readonly deleteElements: ReadonlyArray<{ readonly container: string; readonly key: string }>;
  readonly deleteSets: readonly string[];
  readonly newSets: ReadonlyArray<{ readonly name: string; readonly spec: string }>;
  readonly rules: ReadonlyArray<{ readonly chain: string; readonly rules: readonly string[] }>;
  readonly newElements: ReadonlyArray<{
    readonly container: string;
    readonly key: string;
    readonly value: string;
  }>;
  readonly deleteChains: readonly string[];
}

/** All that the table shall have, each Service port's chains and sets before what refers to them. */
export interface TableContent {
  readonly objects: Iterable<ServiceObjects>;
  readonly elements: Iterable<Element>;
}

/** What was written for so many plans is kept until the commit, so that it need not be written twice. */
const MAX_RENDERED = 1000;

export interface TableStateOptions {
  /** Elements that are there without any Service. */
  readonly fixed: readonly Element[];
  /** Gives the same for the same plan. @throws UnsafeTokenError */
  readonly render: (plan: ServicePlan) => ServiceObjects;
}

export class TableState implements RuleStore {
  readonly #plans = new Map<string, ServicePlan>();
  readonly #render: (plan: ServicePlan) => ServiceObjects;
  // Of the first plans that were set since the last commit.
  readonly #rendered = new Map<string, ServiceObjects>();
  readonly #elements = new Map<string, Map<string, Held>>();
  #touched: Touched = nothing();
  // The kernel has had nothing of it.
  #isNew = true;

  constructor({ fixed, render }: TableStateOptions) {
    this.#render = render;
    for (const e of fixed) this.#hold(e.container, e.key, e.value);
  }

  get plans(): ReadonlyMap<string, ServicePlan> {
    return this.#plans;
  }

  /** What is in the table now (or pending) for a Service port. */
  objectsOf(id: string): ServiceObjects | undefined {
    const plan = this.#plans.get(id);
    return plan === undefined ? undefined : (this.#rendered.get(id) ?? this.#render(plan));
  }

  setPlan(id: string, plan: ServicePlan | undefined): void {
    const before = this.objectsOf(id);
    this.#plans.delete(id);
    this.#rendered.delete(id);
    if (plan === undefined) return this.#change(before, undefined);
    let objects;
    try {
      objects = this.#render(plan);
    } finally {
      this.#change(before, objects);
    }
    this.#plans.set(id, plan);
    if (this.#rendered.size < MAX_RENDERED) this.#rendered.set(id, objects);
  }

  #change(before: ServiceObjects | undefined, objects: ServiceObjects | undefined): void {
    const newSet = [...(objects?.sets ?? [])].some(([name, spec]) => {
      const had = before?.sets.get(name);
      return had !== undefined && had !== spec;
    });
    for (const [name, rules] of objects?.chains ?? []) {
      // A set that is made anew cannot be referred to meanwhile.
      const had = before?.chains.get(name);
      if (newSet || !sameList(had, rules)) this.#setChain(name, had !== undefined, rules);
    }
    for (const name of before?.chains.keys() ?? []) {
      if (objects?.chains.has(name) !== true) this.#setChain(name, true, undefined);
    }
    for (const [name, spec] of objects?.sets ?? []) this.#setSet(name, before?.sets.get(name), spec);
    for (const [name, spec] of before?.sets ?? []) {
      if (objects?.sets.has(name) !== true) this.#setSet(name, spec, undefined);
    }
    // In before out, so that what both have is never taken for gone.
    for (const e of objects?.elements ?? []) this.#hold(e.container, e.key, e.value);
    for (const e of before?.elements ?? []) this.#release(e.container, e.key, e.value);
  }

  /** The Service port because of which there is a chain, set or element of that name. */
  ownerOf(name: string, container: string): string | undefined {
    for (const id of this.#plans.keys()) {
      const objects = this.objectsOf(id);
      if (objects === undefined) continue;
      if (objects.chains.has(name) || objects.sets.has(name)) return id;
      if (objects.elements.some((e) => e.container === container && e.key === name)) return id;
    }
    return undefined;
  }

  /** Everything there is. Holds until the next change. */
  everything(): TableContent {
    return { objects: this.#objects(), elements: this.#allElements() };
  }

  *#objects(): Generator<ServiceObjects> {
    for (const id of this.#plans.keys()) {
      const objects = this.objectsOf(id);
      if (objects !== undefined) yield objects;
    }
  }

  *#allElements(): Generator<Element> {
    for (const [container, elements] of this.#elements)
      for (const [key, { value }] of elements) yield { container, key, value };
  }

  /** The changes since the last {@link TableState.committed}; there has been one. */
  changes(): TableChanges {
    const { chains, sets, elements } = this.#touched;
    const chainChanges = [...chains].map(([name, { wasThere, now }]) => ({ name, wasThere, now }));
    const setChanges = [...sets]
      .map(([name, { before, now }]) => ({ name, before, spec: now }))
      .filter(({ before, spec }) => before !== spec);
    const elementChanges = [...elements].flatMap(([container, keys]) =>
      [...keys]
        .map(([key, before]) => ({
          container,
          key,
          before,
          value: this.#elements.get(container)?.get(key)?.value,
        }))
        .filter(({ before, value }) => before !== value),
    );
    const living = chainChanges.flatMap((c) => (c.now === undefined ? [] : [{ ...c, rules: c.now }]));
    return {
      newChains: living.filter((c) => !c.wasThere).map((c) => c.name),
      flushChains: chainChanges.filter((c) => c.wasThere).map((c) => c.name),
      deleteElements: elementChanges.filter((e) => e.before !== undefined),
      deleteSets: setChanges.filter((s) => s.before !== undefined).map((s) => s.name),
      newSets: setChanges.flatMap(({ name, spec }) => (spec === undefined ? [] : [{ name, spec }])),
      rules: living.map(({ name, rules }) => ({ chain: name, rules })),
      newElements: elementChanges.flatMap(({ container, key, value }) =>
        value === undefined ? [] : [{ container, key, value }],
      ),
      deleteChains: chainChanges.filter((c) => c.wasThere && c.now === undefined).map((c) => c.name),
    };
  }

  committed(): void {
    this.#isNew = false;
    this.#touched = nothing();
    this.#rendered.clear();
  }

  #setChain(name: string, isThere: boolean, now: readonly string[] | undefined): void {
    if (this.#isNew) return;
    const { chains } = this.#touched;
    chains.set(name, { wasThere: chains.get(name)?.wasThere ?? isThere, now });
  }

  #setSet(name: string, has: string | undefined, now: string | undefined): void {
    if (this.#isNew || has === now) return;
    const { sets } = this.#touched;
    const known = sets.get(name);
    sets.set(name, { before: known === undefined ? has : known.before, now });
  }

  #hold(container: string, key: string, value: string): void {
    const elements = this.#elements.get(container) ?? new Map<string, Held>();
    this.#elements.set(container, elements);
    const held = elements.get(key);
    if (held?.value !== value) this.#touch(container, key, held?.value);
    elements.set(key, { value, holders: (held?.holders ?? 0) + 1 });
  }

  #release(container: string, key: string, value: string): void {
    const elements = this.#elements.get(container);
    const held = elements?.get(key);
    if (elements === undefined || held === undefined) return;
    held.holders--;
    if (held.holders > 0) return;
    this.#touch(container, key, value);
    elements.delete(key);
  }

  #touch(container: string, key: string, before: string | undefined): void {
    if (this.#isNew) return;
    const { elements } = this.#touched;
    const keys = elements.get(container) ?? new Map<string, string | undefined>();
    elements.set(container, keys);
    if (!keys.has(key)) keys.set(key, before);
  }
}

function nothing(): Touched {
  return { chains: new Map(), sets: new Map(), elements: new Map() };
}
