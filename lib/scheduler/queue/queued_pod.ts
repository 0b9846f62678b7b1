import type { Pod } from '../../api/types.ts';

/** A pod that waits to be scheduled, and how it fared so far. */
export interface QueuedPod {
  /** `namespace/name` */
  readonly key: string;
  readonly uid: string;
  /** As last seen in the API. */
  pod: Pod;
  /** When it entered the queue it is in, on the monotonic clock, milliseconds. */
  timestamp: number;
  /** When it was first seen unscheduled, on the monotonic clock. */
  readonly firstSeen: number;
  /** Scheduling cycles so far. */
  attempts: number;
  /** Attempts that count for back-off: those that ended unschedulable or in an error. */
  failures: number;
  /** Plugins that refused it at the last attempt. Empty when it never failed or failed by error. */
  refusedBy: ReadonlySet<string>;
  /** Set while PreEnqueue keeps it out: which plugin does, and why. */
  gatedBy?: { readonly plugin: string; readonly reasons: readonly string[] } | undefined;
}
