import { errorMessage } from '../base/errors.ts';

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

type Change<T> =
  | { readonly type: 'add'; readonly object: T }
  | { readonly type: 'update'; readonly old: T; readonly object: T }
  | { readonly type: 'delete'; readonly object: T };

// How long handlers may run before other work of the process gets a turn.
const SLICE_MS = 10;

/**
 * The changes that one handler has yet to be told of, in order. The handler runs in turns of its own, so that
 * neither the store nor other handlers wait for it.
 */
export class HandlerQueue<T> {
  readonly #handler: Handler<T>;
  readonly #onError: (err: unknown) => void;
  readonly #onDelivered: () => void;
  #changes: Change<T>[] = [];
  #next = 0;
  #scheduled = false;
  #closed = false;

  /** @param onDelivered called whenever nothing is left to tell */
  constructor(handler: Handler<T>, onError: (err: unknown) => void, onDelivered: () => void) {
    this.#handler = handler;
    this.#onError = onError;
    this.#onDelivered = onDelivered;
  }

  push(change: Change<T>): void {
    if (this.#closed) return;
    this.#changes.push(change);
    this.#schedule();
  }

  /** Nothing further is delivered. */
  close(): void {
    this.#closed = true;
    this.#changes = [];
    this.#next = 0;
  }

  /** Whether everything pushed until now has been delivered. */
  get idle(): boolean {
    return this.#changes.length === 0;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    this.#scheduled = false;
    const until = performance.now() + SLICE_MS;
    for (;;) {
      const change = this.#changes[this.#next];
      if (change === undefined) break;
      this.#next++;
      this.#tell(change);
      // Looking at the clock costs more than many a handler.
      if (this.#next % 64 === 0 && performance.now() >= until) break;
    }
    if (this.#next < this.#changes.length) {
      if (this.#next > 10_000) {
        this.#changes = this.#changes.slice(this.#next);
        this.#next = 0;
      }
      this.#schedule();
      return;
    }
    this.#changes = [];
    this.#next = 0;
    this.#onDelivered();
  }

  #tell(change: Change<T>): void {
    try {
      switch (change.type) {
        case 'add':
          this.#handler.add?.(change.object);
          break;
        case 'update':
          this.#handler.update?.(change.old, change.object);
          break;
        case 'delete':
          this.#handler.delete?.(change.object);
          break;
      }
    } catch (err) {
      this.#onError(new Error(`handler threw on ${change.type}: ${errorMessage(err)}`, { cause: err }));
    }
  }
}
