/** What the scheduler believes of the cluster: nodes, the pods on them, and the pods that it has just placed. */
import type { Node, Pod } from '../../api/types.ts';
import { ChangeJournal } from './change_journal.ts';
import { ExistingTerms } from './existing_terms.ts';
import type { PodMatcher } from './match_counts.ts';
import { MatchCounts } from './match_counts.ts';
import { NodeInfo, podId } from './node_info.ts';
import { sameLabels } from './same_labels.ts';
import type { RowCounts } from './row_counts.ts';
import type { TopologyColumn } from './topology.ts';
import { Topologies } from './topology.ts';

interface PodState {
  readonly pod: Pod;
  readonly nodeName: string;
  /** Placed by us and not seen in the API yet. */
  readonly assumed: boolean;
}

/**
 * Nodes and pods as the API reports them, plus *assumed* pods: those whose binding is under way count on their node at
 * once, so that the next pod is not placed into the same room. An assumed pod is either confirmed by the API
 * ({@link SchedulerCache.addPod}) or taken back ({@link SchedulerCache.forgetPod}).
 *
 * Pods of nodes that are not known (yet, or any more) are kept, and counted as soon as the node is there.
 */
export class SchedulerCache {
  readonly #nodes = new Map<string, NodeInfo>();
  readonly #pods = new Map<string, PodState>();
  /** Pods of nodes that are not known, by node. */
  readonly #waiting = new Map<string, Map<string, Pod>>();
  #list: readonly NodeInfo[] | undefined;
  readonly #matchCounts = new MatchCounts();
  readonly #topologies = new Topologies();
  /** Affinity terms of the pods on known nodes. */
  readonly existingTerms = new ExistingTerms();
  readonly #images = new Map<string, { readonly bytes: number; nodes: number }>();
  /** Rows that removed nodes left. */
  readonly #freeRows: number[] = [];
  readonly #byRow: (NodeInfo | undefined)[] = [];
  /** Rows of which the node's state or its pods changed. */
  readonly changes = new ChangeJournal();
  #structure = 0;

  /** All nodes, in the order in which they were added; the same array until a node comes or goes. */
  nodes(): readonly NodeInfo[] {
    this.#list ??= [...this.#nodes.values()];
    return this.#list;
  }

  node(name: string): NodeInfo | undefined {
    return this.#nodes.get(name);
  }

  /** The node of a row, if the row is in use. */
  nodeAt(row: number): NodeInfo | undefined {
    return this.#byRow[row];
  }

  /** Number of rows, some of which may be out of use. */
  get rows(): number {
    return this.#byRow.length;
  }

  /** Changes when a node comes, goes, or changes its labels or taints: when more than one row is concerned. */
  get structure(): number {
    return this.#structure;
  }

  /** Something outside of this cache changed that counts for the node. */
  touch(nodeName: string): void {
    const info = this.#nodes.get(nodeName);
    if (info !== undefined) this.changes.record(info.row);
  }

  /** The domains of a topology key. Holds until a node comes, goes or changes its labels. */
  topology(key: string): TopologyColumn {
    return this.#topologies.column(key, this.nodes(), this.rows);
  }

  /** How many pods on each node the matcher chooses; goes on changing as pods come and go. */
  matchCounts(matcher: PodMatcher): RowCounts {
    return this.#matchCounts.of(matcher, this.nodes());
  }

  get podCount(): number {
    return this.#pods.size;
  }

  get assumedCount(): number {
    let count = 0;
    for (const state of this.#pods.values()) if (state.assumed) count++;
    return count;
  }

  isAssumed(pod: Pod): boolean {
    return this.#pods.get(podId(pod))?.assumed ?? false;
  }

  /** Size of an image, as the first node that has it reports it, and how many nodes have it. */
  image(name: string): { readonly bytes: number; readonly nodes: number } | undefined {
    return this.#images.get(name);
  }

  #countImages(node: NodeInfo, by: 1 | -1): void {
    for (const [name, bytes] of node.images) {
      const known = this.#images.get(name) ?? { bytes, nodes: 0 };
      known.nodes += by;
      if (known.nodes === 0) this.#images.delete(name);
      else this.#images.set(name, known);
    }
  }

  /** Adds the node or takes over its new state. */
  setNode(node: Node): void {
    const known = this.#nodes.get(node.metadata.name);
    if (known !== undefined) {
      const relabeled = !sameLabels(known.node, node);
      if (relabeled) this.#topologies.invalidate();
      if (relabeled || differ(known.node.spec?.taints, node.spec?.taints)) this.#structure++;
      this.#countImages(known, -1);
      known.setNode(node);
      this.#countImages(known, 1);
      this.changes.record(known.row);
      return;
    }
    this.#topologies.invalidate();
    this.#structure++;
    const info = new NodeInfo(node, this.#freeRows.pop() ?? this.rows, (pod, row, by) => {
      this.#matchCounts.change(pod, row, by);
      this.existingTerms.change(pod, row, by);
      this.changes.record(row);
    });
    this.#byRow[info.row] = info;
    for (const pod of this.#waiting.get(info.name)?.values() ?? []) info.addPod(pod);
    this.#waiting.delete(info.name);
    this.#countImages(info, 1);
    this.#nodes.set(info.name, info);
    this.#list = undefined;
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (info === undefined) return;
    // Its pods stay known (they may be seen before the node comes back) but no longer count in any column.
    for (const pod of Array.from(info.pods())) {
      info.removePod(pod);
      this.#wait(name, pod);
    }
    this.#countImages(info, -1);
    this.#nodes.delete(name);
    this.#freeRows.push(info.row);
    this.#byRow[info.row] = undefined;
    this.#structure++;
    this.#list = undefined;
    this.#topologies.invalidate();
  }

  /** The pod was seen in the API on `spec.nodeName`, for the first time or changed. Confirms an assumed one. */
  addPod(pod: Pod): void {
    this.#put(pod, pod.spec.nodeName ?? '', false);
  }

  /** The pod is gone from the API, or has ended. */
  removePod(pod: Pod): void {
    this.#drop(podId(pod));
  }

  /** The pod is about to be bound to the node: it counts there from now on. */
  assumePod(pod: Pod, nodeName: string): void {
    this.#put(pod, nodeName, true);
  }

  /** The binding came to nothing. A pod that the API has confirmed meanwhile stays. */
  forgetPod(pod: Pod): void {
    const id = podId(pod);
    if (this.#pods.get(id)?.assumed === true) this.#drop(id);
  }

  #put(pod: Pod, nodeName: string, assumed: boolean): void {
    const id = podId(pod);
    const before = this.#pods.get(id);
    if (before !== undefined && before.nodeName !== nodeName) this.#drop(id);
    this.#pods.set(id, { pod, nodeName, assumed });
    const node = this.#nodes.get(nodeName);
    if (node === undefined) this.#wait(nodeName, pod);
    else node.addPod(pod);
  }

  #wait(nodeName: string, pod: Pod): void {
    const pods = this.#waiting.get(nodeName) ?? new Map<string, Pod>();
    pods.set(podId(pod), pod);
    this.#waiting.set(nodeName, pods);
  }

  #drop(id: string): void {
    const state = this.#pods.get(id);
    if (state === undefined) return;
    this.#pods.delete(id);
    this.#nodes.get(state.nodeName)?.removePod(state.pod);
    const waiting = this.#waiting.get(state.nodeName);
    waiting?.delete(id);
    if (waiting?.size === 0) this.#waiting.delete(state.nodeName);
  }
}

function differ(a: unknown, b: unknown): boolean {
  return a !== b && JSON.stringify(a) !== JSON.stringify(b);
}
