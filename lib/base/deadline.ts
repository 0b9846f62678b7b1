import type { Clock } from './clock.ts';
import { abortReason, toError } from './errors.ts';

/** Something took longer than it was given. */
export class DeadlineExceededError extends Error {
  override readonly name = 'DeadlineExceededError';
  /** The time it was given, milliseconds. */
  readonly deadlineMs: number;

  constructor(deadlineMs: number, options?: ErrorOptions) {
    super(`not done within ${deadlineMs} ms`, options);
    this.deadlineMs = deadlineMs;
  }
}

/**
 * Runs `fn` with a signal that aborts `ms` milliseconds from now, or when the outer `signal` does. It settles no
 * later than that, whether or not `fn` heeds its signal; what a straggling `fn` yields in the end is dropped.
 *
 * @param ms how long `fn` may take; 0 or less fails at once without calling it
 * @returns what `fn` returns. Rejects with {@link DeadlineExceededError} past the deadline, with the reason of
 *   `signal` when that aborts first, or with what `fn` rejects with.
 */
export function withDeadline<T>(
  ms: number,
  signal: AbortSignal | undefined,
  clock: Clock,
  fn: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(abortReason(signal));
      return;
    }
    if (ms <= 0) {
      reject(new DeadlineExceededError(Math.max(0, ms)));
      return;
    }
    const inner = new AbortController();
    const fail = (reason: Error): void => {
      // Settle first: `fn` must not get ahead with its own view of the abort.
      settle(() => reject(reason));
      inner.abort(reason);
    };
    const onAbort = (): void => {
      if (signal !== undefined) fail(abortReason(signal));
    };
    const timer = clock.setTimer(ms, () => fail(new DeadlineExceededError(ms)));
    signal?.addEventListener('abort', onAbort, { once: true });
    const settle = (act: () => void): void => {
      timer.cancel();
      signal?.removeEventListener('abort', onAbort);
      act();
    };
    start(fn, inner.signal).then(
      (value) => settle(() => resolve(value)),
      (err: unknown) => settle(() => reject(toError(err))),
    );
  });
}

// An fn that throws before its first await rejects like any other.
async function start<T>(fn: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
  return await fn(signal);
}
