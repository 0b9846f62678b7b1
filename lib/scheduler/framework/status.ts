/**
 * What a plugin answers at an extension point, named as the scheduling framework names it
 * (https://kubernetes.io/docs/concepts/scheduling-eviction/scheduling-framework/).
 */
export type StatusCode =
  /** The plugin agrees. */
  | 'Success'
  /** The plugin failed; the pod is tried again with back-off. */
  | 'Error'
  /** Refused; removing other pods might change that. */
  | 'Unschedulable'
  /** Refused, and removing other pods would not change it. */
  | 'UnschedulableAndUnresolvable'
  /** PreFilter and PreScore: the plugin has nothing to say on this pod. Bind: another plugin is to bind it. */
  | 'Skip'
  /** Permit: the pod keeps its place and waits for a word from the plugin. */
  | 'Wait';

/** An answer other than success says why. */
export interface Status {
  readonly code: StatusCode;
  /** One entry for each thing that is wrong, e.g. `Insufficient cpu`; users see and search for these texts. */
  readonly reasons: readonly string[];
  /** Name of the plugin, filled in by the framework. */
  readonly plugin?: string;
  readonly cause?: unknown;
}

/** A status that refuses the pod. */
export type Rejection = Status & { readonly code: 'Unschedulable' | 'UnschedulableAndUnresolvable' };

/** `undefined` stands for success, so that the usual case allocates nothing. */
export type Outcome = Status | undefined;

export function unschedulable(...reasons: readonly string[]): Status {
  return { code: 'Unschedulable', reasons };
}

export function unresolvable(...reasons: readonly string[]): Status {
  return { code: 'UnschedulableAndUnresolvable', reasons };
}

export function errorStatus(message: string, cause?: unknown): Status {
  return { code: 'Error', reasons: [message], ...(cause === undefined ? {} : { cause }) };
}

export const SKIP: Status = Object.freeze({ code: 'Skip', reasons: [] });

/** Whether the pod was refused (rather than accepted, or the plugin having failed). */
export function isRejected(status: Outcome): status is Rejection {
  return status?.code === 'Unschedulable' || status?.code === 'UnschedulableAndUnresolvable';
}

/** The refusal of one node, or of all of them, as it is kept for messages and for preemption. */
export interface Refusal {
  readonly plugin: string;
  readonly reasons: readonly string[];
  /** Whether the going of other pods might change it. */
  readonly resolvable: boolean;
}

export function refusalOf(status: Rejection): Refusal {
  return {
    plugin: status.plugin ?? '',
    reasons: status.reasons,
    resolvable: status.code === 'Unschedulable',
  };
}
