import type { Clock } from './clock.ts';
import { abortReason } from './errors.ts';
import { onAbort } from './on_abort.ts';

/** Lets at most so many run at once; the others wait in order. */
export class Gate {
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
          stay();
          resolve();
        };
        this.#waiting.push(go);
        const stay = onAbort(signal, () => {
          this.#waiting.splice(this.#waiting.indexOf(go), 1);
          reject(abortReason(signal));
        });
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

export interface TurnOptions {
  /** A place is given back after this time at the latest, milliseconds: what hangs holds up nobody for longer. */
  readonly holdMs: number;
  readonly clock: Pick<Clock, 'setTimer'>;
  readonly signal: AbortSignal;
}

/** Does `work` once the gate has a place for it. Rejects as `work` does, or when the signal aborts before its turn. */
export async function inTurn<T>(gate: Gate, options: TurnOptions, work: () => Promise<T>): Promise<T> {
  const leave = await gate.enter(options.signal);
  const timer = options.clock.setTimer(options.holdMs, leave);
  try {
    return await work();
  } finally {
    timer.cancel();
    leave();
  }
}
