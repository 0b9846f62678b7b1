import { MAX_NODE_SCORE } from './plugin.ts';

/** Applies `normalize` to each score with the lowest and the highest of them, in place. NaN counts for neither. */
export function normalizeEach(
  scores: number[],
  normalize: (score: number, lowest: number, highest: number) => number,
): void {
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (const score of scores) {
    if (score < lowest) lowest = score;
    if (score > highest) highest = score;
  }
  for (let i = 0; i < scores.length; i++) scores[i] = normalize(scores[i] ?? 0, lowest, highest);
}

/**
 * Scales a score so that the highest becomes {@link MAX_NODE_SCORE}, whole numbers rounded down. When all are 0, they
 * stay 0.
 */
export function shareOfHighest(score: number, _lowest: number, highest: number): number {
  return highest > 0 ? Math.floor((score * MAX_NODE_SCORE) / highest) : 0;
}

/** As {@link shareOfHighest}, the other way around: the highest becomes 0; when all are 0, all become the maximum. */
export function lackOfHighest(score: number, lowest: number, highest: number): number {
  return MAX_NODE_SCORE - shareOfHighest(score, lowest, highest);
}
