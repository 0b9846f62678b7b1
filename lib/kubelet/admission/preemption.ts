/** Whom a critical pod takes the place of on a node that is full, and what is said of it. */
import { podPriority } from '../../api/pod.ts';
import { podQOS } from '../../api/qos.ts';
import { podRequests } from '../../api/resources.ts';
import { keyOf, type Pod } from '../../api/types.ts';
import type { Log } from '../../base/log.ts';
import type { KubeletEvents, Timeline } from '../contracts.ts';
import { isCritical } from '../eviction/critical.ts';
import type { PodVerdict } from '../podworkers/pod_worker.ts';
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

/** Ends pods in favour of another. @param shortage what that lacked */
export type Preempt = (victims: readonly Pod[], preemptor: Pod, shortage: Shortage) => void;

export interface PreemptingOptions {
  readonly events: Pick<KubeletEvents, 'pod'>;
  readonly timeline: Pick<Timeline, 'record'>;
  readonly log: Pick<Log, 'info'>;
  /** Ends the pod with the grace that it asks for. */
  readonly fail: (victim: Pod, verdict: PodVerdict) => void;
  /** Told of each victim. @param resource the first that was lacking */
  readonly counted: (resource: string) => void;
}

const MESSAGE = 'Preempted in order to admit critical pod';

/** Ends the victims, and says so wherever somebody may look. */
export function preempting(preemptions: Preemptions, options: PreemptingOptions): Preempt {
  const { events, timeline, log, fail, counted } = options;
  return (victims, preemptor, shortage) => {
    preemptions.begun(preemptor, victims);
    const [lacking = ''] = shortage.keys();
    for (const victim of victims) {
      const { name, namespace = 'default' } = victim.metadata;
      events.pod(victim, 'Warning', 'Preempting', MESSAGE);
      timeline.record(
        { uid: podUid(victim), namespace, name },
        { what: 'preempted', why: `in favour of ${keyOf(preemptor)}` },
      );
      log.info('Preempting a pod', { pod: keyOf(victim), inFavourOf: keyOf(preemptor) });
      fail(victim, {
        phase: 'Failed',
        reason: 'Preempting',
        message: MESSAGE,
        disruption: 'TerminationByKubelet',
      });
      counted(lacking);
    }
  };
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
