/** The time that a plugin takes, and its suspension when that is too much too often. */
import type { PluginBudget } from './plugin_definition.ts';

/** The plugin used up what it may take for one pod; the pod fails. */
export class PluginBudgetError extends Error {
  override readonly name = 'PluginBudgetError';
}

/** The plugin is not asked at the moment; the pod fails. */
export class PluginSuspendedError extends Error {
  override readonly name = 'PluginSuspendedError';
}

export interface PluginTimeOptions {
  readonly plugin: string;
  readonly budget: PluginBudget;
  /** Milliseconds, never going backwards. */
  readonly now: () => number;
  /** Told of every pod over budget. */
  readonly onOverrun: (point: string, spentMs: number) => void;
  readonly onSuspended: (forMs: number, reason: string) => void;
}

const WINDOW_MS = 60_000;
const MAX_SUSPEND_MS = 600_000;

export class PluginTime {
  readonly #o: PluginTimeOptions;
  /** What the time spent counts for: the cycle of one pod, at one point. */
  #cycle: unknown;
  #point = '';
  #spent = 0;
  #over = false;
  /** When which pod was over budget last: one pod, tried again and again, is not many. */
  readonly #overruns = new Map<string, number>();
  #suspendedUntil = Number.NEGATIVE_INFINITY;
  #suspensions = 0;

  constructor(options: PluginTimeOptions) {
    this.#o = options;
  }

  get isSuspended(): boolean {
    return this.#suspendedUntil > Number.NEGATIVE_INFINITY && this.#o.now() < this.#suspendedUntil;
  }

  /** @throws PluginSuspendedError */
  checkSuspended(): void {
    if (!this.isSuspended) return;
    const left = Math.ceil((this.#suspendedUntil - this.#o.now()) / 1000);
    throw new PluginSuspendedError(
      `plugin "${this.#o.plugin}" is suspended for another ${left} s, as it took too long too often`,
    );
  }

  begin(): number {
    return this.#o.now();
  }

  /**
   * The plugin was asked at `point` for the pod of `cycle`, since `begun`.
   *
   * @param pod its identity
   * @throws PluginBudgetError when it has used up its time for this pod
   */
  end(begun: number, cycle: unknown, point: string, pod: string): void {
    if (cycle !== this.#cycle || point !== this.#point) {
      this.#cycle = cycle;
      this.#point = point;
      this.#spent = 0;
      this.#over = false;
    }
    this.#spent += this.#o.now() - begun;
    const { podMs } = this.#o.budget;
    if (this.#spent <= podMs) return;
    if (!this.#over) {
      this.#over = true;
      this.#overrun(point, this.#spent, pod);
    }
    throw new PluginBudgetError(
      `plugin "${this.#o.plugin}" took ${Math.round(this.#spent)} ms for one pod at ${point}, its budget is ${podMs} ms`,
    );
  }

  /** An answer did not come in time. */
  late(point: string, pod: string): void {
    this.#overrun(point, this.#o.budget.asyncMs, pod);
  }

  #overrun(point: string, spentMs: number, pod: string): void {
    const { budget, now, onOverrun, onSuspended } = this.#o;
    onOverrun(point, spentMs);
    const at = now();
    this.#overruns.set(pod, at);
    for (const [other, t] of this.#overruns) if (at - t >= WINDOW_MS) this.#overruns.delete(other);
    if (this.#overruns.size < budget.overruns) return;
    const reason = `${this.#overruns.size} pods took more than its budget within a minute, the last one ${Math.round(spentMs)} ms at ${point}`;
    this.#overruns.clear();
    // One that behaved for as long as it was out begins anew.
    if (at - this.#suspendedUntil > MAX_SUSPEND_MS) this.#suspensions = 0;
    const forMs = Math.min(MAX_SUSPEND_MS, budget.suspendMs * 2 ** this.#suspensions++);
    this.#suspendedUntil = at + forMs;
    onSuspended(forMs, reason);
  }
}
