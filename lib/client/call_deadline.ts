import { abortReason } from '../base/errors.ts';
import { onAbort } from '../base/on_abort.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { CallOptions } from './client.ts';
import { TimeoutError } from './errors.ts';

const DEFAULT_TIMEOUT_MS = 30_000;

/** The caller's signal and the call's deadline as one signal. {@link end} must be called. */
export class Deadline {
  readonly signal: AbortSignal;
  readonly #abort = new AbortController();
  readonly #leaveOuter: (() => void) | undefined;
  readonly #timer: Timer;
  readonly #endsAt: number;
  readonly #clock: Clock;

  constructor(opts: CallOptions, clock: Clock, what: string) {
    const ms = opts.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#clock = clock;
    this.signal = this.#abort.signal;
    const { signal: outer } = opts;
    this.#leaveOuter = outer && onAbort(outer, () => this.#abort.abort(outer.reason));
    this.#endsAt = clock.monotonic() + ms;
    this.#timer = clock.setTimer(ms, () =>
      this.#abort.abort(new TimeoutError(`${what}: no answer within ${ms} ms`)),
    );
  }

  get leftMs(): number {
    return this.#endsAt - this.#clock.monotonic();
  }

  /** `promise`, unless the deadline comes first. */
  race<T>(promise: Promise<T> | T): Promise<T> | T {
    if (!(promise instanceof Promise)) return promise;
    const { signal } = this;
    return new Promise((resolve, reject) => {
      const leave = onAbort(signal, () => reject(abortReason(signal)));
      promise.then(resolve, reject).finally(leave);
    });
  }

  /** A stream's deadline ends with its header; the caller's signal still counts. */
  headerArrived(): void {
    this.#timer.cancel();
  }

  end(): void {
    this.#timer.cancel();
    this.#leaveOuter?.();
  }
}
