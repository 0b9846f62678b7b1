/** The pod (anti-)affinity terms of placed pods: equal ones once, with a count per node. */
import { SelectorError } from '../../api/selector.ts';
import type { Pod } from '../../api/types.ts';
import type { AffinityTerm, AffinityTerms } from './affinity_terms.ts';
import { affinityTerms } from './affinity_terms.ts';
import { RowCounts } from './row_counts.ts';

/** A term, its weight, and how many pods of each node have it. */
export interface ExistingTerm {
  readonly term: AffinityTerm;
  readonly weight: number;
  readonly counts: RowCounts;
}

/**
 * Pods made from one template have equal terms, so that a look at all placed pods becomes a look at the few different
 * terms among them.
 */
export class ExistingTerms {
  readonly required = new TermCounts();
  readonly requiredAnti = new TermCounts();
  readonly preferred = new TermCounts();

  /** A pod came to the node of that row (`by` 1) or left it (-1). */
  change(pod: Pod, row: number, by: 1 | -1): void {
    const terms = termsOf(pod);
    if (terms === undefined) return;
    for (const term of terms.required) this.required.change(term, 1, row, by);
    for (const term of terms.requiredAnti) this.requiredAnti.change(term, 1, row, by);
    for (const { term, weight } of terms.preferred) this.preferred.change(term, weight, row, by);
  }
}

class TermCounts {
  readonly #terms = new Map<string, ExistingTerm>();
  #revision = 0;

  /** Changes when a term comes or goes; not when its counts change. */
  get revision(): number {
    return this.#revision;
  }

  all(): Iterable<ExistingTerm> {
    return this.#terms.values();
  }

  get size(): number {
    return this.#terms.size;
  }

  change(term: AffinityTerm, weight: number, row: number, by: 1 | -1): void {
    const key = `${weight} ${term.key}`;
    let entry = this.#terms.get(key);
    if (entry === undefined) {
      entry = { term, weight, counts: new RowCounts() };
      this.#terms.set(key, entry);
      this.#revision++;
    }
    entry.counts.add(row, by);
    if (entry.counts.total !== 0) return;
    this.#terms.delete(key);
    this.#revision++;
  }
}

/** Undefined for a malformed term, which the API lets in from nobody: such a pod keeps no other away. */
function termsOf(pod: Pod): AffinityTerms | undefined {
  try {
    return affinityTerms(pod);
  } catch (err) {
    if (err instanceof SelectorError) return undefined;
    throw err;
  }
}
