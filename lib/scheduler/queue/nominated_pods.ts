/** The pods that wait for room on a certain node, which others are to leave them. */
import type { Pod } from '../../api/types.ts';
import { podId } from '../cache/node_info.ts';

/** Nominations made by this scheduler or read from `status.nominatedNodeName`. A pod has at most one. */
export class NominatedPods {
  readonly #byNode = new Map<string, Map<string, Pod>>();
  readonly #nodeOf = new Map<string, string>();
  readonly #listeners: ((nodeName: string) => void)[] = [];

  /** How many pods wait for a node. */
  get size(): number {
    return this.#nodeOf.size;
  }

  /** @param changed called with the name of each node for which a pod came to wait, or waits no more */
  listen(changed: (nodeName: string) => void): void {
    this.#listeners.push(changed);
  }

  /** The pod waits for that node. */
  set(pod: Pod, nodeName: string): void {
    this.remove(pod);
    const id = podId(pod);
    const pods = this.#byNode.get(nodeName) ?? new Map<string, Pod>();
    pods.set(id, pod);
    this.#byNode.set(nodeName, pods);
    this.#nodeOf.set(id, nodeName);
    this.#tell(nodeName);
  }

  /** Takes the nomination from the pod's status, unless it says none. */
  add(pod: Pod): void {
    const nodeName = pod.status?.nominatedNodeName ?? '';
    if (nodeName !== '') this.set(pod, nodeName);
  }

  /** The pod changed; a nomination that this scheduler made and the API does not show yet stays. */
  update(old: Pod, pod: Pod): void {
    const before = old.status?.nominatedNodeName ?? '';
    const after = pod.status?.nominatedNodeName ?? '';
    if (after !== '') this.set(pod, after);
    else if (before === '') {
      const kept = this.#nodeOf.get(podId(pod));
      if (kept !== undefined) this.set(pod, kept);
    } else this.remove(pod);
  }

  remove(pod: Pod): void {
    const id = podId(pod);
    const nodeName = this.#nodeOf.get(id);
    if (nodeName === undefined) return;
    this.#nodeOf.delete(id);
    const pods = this.#byNode.get(nodeName);
    pods?.delete(id);
    if (pods?.size === 0) this.#byNode.delete(nodeName);
    this.#tell(nodeName);
  }

  /** The node that the pod waits for. */
  nodeOf(pod: Pod): string | undefined {
    return this.#nodeOf.get(podId(pod));
  }

  /** The pods that wait for the node. */
  on(nodeName: string): readonly Pod[] {
    const pods = this.#byNode.get(nodeName);
    return pods === undefined ? [] : [...pods.values()];
  }

  #tell(nodeName: string): void {
    for (const changed of this.#listeners) changed(nodeName);
  }
}
