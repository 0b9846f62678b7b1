/**
 * The extension points at which plugins take part in scheduling, by their upstream names. A plugin is an object with a
 * name that implements any of these interfaces; the points that it implements are found by {@link implementsPoint}.
 */
import type { KubeObject, Pod } from '../../api/types.ts';
import type { NodeInfo } from '../cache/node_info.ts';
import type { RowSet } from '../cache/row_set.ts';
import type { QueuedPod } from '../queue/queued_pod.ts';
import type { Candidate } from './candidate.ts';
import type { CycleState } from './cycle_state.ts';
import type { Outcome, Refusal, Status } from './status.ts';

export interface Plugin {
  readonly name: string;
}

/** Asked before a pod enters the active queue; a refusal keeps it out until the pod changes. */
export interface PreEnqueuePlugin extends Plugin {
  preEnqueue(pod: Pod): Outcome;
}

/** Orders the active queue. Exactly one per profile, the same in all profiles. */
export interface QueueSortPlugin extends Plugin {
  /** Negative when `a` goes first. */
  compare(a: QueuedPod, b: QueuedPod): number;
}

/** What a PreFilter found out: it may narrow the nodes that are worth a look. */
export interface PreFilterResult {
  /** Names of the only nodes that can pass. */
  readonly nodeNames: ReadonlySet<string>;
}

/** Computes once per cycle what Filter needs for each node. `Skip` leaves the plugin's Filter out for this pod. */
export interface PreFilterPlugin extends Plugin {
  preFilter(state: CycleState, pod: Pod, nodes: readonly NodeInfo[]): Outcome | PreFilterResult;
  /**
   * What would be if `other` were on the node as well: changes what PreFilter wrote for `pod`. Exactly undone by
   * `removePod` with the same arguments, and the other way around.
   */
  addPod?(state: CycleState, pod: Pod, other: Pod, node: NodeInfo): void;
  /** What would be if `other` were not on the node. */
  removePod?(state: CycleState, pod: Pod, other: Pod, node: NodeInfo): void;
}

export interface FilterPlugin extends Plugin {
  filter(state: CycleState, pod: Pod, node: NodeInfo): Outcome;
}

/** What a PostFilter came to. */
export interface PostFilterResult {
  /** Where the pod is to go once there is room; empty takes an earlier nomination back. */
  readonly nominatedNodeName?: string;
  /** Refusal or error: its reasons are added to the message on the pod. */
  readonly status?: Status;
}

/** From which columns something was read, and when. */
export interface ReadAt {
  readonly signature: string;
  /** Of the cache's journal of changes: what came later does not count yet. */
  readonly position: number;
}

export interface PostFilterContext {
  readonly profile: Profile;
  /** Ends when the scheduler stops. */
  readonly signal: AbortSignal;
  /** Set where what the filters say of a node follows from the pod's signature and from that node alone. */
  readonly columns?: ReadAt;
  /** What the extenders leave of the candidates for preemption. Absent: none has a say in it. */
  readonly extenders?: (pod: Pod, candidates: readonly Candidate[]) => Promise<readonly Candidate[]>;
}

/** Asked when no node passed, to make room. */
export interface PostFilterPlugin extends Plugin {
  /** @param refusals why each node was refused */
  postFilter(
    state: CycleState,
    pod: Pod,
    refusals: ReadonlyMap<string, Refusal>,
    context: PostFilterContext,
  ): PostFilterResult | Promise<PostFilterResult>;
}

/** `Skip` leaves the plugin's Score out for this pod. */
export interface PreScorePlugin extends Plugin {
  preScore(state: CycleState, pod: Pod, nodes: readonly NodeInfo[]): Outcome;
}

/** Highest score after normalisation; the lowest is 0. */
export const MAX_NODE_SCORE = 100;

export interface ScorePlugin extends Plugin {
  score(state: CycleState, pod: Pod, node: NodeInfo): number;
  /** Brings the scores of all nodes into 0..{@link MAX_NODE_SCORE}, in place. */
  normalizeScore?(state: CycleState, pod: Pod, scores: number[]): void;
  /**
   * The same for one score, where the lowest and the highest are all that one has to know of the others; NaN, for a node
   * that is not to be compared with them, counts for neither. Needed beside `normalizeScore` by a {@link SignPlugin}.
   */
  normalize?(score: number, lowest: number, highest: number): number;
}

