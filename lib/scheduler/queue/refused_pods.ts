import { schedulerNameOf } from '../scheduler_name.ts';
import type { QueuedPod } from './queued_pod.ts';

type Group = Map<string, QueuedPod>;

/** Pods that found no node, by uid, and grouped by which plugins of which profile refused them. */
export class RefusedPods {
  readonly #groups = new Map<string, Group>();
  readonly #groupOf = new Map<string, string>();

  get size(): number {
    return this.#groupOf.size;
  }

  get(uid: string): QueuedPod | undefined {
    return this.#groups.get(this.#groupOf.get(uid) ?? '')?.get(uid);
  }

  has(uid: string): boolean {
    return this.#groupOf.has(uid);
  }

  put(queued: QueuedPod): void {
    this.remove(queued.uid);
    const key = [schedulerNameOf(queued.pod), ...[...queued.refusedBy].sort()].join(' ');
    const group: Group = this.#groups.get(key) ?? new Map<string, QueuedPod>();
    group.set(queued.uid, queued);
    this.#groups.set(key, group);
    this.#groupOf.set(queued.uid, key);
  }

  remove(uid: string): void {
    const key = this.#groupOf.get(uid);
    if (key === undefined) return;
    this.#groupOf.delete(uid);
    const group = this.#groups.get(key);
    group?.delete(uid);
    if (group?.size === 0) this.#groups.delete(key);
  }

  groups(): Iterable<ReadonlyMap<string, QueuedPod>> {
    return this.#groups.values();
  }

  *values(): Generator<QueuedPod, void, void> {
    for (const group of this.#groups.values()) yield* group.values();
  }
}
