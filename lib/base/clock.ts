import { abortReason } from './errors.ts';

/** A pending timer. `cancel` is idempotent and safe after firing. */
export interface Timer {
  cancel(): void;
}

/**
 * Source of time for everything that decides by time. Production code takes a `Clock` as a dependency,
 * so that tests move time by hand ({@link FakeClock}) and never sleep.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. May jump when the machine's clock is set. */
  now(): number;
  /** Milliseconds from an arbitrary origin, never going backwards. For durations and deadlines. */
  monotonic(): number;
  /** Calls `fn` once, `ms` milliseconds from now (negative counts as 0). The timer does not keep the process alive. */
  setTimer(ms: number, fn: () => void): Timer;
  /** Resolves after `ms` milliseconds; rejects with `signal.reason` as soon as the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

// setTimeout fires at once for delays beyond 2^31-1 ms; longer waits are chained.
const MAX_DELAY_MS = 2 ** 31 - 1;

class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  setTimer(ms: number, fn: () => void): Timer {
    let left = Math.max(0, ms);
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const step = Math.min(left, MAX_DELAY_MS);
      left -= step;
      handle = setTimeout(() => (left > 0 ? arm() : fn()), step);
      handle.unref();
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }
}

/** The machine's own clock. */
export const systemClock: Clock = new SystemClock();

/** `sleep` in terms of `setTimer`, for implementations of {@link Clock}. */
export function sleepOn(clock: Pick<Clock, 'setTimer'>, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      timer.cancel();
      if (signal !== undefined) reject(abortReason(signal));
    };
    if (signal?.aborted === true) {
      reject(abortReason(signal));
      return;
    }
    const timer = clock.setTimer(ms, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}
