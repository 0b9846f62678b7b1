import type { KubeObject } from '../api/types.ts';
import type { Clock } from '../base/clock.ts';
import { systemClock } from '../base/clock.ts';
import type { ApiClient, ListSelection } from './client.ts';
import type { Handler } from './handler_queue.ts';
import { Reflector } from './reflector.ts';
import type { ResourceType } from './resource.ts';
import { SharedCache } from './shared_cache.ts';
import type { Indexers, ReadonlyStore } from './store.ts';

export type { Handler } from './handler_queue.ts';

export interface InformerOptions<T> extends ListSelection {
  readonly indexers?: Indexers<T>;
  /** Applied to each object before it is stored, to drop what nobody reads. `managedFields` is dropped anyway. */
  readonly transform?: (object: T) => T;
  readonly clock?: Clock;
  /** Told of every failed list or watch (it is retried), and of handlers, transforms and indexers that threw. */
  readonly onError?: (err: unknown) => void;
  /** Never stream the list, as if the server could not. */
  readonly paginatedList?: boolean;
  /** Ask for the list in one answer: for many objects. See {@link ReflectorOptions.wholeList}. */
  readonly wholeList?: boolean;
  /** Shortest time the server is asked to keep a watch open; up to twice that. Default 300 s. */
  readonly minWatchSeconds?: number;
}

/** A local copy of a selection of objects, kept up to date by list and watch. */
export interface Informer<T extends KubeObject> {
  readonly store: ReadonlyStore<T>;
  /** Registers a handler; it gets an add for each object that is there already. Returns what removes it again. */
  addHandler(handler: Handler<T>): () => void;
  /** Lists and watches until the signal aborts, then resolves; failures are retried with back-off. Call it once. */
  run(signal: AbortSignal): Promise<void>;
  /**
   * Resolves when the first list is in the store and handlers registered by then have had their adds; rejects when
   * the signal aborts.
   */
  synced(signal?: AbortSignal): Promise<void>;
  readonly hasSynced: boolean;
}

/** An informer on a selection of objects. Nothing happens before {@link Informer.run}. */
export function createInformer<T extends KubeObject>(
  client: ApiClient,
  r: ResourceType<T>,
  options: InformerOptions<T> = {},
): Informer<T> {
  const { indexers, transform, clock = systemClock, onError = () => undefined, ...rest } = options;
  const cache = new SharedCache<T>(indexers ?? {}, transform, onError);
  const reflector = new Reflector(client, r, cache, { ...rest, clock, onError });
  return {
    store: cache.store,
    addHandler: (handler) => cache.addHandler(handler),
    async run(signal) {
      await reflector.run(signal);
      cache.close();
    },
    synced: (signal) => cache.synced(signal),
    get hasSynced() {
      return cache.hasSynced;
    },
  };
}
