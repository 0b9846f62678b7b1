/** How good a node is by how full it would be: the scoring strategies of NodeResourcesFit. */
import { MAX_NODE_SCORE } from '../framework/plugin.ts';

/** A resource and how much it counts in a score. */
export interface ResourceWeight {
  readonly name: string;
  readonly weight: number;
}

/** How good a node is at that utilization; between two points the score goes straight from one to the other. */
export interface ShapePoint {
  /** Per cent. */
  readonly utilization: number;
  /** 0 to 10. */
  readonly score: number;
}

export type ScoringStrategy =
  | { readonly type: 'LeastAllocated' | 'MostAllocated'; readonly resources: readonly ResourceWeight[] }
  | {
      readonly type: 'RequestedToCapacityRatio';
      readonly resources: readonly ResourceWeight[];
      /** At least one point, by utilization. */
      readonly shape: readonly ShapePoint[];
    };

/** Highest score of a {@link ShapePoint}. */
export const MAX_SHAPE_SCORE = 10;

type Amount = (resource: string) => number;

/** @returns the score, 0 to 100, of a node of that capacity of which so much would be used */
export function strategyScore(strategy: ScoringStrategy): (capacity: Amount, used: Amount) => number {
  const { resources, type } = strategy;
  if (type === 'RequestedToCapacityRatio') return ratioScore(resources, strategy.shape);
  return (capacityOf, usedOf) => {
    let sum = 0;
    let weights = 0;
    for (const { name, weight } of resources) {
      const capacity = capacityOf(name);
      // A resource that the node does not have says nothing about how full it is.
      if (capacity === 0) continue;
      // More than there is, by what pods without requests are taken to need.
      const used = Math.min(usedOf(name), capacity);
      const share = type === 'LeastAllocated' ? capacity - used : used;
      sum += weight * Math.floor((share * MAX_NODE_SCORE) / capacity);
      weights += weight;
    }
    return weights === 0 ? 0 : Math.floor(sum / weights);
  };
}

function ratioScore(
  resources: readonly ResourceWeight[],
  shape: readonly ShapePoint[],
): (capacity: Amount, used: Amount) => number {
  return (capacityOf, usedOf) => {
    let sum = 0;
    let weights = 0;
    for (const { name, weight } of resources) {
      const capacity = capacityOf(name);
      if (capacity === 0) continue;
      const used = usedOf(name);
      const score = scoreAt(shape, used > capacity ? 100 : Math.floor((used * 100) / capacity));
      // A resource that scores nothing counts for nothing, not even in the mean.
      if (score <= 0) continue;
      sum += weight * score;
      weights += weight;
    }
    return weights === 0 ? 0 : Math.round(sum / weights);
  };
}

/** A whole number, 0 to 100. */
export function scoreAt(shape: readonly ShapePoint[], utilization: number): number {
  const scaled = (score: number): number => (score * MAX_NODE_SCORE) / MAX_SHAPE_SCORE;
  let before: ShapePoint | undefined;
  for (const point of shape) {
    if (utilization <= point.utilization) {
      const to = scaled(point.score);
      if (before === undefined) return to;
      const from = scaled(before.score);
      const [run, whole] = [utilization - before.utilization, point.utilization - before.utilization];
      return from + Math.trunc(((to - from) * run) / whole);
    }
    before = point;
  }
  return scaled(before?.score ?? 0);
}
