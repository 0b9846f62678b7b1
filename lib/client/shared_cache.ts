import type { KubeObject } from '../api/types.ts';
import { keyOf } from '../api/types.ts';
import { abortReason, errorMessage } from '../base/errors.ts';
import { HandlerQueue } from './handler_queue.ts';
import type { Handler } from './handler_queue.ts';
import type { ReflectorSink } from './reflector.ts';
import { shareUnchanged } from './share_unchanged.ts';
import { Store } from './store.ts';
import type { Indexers } from './store.ts';

/** A store whose changes are told to handlers. */
export class SharedCache<T extends KubeObject> implements ReflectorSink<T> {
  readonly store: Store<T>;
  readonly #transform: ((object: T) => T) | undefined;
  readonly #onError: (err: unknown) => void;
  readonly #queues = new Set<HandlerQueue<T>>();
  readonly #waiting = new Set<() => void>();
  // Queues that have yet to deliver the first list; undefined before it is there.
  #behind: Set<HandlerQueue<T>> | undefined;
  #closed = false;
  // What comes next is often made from the same template: a replica, a node of the same pool.
  #newest: T | undefined;

  constructor(
    indexers: Indexers<T>,
    transform: ((object: T) => T) | undefined,
    onError: (err: unknown) => void,
  ) {
    this.store = new Store(indexers, onError);
    this.#transform = transform;
    this.#onError = onError;
  }

  get hasSynced(): boolean {
    return this.#behind?.size === 0;
  }

  addHandler(handler: Handler<T>): () => void {
    const queue: HandlerQueue<T> = new HandlerQueue(handler, this.#onError, () => this.#delivered(queue));
    if (this.#closed) return () => undefined;
    this.#queues.add(queue);
    for (const object of this.store.list()) queue.push({ type: 'add', object });
    return () => {
      queue.close();
      this.#queues.delete(queue);
      this.#delivered(queue);
    };
  }

  replace(objects: readonly T[]): void {
    const gone = new Set(this.store.keys());
    for (const object of objects) gone.delete(keyOf(object));
    for (const key of gone) this.#remove(key);
    for (const object of objects) this.put(object);
    if (this.#behind !== undefined) return;
    this.#behind = new Set([...this.#queues].filter((queue) => !queue.idle));
    this.#announce();
  }

  put(raw: T): void {
    const known = this.store.get(keyOf(raw));
    if (known !== undefined) {
      const { uid, resourceVersion } = raw.metadata;
      // A relist brings most objects as they were.
      if (known.metadata.uid === uid && known.metadata.resourceVersion === resourceVersion) return;
      // Deleted and made anew while we were not watching: those who keep state per object must hear of both.
      if (known.metadata.uid !== uid) this.#remove(keyOf(raw));
    }
    const object = this.#transformed(raw);
    const like = known ?? this.#newest;
    if (like !== undefined) shareUnchanged(like, object);
    if (known === undefined) this.#newest = object;
    const old = this.store.put(object);
    for (const queue of this.#queues) {
      queue.push(old === undefined ? { type: 'add', object } : { type: 'update', old, object });
    }
  }

  remove(raw: T): void {
    const key = keyOf(raw);
    if (this.store.remove(key) === undefined) return;
    // The state the object had when it was deleted, which may be newer than the last one seen.
    const object = this.#transformed(raw);
    for (const queue of this.#queues) queue.push({ type: 'delete', object });
  }

  synced(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.hasSynced) {
        resolve();
        return;
      }
      const done = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = (): void => {
        this.#waiting.delete(done);
        if (signal !== undefined) reject(abortReason(signal));
      };
      if (signal?.aborted === true) {
        onAbort();
        return;
      }
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(done);
    });
  }

  /** Handlers hear nothing further. */
  close(): void {
    this.#closed = true;
    for (const queue of this.#queues) queue.close();
  }

  #remove(key: string): void {
    const object = this.store.remove(key);
    if (object === undefined) return;
    for (const queue of this.#queues) queue.push({ type: 'delete', object });
  }

  #transformed(object: T): T {
    if (this.#transform === undefined) return object;
    try {
      return this.#transform(object);
    } catch (err) {
      this.#onError(new Error(`transform threw on ${keyOf(object)}: ${errorMessage(err)}`, { cause: err }));
      return object;
    }
  }

  #delivered(queue: HandlerQueue<T>): void {
    if (this.#behind?.delete(queue) === true) this.#announce();
  }

  #announce(): void {
    if (!this.hasSynced) return;
    for (const done of this.#waiting) done();
    this.#waiting.clear();
  }
}