/**
 * A plugin whose answers can be used again for the next pod of the same kind (in the manner of KEP-5598). What Filter and
 * Score say of a node must follow from what `signPod` returns and from that node with its pods alone; PreFilter and PreScore
 * must not look at the nodes. A profile in which any plugin of these four points does not sign is slower by far, as every
 * pod is tried on every node.
 */
export interface SignPlugin extends Plugin {
  /**
   * All of the pod that the plugin looks at, as text: pods for which it is the same get the same answers. Undefined for a
   * pod whose answers cannot be used again.
   */
  signPod(pod: Pod): string | undefined;
}

/** What a plugin knows of all nodes for the pods of one signature, followed up as the cluster changes. */
export interface FilterColumn {
  /**
   * @param dirty rows of which the node or its pods changed since the last call; all rows at first
   * @param touched to be given the rows whose verdict may be another one now
   */
  update(dirty: RowSet, touched: RowSet): void;
  /** As Filter. The same object for the same answer, that it may be found again quickly. */
  verdict(row: number): Status | undefined;
  /** Whether no node can be refused, as when PreFilter says Skip. */
  readonly isIdle: boolean;
}

export interface ScoreColumn {
  /**
   * @param touched to be given the rows whose score may be another one now
   * @param feasible the nodes that passed
   * @param flips the rows that came into or went out of `feasible` since the last call
   */
  update(dirty: RowSet, touched: RowSet, feasible: FeasibleRows, flips: RowSet): void;
  /** As Score, before normalisation; NaN for a node that is not to be compared with the others. */
  score(row: number): number;
  /** Whether PreScore would say Skip: the score is not shown then. */
  readonly isIdle: boolean;
}

/** The nodes that passed all filters. */
export interface FeasibleRows {
  readonly count: number;
  has(row: number): boolean;
}

/**
 * A plugin that signs, but whose answers follow from more than the node itself: it keeps columns over all nodes for the
 * pods of one signature. The columns of a plugin end where a node comes, goes, or changes its labels or taints.
 */
export interface ColumnPlugin extends SignPlugin {
  /** Undefined for the points that the plugin has nothing to say at. @param pod any pod of the signature */
  columns(pod: Pod): { readonly filter?: FilterColumn; readonly score?: ScoreColumn };
}

/** Told that the pod is to go to the node, and of it when that comes to nothing. */
export interface ReservePlugin extends Plugin {
  reserve(state: CycleState, pod: Pod, nodeName: string): Outcome;
  /** Must not throw; also called when the reserve of this or another plugin failed. */
  unreserve(state: CycleState, pod: Pod, nodeName: string): void;
}

/** The pod waits at Permit for {@link WaitingPods.allow} or reject, at most that long. */
export interface PermitWait {
  readonly code: 'Wait';
  /** Milliseconds; at most 15 minutes count. */
  readonly timeoutMs: number;
}

/** Asked when the pod has its node reserved, before it is bound. */
export interface PermitPlugin extends Plugin {
  permit(state: CycleState, pod: Pod, nodeName: string): Outcome | PermitWait;
}

export interface PreBindPlugin extends Plugin {
  preBind(state: CycleState, pod: Pod, nodeName: string, signal: AbortSignal): Outcome | Promise<Outcome>;
  /**
   * Whether {@link preBind} has anything to do for the pod. The node is then told in `status.nominatedNodeName` before, for those
   * who remove or add nodes (KEP-5278). Without this method it is taken to have.
   */
  preBindPreFlight?(state: CycleState, pod: Pod, nodeName: string): boolean;
}

export interface BindPlugin extends Plugin {
  bind(state: CycleState, pod: Pod, nodeName: string, signal: AbortSignal): Promise<Outcome>;
}

export interface PostBindPlugin extends Plugin {
  postBind(state: CycleState, pod: Pod, nodeName: string): void;
}

