/** The nodes on which room could be made for a pod, and at what cost. */
import type { Pod } from '../../api/types.ts';
import type { NodeInfo } from '../cache/node_info.ts';
import type { Refusal, Status } from '../framework/status.ts';
import { isRejected, refusalOf } from '../framework/status.ts';
import type { Candidate } from '../framework/candidate.ts';
import type { DryRun } from './victims.ts';
import { victimsOn } from './victims.ts';

export interface Found {
  readonly candidates: readonly Candidate[];
  /** Why there can be no room on the others. */
  readonly refusals: ReadonlyMap<string, Refusal>;
}

export interface SearchOptions {
  /** So many candidates are enough, once one of them breaks no budget. */
  readonly enough: number;
  /** 0..1: with which node to begin. */
  readonly random: () => number;
  /** The others are left out. Default: none. */
  readonly isHelped?: (node: NodeInfo) => boolean;
}

/** @returns the error when a plugin failed */
export function findCandidates(
  pod: Pod,
  nodes: readonly NodeInfo[],
  dryRun: DryRun,
  { enough, random, isHelped }: SearchOptions,
): Found | Status {
  const candidates: Candidate[] = [];
  const refusals = new Map<string, Refusal>();
  const offset = Math.floor(random() * nodes.length);
  let harmless = 0;
  for (let i = 0; i < nodes.length; i++) {
    const at = offset + i;
    const node = nodes[at < nodes.length ? at : at - nodes.length];
    if (node === undefined || isHelped?.(node) === false) continue;
    const outcome = victimsOn(pod, node, dryRun);
    if ('code' in outcome) {
      if (!isRejected(outcome)) return outcome;
      refusals.set(node.name, refusalOf(outcome));
      continue;
    }
    candidates.push(outcome);
    if (outcome.violations === 0) harmless++;
    if (harmless > 0 && candidates.length >= enough) break;
  }
  return { candidates, refusals };
}
