/** Whom a critical pod takes the place of on a node that is full. Pure. */
import { podPriority } from '../../api/pod.ts';
import { podQOS } from '../../api/qos.ts';
import { podRequests } from '../../api/resources.ts';
import type { Pod } from '../../api/types.ts';
import { isCritical } from '../eviction/critical.ts';
import { podUid } from '../runtime/runtime_names.ts';

/** What the node lacks for a pod: amounts by resource (`cpu` in thousandths, others in units), `pods` among them. */
export type Shortage = ReadonlyMap<string, number>;

const CLASSES = ['BestEffort', 'Burstable', 'Guaranteed'];

/** Whether a pod has to give way to another: to a critical one if it is not, or to one of a higher priority. */
export function givesWay(pod: Pod, to: Pod): boolean {
  if (isCritical(to) && !isCritical(pod)) return true;
  return podPriority(to) > podPriority(pod);
}

/**
 * The pods to end so that `shortage` is made up: the least important QoS classes first, then low priorities, and no more
 * than it takes. `undefined` when ending all would not be enough.
 */
export function victimsFor(
  preemptor: Pod,
  shortage: Shortage,
  active: readonly Pod[],
): readonly Pod[] | undefined {
  const candidates = active
    .filter((pod) => givesWay(pod, preemptor))
    .map((pod) => ({ pod, frees: freedBy(pod, shortage) }))
    .filter(({ frees }) => [...frees.values()].some((amount) => amount > 0));
  candidates.sort(
    (a, b) =>
      classOf(a.pod) - classOf(b.pod) ||
      podPriority(a.pod) - podPriority(b.pod) ||
      covers(b.frees, shortage) - covers(a.frees, shortage),
  );
  const taken = [];
  for (const candidate of candidates) {
    if (isMadeUp(taken, shortage)) break;
    taken.push(candidate);
  }
  if (!isMadeUp(taken, shortage)) return undefined;
  // Those that turned out not to be needed stay: the most important are asked first.
  for (const candidate of taken.toReversed()) {
    const without = taken.filter((other) => other !== candidate);
    if (isMadeUp(without, shortage)) taken.splice(taken.indexOf(candidate), 1);
  }
  return taken.map(({ pod }) => pod);
}

interface Candidate {
  readonly pod: Pod;
  readonly frees: ReadonlyMap<string, number>;
}

function isMadeUp(taken: readonly Candidate[], shortage: Shortage): boolean {
  return [...shortage].every(
    ([name, missing]) => taken.reduce((sum, { frees }) => sum + (frees.get(name) ?? 0), 0) >= missing,
  );
}

function freedBy(pod: Pod, shortage: Shortage): Map<string, number> {
  const requests = podRequests(pod);
  return new Map(
    [...shortage.keys()].map((name) => {
      if (name === 'pods') return [name, 1];
      const request = requests.get(name);
      if (request === undefined) return [name, 0];
      return [name, Number(name === 'cpu' ? request.milliValue() : request.value())];
    }),
  );
}

/** How much of the shortage a pod makes up, at most 1 per resource. */
function covers(frees: ReadonlyMap<string, number>, shortage: Shortage): number {
  return [...shortage].reduce(
    (sum, [name, missing]) => sum + Math.min(1, (frees.get(name) ?? 0) / missing),
    0,
  );
}

function classOf(pod: Pod): number {
  return CLASSES.indexOf(podQOS(pod));
}

/** Critical pods that were let in before those whose place they take have ended; they wait for them. */
export class Preemptions {
  readonly #victims = new Map<string, readonly string[]>();

  begun(preemptor: Pod, victims: readonly Pod[]): void {
    this.#victims.set(podUid(preemptor), victims.map(podUid));
  }

  /** Whether the pod still waits. @param ended whether nothing of a pod runs any more, by UID */
  waits(preemptor: Pod, ended: (uid: string) => boolean): boolean {
    const uid = podUid(preemptor);
    const victims = this.#victims.get(uid);
    if (victims === undefined) return false;
    if (!victims.every(ended)) return true;
    this.#victims.delete(uid);
    return false;
  }

  forget(uid: string): void {
    this.#victims.delete(uid);
  }
}
