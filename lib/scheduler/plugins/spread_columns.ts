/** Topology spread of one kind of pods as columns over all nodes. */
import { DomainSums } from '../cache/domain_sums.ts';
import type { RowCounts } from '../cache/row_counts.ts';
import type { RowSet } from '../cache/row_set.ts';
import type { TopologyColumn } from '../cache/topology.ts';
import type { FeasibleRows, FilterColumn, ScoreColumn } from '../framework/plugin.ts';
import type { Status } from '../framework/status.ts';
import { unresolvable, unschedulable } from '../framework/status.ts';
import { LeastCount } from './least_count.ts';

export const MISSING_LABEL = Object.freeze(
  unresolvable("node(s) didn't match pod topology spread constraints (missing required label)"),
);
export const TOO_SKEWED = Object.freeze(
  unschedulable("node(s) didn't match pod topology spread constraints"),
);

/** A constraint with what it counts. */
export interface CountedConstraint {
  readonly column: TopologyColumn;
  /** Per row, the pods that match. */
  readonly counts: () => RowCounts;
  /** Per row, 1 where the node counts. */
  readonly takesPart: Uint8Array;
  readonly maxSkew: number;
  readonly minDomains: number;
  /** 1 when the pod itself matches. */
  readonly itself: number;
}

class Followed {
  readonly constraint: CountedConstraint;
  readonly sums: DomainSums;
  readonly #counts: RowCounts;
  readonly #least: LeastCount;
  readonly #domains: number;
  /** Per domain, 1 where one more pod is too many. */
  readonly #isFull: Uint8Array;
  #limit = Number.NaN;

