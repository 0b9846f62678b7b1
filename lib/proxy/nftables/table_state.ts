/**
 * What the table shall have, and what has changed in it since the kernel last got it. There is one copy: what the kernel has
 * is this minus what is remembered of before, so nothing has to be listed to make the next transaction.
 */
import type { ServiceObjects } from './service_objects.ts';

/** A change from `before` to what the state has now; undefined: was not there. */
interface Touched {
  readonly chains: Map<string, readonly string[] | undefined>;
  readonly sets: Map<string, string | undefined>;
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

export class TableState {
  readonly #services = new Map<string, ServiceObjects>();
  readonly #chains = new Map<string, readonly string[]>();
  readonly #sets = new Map<string, string>();
  readonly #elements = new Map<string, Map<string, Held>>();
  #touched: Touched = nothing();

  /** What is in the table now (or pending) for a Service port. */
  objectsOf(id: string): ServiceObjects | undefined {
    return this.#services.get(id);
  }

  /** Number of Service ports that have something in the table. */
  get size(): number {
    return this.#services.size;
  }

  get chainNames(): IterableIterator<string> {
    return this.#chains.keys();
  }

  get setNames(): IterableIterator<string> {
    return this.#sets.keys();
  }

  /** Replaces what a Service port has; `undefined` removes it. */
  setService(id: string, objects: ServiceObjects | undefined): void {
    const before = this.#services.get(id);
    if (objects === undefined) this.#services.delete(id);
    else this.#services.set(id, objects);

    const newSet = [...(objects?.sets ?? [])].some(([name, spec]) => {
      const had = before?.sets.get(name);
      return had !== undefined && had !== spec;
    });
    for (const [name, rules] of objects?.chains ?? []) {
      // A set that is made anew cannot be referred to meanwhile.
      if (newSet || !sameList(before?.chains.get(name), rules)) this.#setChain(name, rules);
    }
    for (const name of before?.chains.keys() ?? []) {
      if (objects?.chains.has(name) !== true) this.#setChain(name, undefined);
    }
    for (const [name, spec] of objects?.sets ?? []) this.#setSet(name, spec);
    for (const name of before?.sets.keys() ?? []) {
      if (objects?.sets.has(name) !== true) this.#setSet(name, undefined);
    }
    // In before out, so that what both have is never taken for gone.
    for (const e of objects?.elements ?? []) this.#hold(e.container, e.key, e.value);
    for (const e of before?.elements ?? []) this.#release(e.container, e.key, e.value);
  }

  /** The Service port because of which there is a chain, set or element of that name, among `ids`. */
  ownerOf(name: string, container: string, ids: Iterable<string>): string | undefined {
    for (const id of ids) {
      const objects = this.#services.get(id);
      if (objects === undefined) continue;
      if (objects.chains.has(name) || objects.sets.has(name)) return id;
      if (objects.elements.some((e) => e.container === container && e.key === name)) return id;
    }
    return undefined;
  }

  /** Everything, as changes from an empty table. */
  everything(): TableChanges {
    return {
      newChains: [...this.#chains.keys()],
      flushChains: [],
      deleteElements: [],
      deleteSets: [],
      newSets: [...this.#sets].map(([name, spec]) => ({ name, spec })),
      rules: [...this.#chains].map(([chain, rules]) => ({ chain, rules })),
      newElements: [...this.#elements].flatMap(([container, elements]) =>
        [...elements].map(([key, { value }]) => ({ container, key, value })),
      ),
      deleteChains: [],
    };
  }

  /** The changes since {@link TableState.committed}. */
  changes(): TableChanges {
    const { chains, sets, elements } = this.#touched;
    const chainChanges = [...chains].map(([name, before]) => ({ name, before, now: this.#chains.get(name) }));
    const setChanges = [...sets]
      .map(([name, before]) => ({ name, before, spec: this.#sets.get(name) }))
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
      newChains: living.filter((c) => c.before === undefined).map((c) => c.name),
      flushChains: chainChanges.filter((c) => c.before !== undefined).map((c) => c.name),
      deleteElements: elementChanges.filter((e) => e.before !== undefined),
      deleteSets: setChanges.filter((s) => s.before !== undefined).map((s) => s.name),
      newSets: setChanges.flatMap(({ name, spec }) => (spec === undefined ? [] : [{ name, spec }])),
      rules: living.map(({ name, rules }) => ({ chain: name, rules })),
      newElements: elementChanges.flatMap(({ container, key, value }) =>
        value === undefined ? [] : [{ container, key, value }],
      ),
      deleteChains: chainChanges
        .filter((c) => c.before !== undefined && c.now === undefined)
        .map((c) => c.name),
    };
  }

  /** The kernel has everything: nothing is pending any more. */
  committed(): void {
    this.#touched = nothing();
  }

  #setChain(name: string, rules: readonly string[] | undefined): void {
    const { chains } = this.#touched;
    if (!chains.has(name)) chains.set(name, this.#chains.get(name));
    if (rules === undefined) this.#chains.delete(name);
    else this.#chains.set(name, rules);
  }

  #setSet(name: string, spec: string | undefined): void {
    const before = this.#sets.get(name);
    if (before === spec) return;
    const { sets } = this.#touched;
    if (!sets.has(name)) sets.set(name, before);
    if (spec === undefined) this.#sets.delete(name);
    else this.#sets.set(name, spec);
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
    const { elements } = this.#touched;
    const keys = elements.get(container) ?? new Map<string, string | undefined>();
    elements.set(container, keys);
    if (!keys.has(key)) keys.set(key, before);
  }
}

function nothing(): Touched {
  return { chains: new Map(), sets: new Map(), elements: new Map() };
}

function sameList(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a !== undefined && a.length === b.length && a.every((x, i) => x === b[i]);
}
