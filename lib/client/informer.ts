import type { Clock } from '../base/clock.ts';
import type { KubeObject } from '../api/types.ts';
import type { ApiClient, ListSelection } from './client.ts';
import type { ResourceType } from './resource.ts';
import type { Indexers, ReadonlyStore } from './store.ts';

/**
 * What to call when objects change. Calls come one at a time, in the order of the changes of each object, after the
 * store has the change (and possibly later ones). A handler that throws is reported to `onError` and goes on with
 * the next change.
 */
export interface Handler<T> {
  /** An object that this handler has not seen. */
  add?(object: T): void;
  /** The same object (same uid), changed. */
  update?(old: T, object: T): void;
  /** The last known state of an object that is gone. */
  delete?(object: T): void;
}

export interface InformerOptions<T> extends ListSelection {
  readonly indexers?: Indexers<T>;
  /** Applied to each object before it is stored, to drop what nobody reads. `managedFields` is dropped anyway. */
  readonly transform?: (object: T) => T;
  readonly clock?: Clock;
  /** Told of every failed list or watch (it is retried), and of handlers that threw. */
  readonly onError?: (err: unknown) => void;
}

/** A local copy of a selection of objects, kept up to date by list and watch. */
export interface Informer<T extends KubeObject> {
  readonly store: ReadonlyStore<T>;
  /**
   * Registers a handler; it gets an add for each object that is there already. Returns what removes it again.
   */
  addHandler(handler: Handler<T>): () => void;
  /** Lists and watches until the signal aborts; failures are retried with back-off. Call it once. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when the first list is in the store and handlers registered by then have had their adds. */
  synced(signal?: AbortSignal): Promise<void>;
  readonly hasSynced: boolean;
}

/** Signature of `createInformer`. */
export type CreateInformer = <T extends KubeObject>(
  client: ApiClient,
  r: ResourceType<T>,
  options?: InformerOptions<T>,
) => Informer<T>;

export const createInformer: CreateInformer = () => {
  throw new Error('not built yet');
};