/** What happens in a cluster that can make a refused pod schedulable. */
export type ClusterEvent =
  | 'NodeAdd'
  | 'NodeDelete'
  | 'NodeAllocatableUpdate'
  | 'NodeLabelUpdate'
  | 'NodeTaintUpdate'
  | 'NodeConditionUpdate'
  | 'NodeDeclaredFeatureUpdate'
  | 'AssignedPodAdd'
  | 'AssignedPodUpdate'
  | 'AssignedPodDelete'
  | 'UnscheduledPodUpdate'
  | 'NamespaceUpdate'
  | 'PersistentVolumeAdd'
  | 'PersistentVolumeUpdate'
  | 'PersistentVolumeClaimAdd'
  | 'PersistentVolumeClaimUpdate'
  | 'StorageClassAdd'
  | 'CSINodeAdd'
  | 'CSINodeUpdate'
  | 'CSIDriverUpdate'
  | 'CSIStorageCapacityUpdate'
  | 'VolumeAttachmentDelete';

/** The object that an event is about. */
export interface EventObjects {
  /** Before; absent when it is new. */
  readonly old?: KubeObject;
  /** After; absent when it is gone. */
  readonly new?: KubeObject;
}

/**
 * A queueing hint (KEP-4247): whether the event may make `pod`, which the plugin refused, schedulable. It is asked often:
 * cheap, and in doubt true.
 */
export type QueueingHint = (pod: Pod, objects: EventObjects) => boolean;

export interface EventRegistration {
  readonly event: ClusterEvent;
  readonly hint?: QueueingHint;
}

/** Names the events after which a pod that this plugin refused is worth another try. Without it: all of them. */
export interface EnqueueExtensions extends Plugin {
  eventsToRegister(): readonly (ClusterEvent | EventRegistration)[];
}

/** Extension points by the method that stands for them. */
export interface Points {
  preEnqueue: PreEnqueuePlugin;
  compare: QueueSortPlugin;
  preFilter: PreFilterPlugin;
  filter: FilterPlugin;
  postFilter: PostFilterPlugin;
  preScore: PreScorePlugin;
  score: ScorePlugin;
  reserve: ReservePlugin;
  permit: PermitPlugin;
  preBind: PreBindPlugin;
  bind: BindPlugin;
  postBind: PostBindPlugin;
  eventsToRegister: EnqueueExtensions;
  signPod: SignPlugin;
  columns: ColumnPlugin;
}

/** Whether the plugin takes part in the point whose method is called `method`. */
export function implementsPoint<M extends keyof Points>(plugin: Plugin, method: M): plugin is Points[M] {
  return method in plugin && typeof Reflect.get(plugin, method) === 'function';
}

/** A plugin in a profile. */
export interface EnabledPlugin {
  readonly plugin: Plugin;
  /** Factor of its score; 0 where it does not score. */
  readonly weight: number;
}

export interface WeightedScore {
  readonly plugin: ScorePlugin;
  readonly weight: number;
}

/** The plugins that schedule the pods of one schedulerName, arranged by extension point. */
export interface Profile {
  readonly schedulerName: string;
  readonly preEnqueue: readonly PreEnqueuePlugin[];
  readonly queueSort: QueueSortPlugin;
  readonly preFilter: readonly PreFilterPlugin[];
  readonly filter: readonly FilterPlugin[];
  readonly postFilter: readonly PostFilterPlugin[];
  readonly preScore: readonly PreScorePlugin[];
  readonly score: readonly WeightedScore[];
  readonly reserve: readonly ReservePlugin[];
  readonly permit: readonly PermitPlugin[];
  readonly preBind: readonly PreBindPlugin[];
  readonly bind: readonly BindPlugin[];
  readonly postBind: readonly PostBindPlugin[];
  /** Share of the nodes, in per cent, of which so many feasible ones are enough. Default 100. */
  readonly percentage?: number;
  /** Per plugin, the events after which a pod that it refused is worth another try; absent: any event. */
  readonly events: ReadonlyMap<string, ReadonlyMap<ClusterEvent, QueueingHint>>;
}
