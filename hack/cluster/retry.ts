/** Waiting for something to come true, and for several things at once. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Tries until it works, every 200 ms at first and every 2 s in the end; the last failure is the one reported. */
export async function retry(
  signal: AbortSignal,
  timeoutMs: number,
  work: () => Promise<void>,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (let pause = 200; ; pause = Math.min(pause * 1.2, 2000)) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await sleep(pause, undefined, { signal });
  }
}

/** Waits for all, then reports the first failure: nothing goes on in the background after it. */
export async function settled(all: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(all);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
