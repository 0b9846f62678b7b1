import { abortReason } from '../../base/errors.ts';

/** Lets at most so many image pulls run at once; the others wait in order. */
export class PullGate {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param limit `undefined` for no limit */
  constructor(limit: number | undefined) {
    this.#free = limit ?? Number.POSITIVE_INFINITY;
  }

  /** Resolves when a place is free, to the function that gives it back. Rejects when the signal aborts first. */
  async enter(signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw abortReason(signal);
    if (this.#free > 0) {
      this.#free--;
    } else {
      await new Promise<void>((resolve, reject) => {
        const go = (): void => {
          signal.removeEventListener('abort', give);
          resolve();
        };
        const give = (): void => {
          this.#waiting.splice(this.#waiting.indexOf(go), 1);
          reject(abortReason(signal));
        };
        this.#waiting.push(go);
        signal.addEventListener('abort', give, { once: true });
      });
    }
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    };
  }
}