  constructor(constraint: CountedConstraint) {
    const { column, takesPart } = constraint;
    this.constraint = constraint;
    this.#counts = constraint.counts();
    this.sums = new DomainSums(column, [{ counts: this.#counts, weight: 1 }], takesPart);
    const present = new Uint8Array(column.values.length);
    for (let row = 0; row < takesPart.length; row++) {
      const domain = column.domainOf[row] ?? -1;
      if (takesPart[row] === 1 && domain >= 0) present[domain] = 1;
    }
    this.#least = new LeastCount();
    for (let domain = 0; domain < present.length; domain++)
      if (present[domain] === 1) this.#least.add(this.sums.ofDomain(domain));
    this.#domains = this.#least.size;
    this.#isFull = new Uint8Array(column.values.length);
    this.#present = present;
    this.#judgeAll(undefined);
  }

  readonly #present: Uint8Array;

  /** Whether the counts are still followed up by the cache. */
  get isCurrent(): boolean {
    return this.constraint.counts() === this.#counts;
  }

  update(dirty: RowSet, touched: RowSet): void {
    this.sums.update(dirty, (domain, before) => {
      if (this.#present[domain] === 1) this.#least.change(before, this.sums.ofDomain(domain));
      this.#judge(domain, this.#limit, touched);
    });
    if (this.#limitNow() !== this.#limit) this.#judgeAll(touched);
  }

  verdict(row: number): Status | undefined {
    const domain = this.constraint.column.domainOf[row] ?? -1;
    if (domain < 0) return MISSING_LABEL;
    return this.#isFull[domain] === 1 ? TOO_SKEWED : undefined;
  }

  /** So many pods are the most that a domain may have for one more. */
  #limitNow(): number {
    const { minDomains, maxSkew, itself } = this.constraint;
    // With fewer domains than wanted, the emptiest counts as empty.
    const least = this.#domains < minDomains ? 0 : this.#least.least;
    return maxSkew - itself + least;
  }

  #judgeAll(touched: RowSet | undefined): void {
    this.#limit = this.#limitNow();
    for (let domain = 0; domain < this.#isFull.length; domain++) this.#judge(domain, this.#limit, touched);
  }

  #judge(domain: number, limit: number, touched: RowSet | undefined): void {
    const isFull = this.sums.ofDomain(domain) > limit ? 1 : 0;
    if (this.#isFull[domain] === isFull) return;
    this.#isFull[domain] = isFull;
    touched?.addAll(this.constraint.column.rowsOf(domain));
  }
}

export class SpreadFilter implements FilterColumn {
  readonly #constraints: readonly CountedConstraint[];
  #followed: readonly Followed[] = [];

  constructor(constraints: readonly CountedConstraint[]) {
    this.#constraints = constraints;
  }

  get isIdle(): boolean {
    return this.#constraints.length === 0;
  }

  update(dirty: RowSet, touched: RowSet): void {
    if (dirty.isAll || !this.#followed.every((f) => f.isCurrent)) {
      this.#followed = this.#constraints.map((constraint) => new Followed(constraint));
      touched.isAll = true;
    } else for (const followed of this.#followed) followed.update(dirty, touched);
  }

  verdict(row: number): Status | undefined {
    for (const followed of this.#followed) {
      const status = followed.verdict(row);
      if (status !== undefined) return status;
    }
    return undefined;
  }
}

/** A constraint of a score. */
export interface ScoredConstraint extends Omit<CountedConstraint, 'minDomains' | 'itself'> {
  /** Counted per node, not per domain. */
  readonly isHost: boolean;
}

interface Scored {
  readonly constraint: ScoredConstraint;
  readonly counts: RowCounts;
  readonly sums: DomainSums | undefined;
  /** Per domain, how many of its nodes passed the filters and are not left out. */
  readonly feasible: Int32Array;
  /** Domains that have any. */
  size: number;
  /** Nodes that passed the filters and lack the label. */
  lacking: number;
  factor: number;
}

export class SpreadScore implements ScoreColumn {
  readonly isIdle = false;
  readonly #constraints: readonly ScoredConstraint[];
  /** Per row, 1 for a node that is left out, as it lacks a label. */
  readonly #isIgnored: Uint8Array;
  readonly #needsAllKeys: boolean;
  #scored: readonly Scored[] = [];
  /** Nodes that passed and are not left out. */
  #feasible = 0;

  constructor(constraints: readonly ScoredConstraint[], isIgnored: Uint8Array, needsAllKeys: boolean) {
    this.#constraints = constraints;
    this.#isIgnored = isIgnored;
    this.#needsAllKeys = needsAllKeys;
  }

  update(dirty: RowSet, touched: RowSet, feasible: FeasibleRows, flips: RowSet): void {
    if (dirty.isAll || !this.#scored.every(({ constraint, counts }) => constraint.counts() === counts)) {
      this.#start(feasible);
      touched.isAll = true;
    } else {
      for (const { sums, constraint } of this.#scored) {
        if (sums === undefined) for (let i = 0; i < dirty.size; i++) touched.add(dirty.at(i));
        else sums.update(dirty, (domain) => touched.addAll(constraint.column.rowsOf(domain)));
      }
      for (let i = 0; i < flips.size; i++) {
        const row = flips.at(i);
        this.#count(row, feasible.has(row) ? 1 : -1);
      }
    }
    for (const scored of this.#scored) {
      const isLacked = !this.#needsAllKeys && scored.lacking > 0;
      // The nodes without the label are as one more domain for the weight of the constraint.
      const size = scored.constraint.isHost ? this.#feasible : scored.size + (isLacked ? 1 : 0);
      const factor = Math.log(size + 2);
      if (factor !== scored.factor) touched.isAll = true;
      scored.factor = factor;
    }
  }

  score(row: number): number {
    if (this.#isIgnored[row] === 1) return Number.NaN;
    let sum = 0;
    for (const { constraint, counts, sums, factor } of this.#scored) {
      if ((constraint.column.domainOf[row] ?? -1) < 0) continue;
      const count = sums === undefined ? counts.at(row) : sums.at(row);
      sum += count * factor + (constraint.maxSkew - 1);
    }
    return Math.round(sum);
  }

  #start(feasible: FeasibleRows): void {
    this.#feasible = 0;
    this.#scored = this.#constraints.map((constraint): Scored => {
      const counts = constraint.counts();
      return {
        constraint,
        counts,
        sums: constraint.isHost
          ? undefined
          : new DomainSums(constraint.column, [{ counts, weight: 1 }], constraint.takesPart),
        feasible: new Int32Array(constraint.column.values.length),
        size: 0,
        lacking: 0,
        factor: Number.NaN,
      };
    });
    for (let row = 0; row < this.#isIgnored.length; row++) if (feasible.has(row)) this.#count(row, 1);
  }

  #count(row: number, by: 1 | -1): void {
    if (this.#isIgnored[row] === 1) return;
    this.#feasible += by;
    for (const scored of this.#scored) {
      const domain = scored.constraint.column.domainOf[row] ?? -1;
      if (domain < 0) {
        scored.lacking += by;
        continue;
      }
      const before = scored.feasible[domain] ?? 0;
      scored.feasible[domain] = before + by;
      if (before === 0) scored.size++;
      else if (before + by === 0) scored.size--;
    }
  }
}
