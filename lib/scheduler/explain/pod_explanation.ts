import type { Explanation } from './decision_log.ts';

/** What is known of a pod. */
export interface PodExplanation {
  readonly pod: string;
  /** Where it is. */
  readonly node?: string;
  /** Where room is being made for it. */
  readonly nominatedNode?: string;
  /** Absent for a pod that does not wait. */
  readonly queue?: {
    readonly place: string;
    readonly attempts: number;
    readonly retryInSeconds?: number;
    readonly gatedBy?: { readonly plugin: string; readonly reasons: readonly string[] };
    readonly refusedBy: readonly string[];
  };
  readonly lastDecision?: Explanation;
}
