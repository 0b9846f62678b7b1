/** Keeps what QoS classes weigh in step with their pods: soon after pods come and go, and now and then in any case. */
import type { Clock, Timer } from '../../base/clock.ts';

export interface ClassBalanceOptions {
  readonly clock: Pick<Clock, 'setTimer'>;
  readonly balance: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** Pods come in groups: one round serves them all. */
const SOON_MS = 500;
const INTERVAL_MS = 60_000;

export class ClassBalance {
  readonly #options: ClassBalanceOptions;
  #timer: Timer | undefined;
  #isSoon = false;
  #isBusy = false;
  #isOver = false;

  constructor(options: ClassBalanceOptions) {
    this.#options = options;
  }

  /** Pods came or went. */
  changed(): void {
    if (this.#isSoon) return;
    this.#isSoon = true;
    if (!this.#isBusy) this.#arm(SOON_MS);
  }

  /** Does nothing more once the signal aborts. */
  start(signal: AbortSignal): void {
    const end = (): void => {
      this.#isOver = true;
      this.#timer?.cancel();
    };
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    if (this.#timer === undefined) this.#arm(INTERVAL_MS);
  }

  #arm(ms: number): void {
    if (this.#isOver) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.setTimer(ms, () => void this.#round());
  }

  async #round(): Promise<void> {
    this.#isSoon = false;
    this.#isBusy = true;
    try {
      await this.#options.balance();
    } catch (error) {
      this.#options.onError(error);
    }
    this.#isBusy = false;
    this.#arm(this.#isSoon ? SOON_MS : INTERVAL_MS);
  }
}
