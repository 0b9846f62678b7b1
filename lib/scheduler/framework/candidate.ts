/** A node on which room could be made. */
import type { Pod } from '../../api/types.ts';

/** What making room on a node costs. */
export interface Candidate {
  readonly node: string;
  /** Most important first. */
  readonly victims: readonly Pod[];
  /** How many of them break a disruption budget. */
  readonly violations: number;
}
