/**
 * The extension points at which plugins take part in scheduling, by their upstream names. A plugin is an object with a
 * name that implements any of these interfaces; the points that it implements are found by {@link implementsPoint}.
 */
import type { Pod } from '../../api/types.ts';
import type { NodeInfo } from '../cache/node_info.ts';
import type { QueuedPod } from '../queue/queued_pod.ts';
import type { CycleState } from './cycle_state.ts';
import type { Outcome } from './status.ts';

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
}

export interface FilterPlugin extends Plugin {
  filter(state: CycleState, pod: Pod, node: NodeInfo): Outcome;
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
}

/** Told that the pod is to go to the node, and of it when that comes to nothing. */
export interface ReservePlugin extends Plugin {
  reserve(state: CycleState, pod: Pod, nodeName: string): Outcome;
  /** Must not throw; also called when the reserve of this or another plugin failed. */
  unreserve(state: CycleState, pod: Pod, nodeName: string): void;
}

export interface PreBindPlugin extends Plugin {
  preBind(state: CycleState, pod: Pod, nodeName: string, signal: AbortSignal): Promise<Outcome>;
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
  | 'NodeAllocatableUpdate'
  | 'NodeLabelUpdate'
  | 'NodeTaintUpdate'
  | 'NodeConditionUpdate'
  | 'AssignedPodAdd'
  | 'AssignedPodUpdate'
  | 'AssignedPodDelete'
  | 'UnscheduledPodUpdate';

/** Names the events after which a pod that this plugin refused is worth another try. Without it: all of them. */
export interface EnqueueExtensions extends Plugin {
  eventsToRegister(): readonly ClusterEvent[];
}

/** Extension points by the method that stands for them. */
interface Points {
  preEnqueue: PreEnqueuePlugin;
  compare: QueueSortPlugin;
  preFilter: PreFilterPlugin;
  filter: FilterPlugin;
  preScore: PreScorePlugin;
  score: ScorePlugin;
  reserve: ReservePlugin;
  preBind: PreBindPlugin;
  bind: BindPlugin;
  postBind: PostBindPlugin;
  eventsToRegister: EnqueueExtensions;
}

/** Whether the plugin takes part in the point whose method is called `method`. */
export function implementsPoint<M extends keyof Points>(plugin: Plugin, method: M): plugin is Points[M] {
  return method in plugin && typeof Reflect.get(plugin, method) === 'function';
}
