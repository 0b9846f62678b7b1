/** Waiting for something that happens elsewhere, with a deadline and the last thing seen in the failure. */
import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '../../../lib/base/errors.ts';

/** What was awaited did not happen in time; `cause` is the last failed look. */
export class NeverHappenedError extends Error {
  override readonly name = 'NeverHappenedError';
}

export interface EventuallyOptions {
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
}

/**
 * Looks until `look` returns without throwing, and gives what it returned.
 *
 * @param what what is awaited, for the failure: "pod a is ready"
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T>,
  { timeoutMs = 60_000, intervalMs = 200 }: EventuallyOptions = {},
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await look();
    } catch (err) {
      if (performance.now() > end) {
        throw new NeverHappenedError(
          `not within ${timeoutMs / 1000} s: ${what}; last: ${errorMessage(err)}`,
          {
            cause: err,
          },
        );
      }
    }
    await sleep(intervalMs);
  }
}

/**
 * Watches that something stays as it is: calls `look` again and again for `durationMs`, failing with it.
 */
export async function throughout(
  durationMs: number,
  look: () => Promise<void>,
  intervalMs = 250,
): Promise<void> {
  const end = performance.now() + durationMs;
  while (performance.now() < end) {
    await look();
    await sleep(intervalMs);
  }
}
