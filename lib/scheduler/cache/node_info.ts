/** A node as the plugins see it: the object, the pods on it, and sums over them that are kept as pods come and go. */
import { hostPorts } from '../../api/pod.ts';
import { tryParseQuantity } from '../../api/quantity.ts';
import type { Node, Pod, Taint } from '../../api/types.ts';
import { keyOf } from '../../api/types.ts';
import type { PodResources } from './pod_resources.ts';
import { podResources } from './pod_resources.ts';
import { sameLabels } from './same_labels.ts';
import { PortSet } from './port_set.ts';

/** Amounts by resource: CPU in millicores, everything else in its own unit (bytes, pieces). */
type Amounts = ReadonlyMap<string, number>;

/** Told of each pod that comes to a node or leaves it. */
export type PodListener = (pod: Pod, row: number, by: 1 | -1) => void;

export class NodeInfo {
  readonly name: string;
  /** Number of the node's row in columns over all nodes. */
  readonly row: number;
  readonly ports = new PortSet();
  readonly #listener: PodListener | undefined;
  #node: Node;
  #allocatable: Amounts;
  #images: ReadonlyMap<string, number>;
  readonly #pods = new Map<string, { pod: Pod; readonly resources: PodResources }>();
  readonly #requested = new Map<string, number>();
  readonly #nonZero = { cpu: 0, memory: 0 };

  constructor(node: Node, row = 0, listener?: PodListener) {
    this.name = node.metadata.name;
    this.row = row;
    this.#listener = listener;
    this.#node = node;
    this.#allocatable = allocatableOf(node);
    this.#images = imagesOf(node);
  }

  get node(): Node {
    return this.#node;
  }

  get taints(): readonly Taint[] {
    return this.#node.spec?.taints ?? [];
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#node.metadata.labels ?? {};
  }

  /** The pods on the node. */
  *pods(): Generator<Pod, void, void> {
    for (const { pod } of this.#pods.values()) yield pod;
  }

  get podCount(): number {
    return this.#pods.size;
  }

  /** Most pods that the node takes. */
  get allowedPods(): number {
    return this.allocatable('pods');
  }

  /** 0 for a resource that the node does not have. */
  allocatable(resource: string): number {
    return this.#allocatable.get(resource) ?? 0;
  }

  /** Sizes of the images that the node has, by name. */
  get images(): ReadonlyMap<string, number> {
    return this.#images;
  }

  requested(resource: string): number {
    return this.#requested.get(resource) ?? 0;
  }

  /** Like `requested`, where containers that request nothing count with a small default. */
  nonZeroRequested(resource: 'cpu' | 'memory'): number {
    return this.#nonZero[resource];
  }

  setNode(node: Node): void {
    this.#node = node;
    this.#allocatable = allocatableOf(node);
    this.#images = imagesOf(node);
  }

  /** Adds the pod, or replaces it when one of the same uid is there. */
  addPod(pod: Pod): void {
    const id = podId(pod);
    const before = this.#pods.get(id);
    const resources = podResources(pod, before);
    if (before !== undefined) {
      if (before.resources === resources && countsTheSame(before.pod, pod)) {
        before.pod = pod;
        return;
      }
      this.removePod(before.pod);
    }
    this.#pods.set(id, { pod, resources });
    this.#count(resources, 1);
    for (const port of hostPorts(pod)) this.ports.add(port);
    this.#listener?.(pod, this.row, 1);
  }

  removePod(pod: Pod): void {
    const id = podId(pod);
    const entry = this.#pods.get(id);
    if (entry === undefined) return;
    this.#pods.delete(id);
    this.#count(entry.resources, -1);
    for (const port of hostPorts(entry.pod)) this.ports.remove(port);
    this.#listener?.(entry.pod, this.row, -1);
  }

  /** A copy for trying out what would be without some pods, or with more. Nobody is told of its changes. */
  clone(): NodeInfo {
    const copy = new NodeInfo(this.#node, this.row);
    for (const [id, { pod, resources }] of this.#pods) copy.#pods.set(id, { pod, resources });
    for (const [resource, amount] of this.#requested) copy.#requested.set(resource, amount);
    copy.#nonZero.cpu = this.#nonZero.cpu;
    copy.#nonZero.memory = this.#nonZero.memory;
    copy.ports.addAll(this.ports);
    return copy;
  }

  #count(resources: PodResources, sign: 1 | -1): void {
    for (const { resource, amount } of resources.list) {
      const sum = this.requested(resource) + sign * amount;
      if (sum === 0) this.#requested.delete(resource);
      else this.#requested.set(resource, sum);
    }
    this.#nonZero.cpu += sign * resources.nonZeroCpu;
    this.#nonZero.memory += sign * resources.nonZeroMemory;
  }
}

/**
 * Whether two versions of a placed pod of the same requests are as good for every decision. Of the rest of the spec nothing
 * changes once a pod is placed that a decision would look at.
 */
function countsTheSame(a: Pod, b: Pod): boolean {
  return (
    a.metadata.deletionTimestamp === b.metadata.deletionTimestamp &&
    a.status?.startTime === b.status?.startTime &&
    a.spec.priority === b.spec.priority &&
    sameLabels(a, b)
  );
}

/** Identity of a pod: its uid, so that a pod created anew under the same name is another one. */
export function podId(pod: Pod): string {
  return pod.metadata.uid ?? keyOf(pod);
}

function allocatableOf(node: Node): Amounts {
  const amounts = new Map<string, number>();
  for (const [resource, text] of Object.entries(node.status?.allocatable ?? {})) {
    const quantity = tryParseQuantity(text);
    if (quantity === undefined) continue; // the API lets no malformed quantity in; treated as not there
    amounts.set(resource, Number(resource === 'cpu' ? quantity.milliValue() : quantity.value()));
  }
  return amounts;
}

function imagesOf(node: Node): ReadonlyMap<string, number> {
  const images = new Map<string, number>();
  for (const { names, sizeBytes = 0 } of node.status?.images ?? [])
    for (const name of names ?? []) images.set(name, sizeBytes);
  return images;
}
