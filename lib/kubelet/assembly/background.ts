/** Work that goes on in the background until the kubelet ends. */
import type { Clock } from '../../base/clock.ts';
import { isAbort } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';

export class Background {
  readonly #tasks: Promise<unknown>[] = [];
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #signal: AbortSignal;

  constructor(options: { clock: Clock; log: Log; signal: AbortSignal }) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#signal = options.signal;
  }

  /** An error handler that logs under `what`, silent about the shutdown itself. */
  onError(what: string): (error: unknown) => void {
    return (error) => {
      if (!isAbort(error, this.#signal)) this.#log.error(error, what);
    };
  }

  /** Keeps hold of a task that ends with the signal; `what` is said when it fails. */
  start(what: string, task: Promise<unknown>): void {
    this.#tasks.push(task.catch(this.onError(what)));
  }

  /** Repeats `act`, each `intervalMs` after the last one ended; a failure is logged under `what` and does not end it. */
  every(what: string, intervalMs: number, act: (signal: AbortSignal) => void | Promise<void>): void {
    const loop = async (): Promise<void> => {
      while (!this.#signal.aborted) {
        await this.#clock.sleep(intervalMs, this.#signal).catch(() => undefined);
        if (this.#signal.aborted) return;
        try {
          await act(this.#signal);
        } catch (error) {
          this.onError(what)(error);
        }
      }
    };
    this.start(what, loop());
  }

  /** Resolves when all tasks have ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#tasks);
  }
}
