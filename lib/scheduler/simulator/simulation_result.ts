/** What a simulation came to; the answer of `-o json`. */

/** How the pod came to wait for a node. */
export type Origin =
  /** It was given without a node. */
  | 'pending'
  /** Made for a workload that was given without its pods. */
  | 'workload'
  /** Its node is drained, and its controller made it anew. */
  | 'drained'
  /** A more important pod took its place, and its controller made it anew. */
  | 'preempted';

export interface Placement {
  /** `namespace/name` */
  readonly pod: string;
  readonly origin: Origin;
  readonly priority: number;
  readonly node: string;
  /** Why there. */
  readonly message: string;
  /** The best nodes by score, best first; empty when there was no choice. */
  readonly scores: readonly {
    readonly node: string;
    readonly total: number;
    readonly byPlugin: Readonly<Record<string, number>>;
  }[];
}

export interface PendingPod {
  readonly pod: string;
  readonly origin: Origin;
  readonly priority: number;
  /** `gated`: kept out of the queue; `permit`: a plugin lets it wait; `error`: a plugin failed. */
  readonly state: 'unschedulable' | 'gated' | 'error';
  /** As the stock scheduler says it. */
  readonly message: string;
  /** The node where room was made, if any. */
  readonly nominatedNode?: string;
}

export interface Preemption {
  readonly victim: string;
  readonly node: string;
  readonly by: string;
  /** Whether its controller made it anew. */
  readonly recreated: boolean;
}

export interface Drain {
  readonly node: string;
  readonly evicted: readonly string[];
  /** Gone for good: no controller makes them anew. */
  readonly lost: readonly string[];
  /** DaemonSet and static pods stay. */
  readonly ignored: readonly string[];
  /** Could not be evicted. */
  readonly blocked: readonly { readonly pod: string; readonly reason: string }[];
}

export interface Capacity {
  /** What was tried: a pod or a file. */
  readonly shape: string;
  /** So many more fit. */
  readonly fits: number;
  /** Set when the search ended at its limit: more may fit. */
  readonly atLimit: boolean;
  /** Why the next one does not fit. */
  readonly stoppedBy: string;
  readonly byNode: Readonly<Record<string, number>>;
}

/** Amounts by resource: CPU in millicores, everything else in its own unit. */
export type Amounts = Readonly<Record<string, number>>;

export interface NodeFill {
  readonly node: string;
  readonly allocatable: Amounts;
  /** Requested by the pods on it before, and after. */
  readonly before: Amounts;
  readonly after: Amounts;
  /** Set when the what-if question added it. */
  readonly added?: true;
  readonly unschedulable?: true;
}

export interface SimulationResult {
  readonly seed: number;
  readonly summary: {
    readonly nodes: number;
    /** Pods that had a node from the start. */
    readonly running: number;
    readonly placed: number;
    readonly pending: number;
    readonly preempted: number;
  };
  /** In the order in which pods got their nodes. */
  readonly placements: readonly Placement[];
  readonly pending: readonly PendingPod[];
  readonly preemptions: readonly Preemption[];
  readonly drains: readonly Drain[];
  readonly capacity: readonly Capacity[];
  readonly nodes: readonly NodeFill[];
  /** What was assumed or left out, in sentences. */
  readonly notices: readonly string[];
}
