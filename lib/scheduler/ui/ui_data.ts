/** What the page asks for and is told; shared with its script in the browser. */

/** `GET /ui/data` */
export interface UiOverview {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly version: string;
  readonly scheduling: boolean;
  readonly queue: {
    readonly active: number;
    readonly backoff: number;
    readonly unschedulable: number;
    readonly gated: number;
    readonly inFlight: number;
  };
  readonly nodes: number;
  readonly pods: number;
  /** Pending pods by reason, most first. */
  readonly groups: readonly UiGroup[];
  /** Reasons beyond those in `groups`. */
  readonly moreGroups: number;
  readonly history: readonly UiSample[];
}

export interface UiGroup {
  readonly message: string;
  readonly count: number;
  readonly example: string;
}

/** What happened in some seconds. */
export interface UiSample {
  /** End of the time, milliseconds since the epoch. */
  readonly at: number;
  /** Per second. */
  readonly scheduled: number;
  readonly failed: number;
  /** Of the decision, milliseconds; null when there was none. */
  readonly decisionP50: number | null;
  readonly decisionP99: number | null;
  /** From first seen to bound, milliseconds. */
  readonly boundP50: number | null;
  readonly boundP99: number | null;
}

/** `GET /ui/pods?place=&reason=&search=` */
export interface UiPodList {
  readonly total: number;
  readonly pods: readonly UiPendingPod[];
}

export interface UiPendingPod {
  readonly pod: string;
  readonly place: string;
  readonly attempts: number;
  readonly retryInSeconds: number | null;
  readonly priority: number;
  readonly message: string;
}

/** `GET /ui/remedies/NAMESPACE/NAME` */
export interface UiRemedies {
  readonly remedies: readonly {
    readonly steps: readonly string[];
    readonly nodes: number;
    readonly example: string;
  }[];
}
