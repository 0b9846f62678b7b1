import type { KubeObject } from '../api/types.ts';

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
}
