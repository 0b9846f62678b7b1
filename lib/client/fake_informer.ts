import type { KubeObject } from '../api/types.ts';
import type { Handler, Informer } from './informer.ts';
import { SharedCache } from './shared_cache.ts';
import type { Indexers, ReadonlyStore } from './store.ts';

/**
 * An {@link Informer} for tests, filled by hand. It is synced from the start. Handlers are called in a later turn of
 * the event loop, as the real one's; `await informer.settle()` waits for them.
 */
export class FakeInformer<T extends KubeObject> implements Informer<T> {
  readonly #cache: SharedCache<T>;
  #version = 0;

  constructor(objects: readonly T[] = [], indexers: Indexers<T> = {}) {
    this.#cache = new SharedCache(indexers, undefined, (err) => {
      throw err;
    });
    this.#cache.replace(objects);
  }

  get store(): ReadonlyStore<T> {
    return this.#cache.store;
  }

  get hasSynced(): boolean {
    return true;
  }

  addHandler(handler: Handler<T>): () => void {
    return this.#cache.addHandler(handler);
  }

  /** Adds or changes; without a resourceVersion of its own the object gets a new one. */
  put(object: T): void {
    const { resourceVersion = `fake-${++this.#version}` } = object.metadata;
    this.#cache.put({ ...object, metadata: { ...object.metadata, resourceVersion } });
  }

  remove(object: T): void {
    this.#cache.remove(object);
  }

  /** Resolves when handlers have been told of everything until now. */
  async settle(): Promise<void> {
    for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  run(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  synced(): Promise<void> {
    return Promise.resolve();
  }
}
