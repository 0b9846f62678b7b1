/** What the page asks for and is told; shared with its script in the browser. */
import type { TimelineEntry } from '../contracts.ts';

/** `GET /ui/data`. Times in milliseconds since the epoch. */
export interface UiOverview {
  readonly now: number;
  readonly node: string;
  readonly version: string;
  /** Why the node is not as it should be; empty: it is. */
  readonly problems: readonly string[];
  /** How many pods the node takes. */
  readonly maxPods: string;
  /** Those that wait first, then by time of what happened last. Gone ones at the end. */
  readonly pods: readonly UiPodRow[];
}

export interface UiPodRow {
  /** NAMESPACE/NAME */
  readonly pod: string;
  /** The phase, or `Terminating` for one that is deleted, or `Gone` for one that only its timeline is left of. */
  readonly state: string;
  readonly readyContainers: number;
  readonly containers: number;
  readonly restarts: number;
  /** Empty: for nothing. */
  readonly waitsFor: string;
  /** What happened last, and when. */
  readonly last: string;
  readonly lastAt: number;
}

/** `GET /ui/pod/NAMESPACE/NAME` */
export interface UiPod {
  readonly row: UiPodRow;
  readonly uid: string;
  readonly ip: string;
  readonly qosClass: string;
  readonly message: string;
  readonly containers: readonly UiContainer[];
  readonly conditions: readonly UiCondition[];
  /** The oldest first. */
  readonly entries: readonly TimelineEntry[];
}

export interface UiContainer {
  readonly name: string;
  readonly kind: string;
  readonly state: string;
  readonly ready: boolean;
  readonly restarts: number;
  /** How the incarnation before ended; empty: there was none. */
  readonly last: string;
}

export interface UiCondition {
  readonly type: string;
  readonly status: string;
  readonly why: string;
  readonly since: string;
}
