import { keyOf } from '../api/types.ts';
import type { KubeObject } from '../api/types.ts';
import { sameList } from '../base/same_list.ts';

/** Names an index and says under which values an object is found in it. */
export type Indexers<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

/** Objects of one type as the server last reported them. Everything returned is shared: never change it. */
export interface ReadonlyStore<T extends KubeObject> {
  /** @param key `namespace/name`, or `name` of a cluster-scoped object */
  get(key: string): T | undefined;
  /** All objects, in no particular order, in a new array. */
  list(): T[];
  /** Keys of all objects. */
  keys(): IterableIterator<string>;
  /**
   * The objects for which the indexer named `index` returned `value`.
   *
   * @throws TypeError when there is no index of that name
   */
  byIndex(index: string, value: string): readonly T[];
  /** The values under which anything is found in `index`. */
  indexValues(index: string): readonly string[];
  readonly size: number;
  /** Changes with every change of the store: what was computed from it holds as long as this is the same. */
  readonly revision: number;
}

interface Index<T> {
  readonly name: string;
  readonly valuesOf: (object: T) => readonly string[];
  /** Per value, the keys of the objects found under it. Never an empty set. */
  readonly keys: Map<string, Set<string>>;
}

/** A store that its owner writes. Indexes always agree with the objects. */
export class Store<T extends KubeObject> implements ReadonlyStore<T> {
  readonly #objects = new Map<string, T>();
  readonly #indexes: readonly Index<T>[];
  readonly #onError: (err: unknown) => void;
  #revision = 0;

  /** @param onError told when an indexer throws; the object is then not found in that index */
  constructor(indexers: Indexers<T> = {}, onError: (err: unknown) => void = () => undefined) {
    this.#onError = onError;
    this.#indexes = Object.entries(indexers).map(([name, valuesOf]) => ({
      name,
      valuesOf: (object) => this.#values(name, valuesOf, object),
      keys: new Map(),
    }));
  }

  get size(): number {
    return this.#objects.size;
  }

  get revision(): number {
    return this.#revision;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  byIndex(index: string, value: string): readonly T[] {
    const found: T[] = [];
    for (const key of this.#index(index).keys.get(value) ?? []) {
      const object = this.#objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  indexValues(index: string): readonly string[] {
    return [...this.#index(index).keys.keys()];
  }

  /** Adds or replaces the object; returns what it replaced. */
  put(object: T): T | undefined {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    this.#objects.set(key, object);
    this.#revision++;
    for (const index of this.#indexes) {
      const values = index.valuesOf(object);
      if (old !== undefined) {
        const oldValues = index.valuesOf(old);
        if (sameList(values, oldValues)) continue;
        for (const value of oldValues) drop(index, value, key);
      }
      for (const value of values) {
        const keys = index.keys.get(value);
        if (keys === undefined) index.keys.set(value, new Set([key]));
        else keys.add(key);
      }
    }
    return old;
  }

  /** Removes the object of that key; returns it, or undefined when there was none. */
  remove(key: string): T | undefined {
    const old = this.#objects.get(key);
    if (old === undefined) return undefined;
    this.#objects.delete(key);
    this.#revision++;
    for (const index of this.#indexes) {
      for (const value of index.valuesOf(old)) drop(index, value, key);
    }
    return old;
  }

  #index(name: string): Index<T> {
    const index = this.#indexes.find((i) => i.name === name);
    if (index !== undefined) return index;
    const names = this.#indexes.map((i) => JSON.stringify(i.name)).join(', ');
    throw new TypeError(
      `no index ${JSON.stringify(name)}; there ${names === '' ? 'is none' : `are: ${names}`}`,
    );
  }

  #values(name: string, valuesOf: (object: T) => readonly string[], object: T): readonly string[] {
    try {
      return valuesOf(object);
    } catch (err) {
      this.#onError(
        new Error(`index ${JSON.stringify(name)}: indexer threw on ${keyOf(object)}`, { cause: err }),
      );
      return [];
    }
  }
}

function drop<T>(index: Index<T>, value: string, key: string): void {
  const keys = index.keys.get(value);
  if (keys === undefined) return;
  keys.delete(key);
  if (keys.size === 0) index.keys.delete(value);
}
