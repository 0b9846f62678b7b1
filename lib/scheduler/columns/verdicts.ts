/** Which nodes a pod was refused on and why, one small number per node: the same reason is kept once. */
import type { Refusal, Rejection } from '../framework/status.ts';

/** The number of a node that passed. */
export const PASSED = 0;
/** The number of a row that no node has. */
export const NO_NODE = 0xffff;

/** Numbers for refusals. At most 65,534 different ones. */
export class Verdicts {
  readonly #refusals: Refusal[] = [];
  readonly #numbers = new Map<string, number>();
  /** Most refusals are the same object each time. */
  readonly #byStatus = new WeakMap<Rejection, number>();

  /** @throws RangeError when there are too many different ones */
  numberOf(status: Rejection, plugin: string): number {
    const known = this.#byStatus.get(status);
    if (known !== undefined) return known;
    const resolvable = status.code === 'Unschedulable';
    const key = JSON.stringify([plugin, status.reasons, resolvable]);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      this.#refusals.push({ plugin, reasons: status.reasons, resolvable });
      number = this.#refusals.length;
      if (number >= NO_NODE) throw new RangeError(`too many different reasons: ${NO_NODE}`);
      this.#numbers.set(key, number);
    }
    this.#byStatus.set(status, number);
    return number;
  }

  /** Undefined for {@link PASSED} and {@link NO_NODE}. */
  refusal(number: number): Refusal | undefined {
    return this.#refusals[number - 1];
  }

  /** How many refusals have a number. */
  get size(): number {
    return this.#refusals.length;
  }
}
