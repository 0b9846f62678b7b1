/** The refusals of one moment, read out of the columns only where somebody asks. */
import type { SchedulerCache } from '../cache/cache.ts';
import type { NodeInfo } from '../cache/node_info.ts';
import type { RefusalCount } from '../framework/refusal_view.ts';
import { RefusalView } from '../framework/refusal_view.ts';
import type { Refusal } from '../framework/status.ts';
import type { Verdicts } from './verdicts.ts';
import { NO_NODE, PASSED } from './verdicts.ts';

/**
 * By node name, why it was refused. Costs nothing to make; it looks into the columns until they change, of which it is told
 * before ({@link VerdictSnapshot.detach}). From then on it knows the first nodes only, where {@link VerdictSnapshot.keep}
 * said that these are enough; its size and counts hold for all.
 */
export class VerdictSnapshot extends RefusalView {
  #numbers: Uint16Array;
  #counts: Int32Array;
  readonly #verdicts: Verdicts;
  readonly #cache: SchedulerCache;
  readonly #nodes: readonly NodeInfo[];
  #most = Number.POSITIVE_INFINITY;
  /** Indices into the nodes, and the numbers of their refusals. */
  #kept: { readonly at: Int32Array; readonly numbers: Uint16Array } | undefined;

  constructor(numbers: Uint16Array, counts: Int32Array, verdicts: Verdicts, cache: SchedulerCache) {
    super();
    this.#numbers = numbers;
    this.#counts = counts;
    this.#verdicts = verdicts;
    this.#cache = cache;
    this.#nodes = cache.nodes();
  }

  get size(): number {
    let sum = 0;
    for (let number = 1; number <= this.#verdicts.size; number++) sum += this.#counts[number] ?? 0;
    return sum;
  }

  groups(): RefusalCount[] {
    const groups: RefusalCount[] = [];
    for (let number = 1; number <= this.#verdicts.size; number++) {
      const nodes = this.#counts[number] ?? 0;
      const refusal = this.#verdicts.refusal(number);
      if (nodes > 0 && refusal !== undefined) groups.push({ refusal, nodes });
    }
    return groups;
  }

  get(name: string): Refusal | undefined {
    if (this.#kept === undefined && this.#cache.nodes() === this.#nodes) {
      const node = this.#cache.node(name);
      return node === undefined ? undefined : this.#refusal(this.#numbers[node.row]);
    }
    for (const [other, refusal] of this.entries()) if (other === name) return refusal;
    return undefined;
  }

  *entries(): MapIterator<[string, Refusal]> {
    const kept = this.#kept;
    // Mostly there are few, if any, and many nodes.
    const length = kept?.at.length ?? this.#nodes.length;
    let left = kept?.at.length ?? this.size;
    for (let i = 0; left > 0 && i < length; i++) {
      const node = this.#nodes[kept?.at[i] ?? i];
      if (node === undefined) continue;
      const refusal = this.#refusal(kept === undefined ? this.#numbers[node.row] : kept.numbers[i]);
      if (refusal === undefined) continue;
      left--;
      yield [node.name, refusal];
    }
  }

  /** From when the columns change, the first `most` nodes are enough. */
  keep(most: number): void {
    this.#most = Math.min(this.#most, most);
  }

  /** The columns are about to change: what is wanted of them is copied now. */
  detach(): void {
    if (this.#kept !== undefined) return;
    const length = Math.min(this.#most, this.size);
    const at = new Int32Array(length);
    const numbers = new Uint16Array(length);
    for (let i = 0, found = 0; found < length && i < this.#nodes.length; i++) {
      const number = this.#numbers[this.#nodes[i]?.row ?? -1] ?? NO_NODE;
      if (number === PASSED || number === NO_NODE) continue;
      at[found] = i;
      numbers[found++] = number;
    }
    this.#counts = this.#counts.slice();
    this.#kept = { at, numbers };
    this.#numbers = numbers; // the column is let go
  }

  #refusal(number: number | undefined): Refusal | undefined {
    return number === undefined || number === NO_NODE ? undefined : this.#verdicts.refusal(number);
  }
}
