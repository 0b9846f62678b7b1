import { MAX_NODE_SCORE } from './plugin.ts';

/**
 * Scales scores so that the highest becomes {@link MAX_NODE_SCORE}, whole numbers rounded down, in place. With
 * `reverse`, the highest becomes 0 and the others follow. When all are 0, they stay 0 (reversed: all become the maximum).
 */
export function normalizeByMaximum(scores: number[], reverse: boolean): void {
  const highest = scores.reduce((max, score) => Math.max(max, score), 0);
  for (const [i, score] of scores.entries()) {
    const scaled = highest === 0 ? 0 : Math.floor((score * MAX_NODE_SCORE) / highest);
    scores[i] = reverse ? MAX_NODE_SCORE - scaled : scaled;
  }
}
