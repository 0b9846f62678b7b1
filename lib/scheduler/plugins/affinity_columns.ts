/** Pod affinity of one kind of pods as columns over all nodes. */
import { DomainSums } from '../cache/domain_sums.ts';
import type { DomainSource } from '../cache/domain_sums.ts';
import type { RowSet } from '../cache/row_set.ts';
import type { TopologyColumn } from '../cache/topology.ts';
import type { FilterColumn, ScoreColumn } from '../framework/plugin.ts';
import type { Status } from '../framework/status.ts';
import { unresolvable, unschedulable } from '../framework/status.ts';

export const NO_AFFINITY = Object.freeze(unresolvable("node(s) didn't match pod affinity rules"));
export const ANTI_AFFINITY = Object.freeze(unschedulable("node(s) didn't match pod anti-affinity rules"));
export const REFUSED_BY_EXISTING = Object.freeze(
  unschedulable("node(s) didn't satisfy existing pods anti-affinity rules"),
);

/** Pods that count, in the domains of a topology key. */
export interface DomainCount {
  readonly column: TopologyColumn;
  readonly sources: readonly DomainSource[];
}

export interface AffinityCounts {
  /** Per required term of the pod, the placed pods that match all of its required terms. */
  readonly affinity: readonly DomainCount[];
  readonly antiAffinity: readonly DomainCount[];
  /** Placed pods that do not want the pod beside them. */
  readonly refusedBy: readonly DomainCount[];
  /** Whether the pod matches its own required terms. */
  readonly matchesItself: boolean;
}

/** Tells what is counted, and by a revision when that becomes something else. */
export interface Counted<T> {
  revision(): string;
  counts(): T;
}

export class AffinityFilter implements FilterColumn {
  readonly #counted: Counted<AffinityCounts>;
  #revision: string | undefined;
  #affinity: readonly DomainSums[] = [];
  #anti: readonly DomainSums[] = [];
  #refusedBy: readonly DomainSums[] = [];
  #matchesItself = false;
  #mayStart = false;

  constructor(counted: Counted<AffinityCounts>) {
    this.#counted = counted;
  }

  get isIdle(): boolean {
    return this.#affinity.length === 0 && this.#anti.length === 0 && this.#refusedBy.length === 0;
  }

  update(dirty: RowSet, touched: RowSet): void {
    const revision = this.#counted.revision();
    if (revision !== this.#revision) {
      this.#revision = revision;
      const { affinity, antiAffinity, refusedBy, matchesItself } = this.#counted.counts();
      const wasIdle = this.isIdle;
      this.#affinity = affinity.map(sums);
      this.#anti = antiAffinity.map(sums);
      this.#refusedBy = refusedBy.map(sums);
      this.#matchesItself = matchesItself;
      this.#mayStart = this.#isStart();
      if (!wasIdle || !this.isIdle) touched.isAll = true;
      return;
    }
    for (const list of [this.#affinity, this.#anti, this.#refusedBy])
      for (const domains of list)
        domains.update(dirty, (domain, before) => {
          // What counts is whether there are any.
          if (before > 0 !== domains.ofDomain(domain) > 0) touched.addAll(domains.column.rowsOf(domain));
        });
    const mayStart = this.#isStart();
    if (mayStart !== this.#mayStart) touched.isAll = true;
    this.#mayStart = mayStart;
  }

  verdict(row: number): Status | undefined {
    if (!this.#affinityHolds(row)) return NO_AFFINITY;
    for (const domains of this.#anti) if (domains.at(row) > 0) return ANTI_AFFINITY;
    for (const domains of this.#refusedBy) if (domains.at(row) > 0) return REFUSED_BY_EXISTING;
    return undefined;
  }

  /** The first of a group finds nobody anywhere: it may start wherever the labels are, if it matches its own terms. */
  #isStart(): boolean {
    return this.#matchesItself && this.#affinity.every((domains) => domains.positive === 0);
  }

  #affinityHolds(row: number): boolean {
    let all = true;
    for (const domains of this.#affinity) {
      if ((domains.column.domainOf[row] ?? -1) < 0) return false;
      if (domains.at(row) <= 0) all = false;
    }
    return all || this.#mayStart;
  }
}

export class AffinityScore implements ScoreColumn {
  readonly #counted: Counted<readonly DomainCount[]>;
  #revision: string | undefined;
  #sums: readonly DomainSums[] = [];

  constructor(counted: Counted<readonly DomainCount[]>) {
    this.#counted = counted;
  }

  get isIdle(): boolean {
    return this.#sums.every((domains) => domains.isEmpty);
  }

  update(dirty: RowSet, touched: RowSet): void {
    const revision = this.#counted.revision();
    if (revision !== this.#revision) {
      this.#revision = revision;
      this.#sums = this.#counted.counts().map(sums);
      touched.isAll = true;
      return;
    }
    for (const domains of this.#sums)
      domains.update(dirty, (domain) => touched.addAll(domains.column.rowsOf(domain)));
  }

  score(row: number): number {
    let sum = 0;
    for (const domains of this.#sums) sum += domains.at(row);
    return sum;
  }
}

function sums({ column, sources }: DomainCount): DomainSums {
  return new DomainSums(column, sources);
}
