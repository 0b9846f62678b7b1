/** How good a node is by how full its storage would be (KEP-4049, feature gate StorageCapacityScoring). */
import type { Quantity } from '../../api/quantity.ts';
import { parseQuantity, tryParseQuantity } from '../../api/quantity.ts';
import { keyOf } from '../../api/types.ts';
import type { ShapePoint } from '../plugins/scoring_strategy.ts';
import { scoreAt } from '../plugins/scoring_strategy.ts';
import { requestOf, storageClassName } from './pod_claims.ts';
import type { VolumeDecision } from './volume_decisions.ts';

/** Prefers nodes with much room left, where the arguments say nothing else. */
export const DEFAULT_STORAGE_SHAPE: readonly ShapePoint[] = [
  { utilization: 0, score: 10 },
  { utilization: 100, score: 0 },
];

/** The volumes of one class. */
interface Usage {
  readonly wanted: bigint;
  readonly room: bigint;
}

const ZERO = parseQuantity('0');
const FULL = 100;

/**
 * The mean over the storage classes that the pod's volumes are of. Where the pod gets volumes that exist already, these
 * alone count, by how much of each is asked for; else the volumes to be made, by how much of what the driver has left for
 * the node they take together. A class of which the driver reports nothing does not count.
 *
 * @returns 0 to 100; 0 where nothing counts
 */
export function storageScore(shape: readonly ShapePoint[], decision: VolumeDecision): number {
  const usages = [...usageByClass(decision).values()];
  if (usages.length === 0) return 0;
  const scores = usages.map(({ wanted, room }) =>
    scoreAt(shape, room === 0n || wanted > room ? FULL : Number((wanted * BigInt(FULL)) / room)),
  );
  return Math.round(scores.reduce((a, b) => a + b, 0) / scores.length);
}

function usageByClass({ bindings, provisions, rooms }: VolumeDecision): ReadonlyMap<string, Usage> {
  const usages = new Map<string, Usage>();
  const add = (className: string, wanted: Quantity, room: (before: bigint) => bigint): void => {
    const before = usages.get(className) ?? { wanted: 0n, room: 0n };
    usages.set(className, { wanted: before.wanted + wanted.value(), room: room(before.room) });
  };
  for (const { volume, claim } of bindings) {
    const size = tryParseQuantity(volume.spec?.capacity?.['storage']) ?? ZERO;
    add(storageClassName(claim), requestOf(claim), (before) => before + size.value());
  }
  if (bindings.length > 0) return usages;
  for (const claim of provisions) {
    const room = rooms?.get(keyOf(claim));
    // Of the same room, however many volumes of a class are made of it.
    if (room !== undefined) add(storageClassName(claim), requestOf(claim), () => room.value());
  }
  return usages;
}
