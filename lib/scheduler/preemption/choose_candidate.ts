/** On which of several nodes room is to be made. */
import { podPriority } from '../../api/pod.ts';
import type { Candidate } from '../framework/candidate.ts';
import { startTime } from './victims.ts';

const highest = ({ victims }: Candidate): number => {
  const [first] = victims;
  return first === undefined ? Number.NEGATIVE_INFINITY : podPriority(first);
};
// Shifted, so that of two nodes the one with fewer victims of negative priority is not worse.
const SHIFT = 2 ** 31;
const sum = ({ victims }: Candidate): number =>
  victims.reduce((total, victim) => total + podPriority(victim) + SHIFT, 0);
/** When the longest running of the most important victims started. */
const earliest = (candidate: Candidate): number =>
  candidate.victims
    .filter((victim) => podPriority(victim) === highest(candidate))
    .reduce((time, victim) => Math.min(time, startTime(victim)), Number.POSITIVE_INFINITY);

/** In this order, each where those before leave a choice; smaller is better. */
const CRITERIA: readonly ((candidate: Candidate) => number)[] = [
  ({ victims }) => (victims.length === 0 ? 0 : 1),
  ({ violations }) => violations,
  highest,
  sum,
  ({ victims }) => victims.length,
  (candidate) => -earliest(candidate),
];

/** What the candidate costs, by criterion; the first that differs decides. */
export function candidateCosts(candidate: Candidate): readonly number[] {
  let costs = known.get(candidate);
  if (costs === undefined) {
    costs = CRITERIA.map((criterion) => criterion(candidate));
    known.set(candidate, costs);
  }
  return costs;
}

// Candidates are compared again and again for pods of the same kind.
const known = new WeakMap<Candidate, readonly number[]>();

/**
 * The candidate with the fewest broken budgets; then with the least important of the most important victims, the
 * smallest sum of priorities, the fewest victims, the shortest running ones; then the first.
 */
export function chooseCandidate(candidates: readonly Candidate[]): Candidate | undefined {
  let best: Candidate | undefined;
  let least: readonly number[] = [];
  for (const candidate of candidates) {
    const costs = candidateCosts(candidate);
    if (best !== undefined && !isLess(costs, least)) continue;
    best = candidate;
    least = costs;
  }
  return best;
}

/** Whether one list of costs is less than the other. */
export function isLess(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] ?? 0) < (b[i] ?? 0);
  return false;
}
