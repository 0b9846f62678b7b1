/** What making room on each node would cost a pod of one signature, summed up over blocks of nodes. */
import type { NodeInfo } from '../cache/node_info.ts';
import type { Candidate } from '../framework/candidate.ts';
import type { Refusal, Rejection, Status } from '../framework/status.ts';
import { isRejected, refusalOf } from '../framework/status.ts';
import { candidateCosts, isLess } from './choose_candidate.ts';

const BITS = 4;
/** Nodes of a block: some hundreds of nodes are looked at for each pod, and few blocks change from pod to pod. */
const BLOCK = 1 << BITS;

/** A node on which nobody's going would help. */
export const NOT_HELPED = Symbol('not helped');
export type NodeOutcome = Candidate | Status | typeof NOT_HELPED;

export interface BoardSearch {
  /** Index of the node with which to begin. */
  readonly offset: number;
  /** So many candidates are enough, once one of them breaks no budget. */
  readonly enough: number;
  /** Tries a node out of which nothing is known. */
  readonly tryOut: (node: NodeInfo) => NodeOutcome;
}

export class CandidateBoard {
  readonly #nodes: readonly NodeInfo[];
  /** By row, the index of its node. */
  readonly #indexOf: Int32Array;
  /** By index of the node; what is not known has yet to be tried out. */
  readonly #outcomes: (NodeOutcome | undefined)[];
  readonly #isStale: Uint8Array;
  /** Per block: how many candidates, how many of them break no budget, and the index of the best one or -1. */
  readonly #candidates: Uint8Array;
  readonly #harmless: Uint8Array;
  readonly #best: Int32Array;
  #refusals: ReadonlyMap<string, Refusal> | undefined;

  /** @param rows number of rows, in use or not */
  constructor(nodes: readonly NodeInfo[], rows: number) {
    const blocks = (nodes.length + BLOCK - 1) >> BITS;
    this.#nodes = nodes;
    this.#indexOf = new Int32Array(rows).fill(-1);
    for (const [i, node] of nodes.entries()) this.#indexOf[node.row] = i;
    this.#outcomes = Array.from(nodes, () => undefined);
    this.#isStale = new Uint8Array(blocks).fill(1);
    this.#candidates = new Uint8Array(blocks);
    this.#harmless = new Uint8Array(blocks);
    this.#best = new Int32Array(blocks);
  }

  /** What was known of the node of that row holds no more. */
  changed(row: number): void {
    const index = this.#indexOf[row] ?? -1;
    if (index >= 0) this.#set(index, undefined);
  }

  /**
   * The best of the first `enough` candidates, in the order of the nodes from `offset` on and round to it; undefined when
   * there is none, or the error of a plugin.
   */
  search({ offset, enough, tryOut }: BoardSearch): Candidate | Status | undefined {
    const nodes = this.#nodes;
    let best = -1;
    let candidates = 0;
    let harmless = 0;
    let left = nodes.length;
    for (let at = offset; left > 0; at = at < nodes.length ? at : 0) {
      const block = at >> BITS;
      const end = Math.min((block + 1) << BITS, nodes.length);
      if (at === block << BITS && left >= end - at && this.#sumUp(block, end)) {
        const all = candidates + (this.#candidates[block] ?? 0);
        const allHarmless = harmless + (this.#harmless[block] ?? 0);
        if (allHarmless === 0 || all < enough) {
          best = this.#better(best, this.#best[block] ?? -1);
          candidates = all;
          harmless = allHarmless;
          left -= end - at;
          at = end;
          continue;
        }
      }
      // The search begins or ends within the block, or not all of it is known.
      for (const stop = Math.min(end, at + left); at < stop; at++, left--) {
        const outcome = this.#outcomeAt(at, tryOut);
        if (outcome === NOT_HELPED) continue;
        if ('code' in outcome) {
          if (!isRejected(outcome)) return outcome;
          continue;
        }
        candidates++;
        if (outcome.violations === 0) harmless++;
        best = this.#better(best, at);
        if (harmless > 0 && candidates >= enough) return this.#candidate(best);
      }
    }
    return this.#candidate(best);
  }

  /** Why there can be no room on the nodes that were tried out in vain; holds until something changes. */
  refusals(): ReadonlyMap<string, Refusal> {
    if (this.#refusals !== undefined) return this.#refusals;
    const refusals = new Map<string, Refusal>();
    for (const [i, { name }] of this.#nodes.entries()) {
      const outcome = this.#outcomes[i];
      if (outcome === undefined || outcome === NOT_HELPED || !('code' in outcome)) continue;
      if (isRejected(outcome)) refusals.set(name, knownRefusal(outcome));
    }
    this.#refusals = refusals;
    return refusals;
  }

  #outcomeAt(index: number, tryOut: BoardSearch['tryOut']): NodeOutcome {
    const known = this.#outcomes[index];
    if (known !== undefined) return known;
    const node = this.#nodes[index];
    const outcome = node === undefined ? NOT_HELPED : tryOut(node);
    this.#set(index, outcome);
    return outcome;
  }

  #set(index: number, outcome: NodeOutcome | undefined): void {
    this.#outcomes[index] = outcome;
    this.#isStale[index >> BITS] = 1;
    this.#refusals = undefined;
  }

  /** False where not all of the block is known, or a plugin failed. */
  #sumUp(block: number, end: number): boolean {
    if (this.#isStale[block] === 0) return true;
    let best = -1;
    let candidates = 0;
    let harmless = 0;
    for (let index = block << BITS; index < end; index++) {
      const outcome = this.#outcomes[index];
      if (outcome === undefined) return false;
      if (outcome === NOT_HELPED) continue;
      if ('code' in outcome) {
        if (!isRejected(outcome)) return false;
        continue;
      }
      candidates++;
      if (outcome.violations === 0) harmless++;
      best = this.#better(best, index);
    }
    this.#best[block] = best;
    this.#candidates[block] = candidates;
    this.#harmless[block] = harmless;
    this.#isStale[block] = 0;
    return true;
  }

  /** The second of two indices only where it is better. -1: none */
  #better(a: number, b: number): number {
    const [first, second] = [this.#candidate(a), this.#candidate(b)];
    if (first === undefined || second === undefined) return first === undefined ? b : a;
    return isLess(candidateCosts(second), candidateCosts(first)) ? b : a;
  }

  #candidate(index: number): Candidate | undefined {
    const outcome = this.#outcomes[index];
    return outcome === undefined || outcome === NOT_HELPED || 'code' in outcome ? undefined : outcome;
  }
}

// Equal refusals are one object, however many nodes gave them.
const knownRefusals = new WeakMap<Rejection, Refusal>();

function knownRefusal(status: Rejection): Refusal {
  let refusal = knownRefusals.get(status);
  if (refusal === undefined) {
    refusal = refusalOf(status);
    knownRefusals.set(status, refusal);
  }
  return refusal;
}
