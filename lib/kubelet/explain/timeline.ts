import type { Clock } from '../../base/clock.ts';
import type { PodRef, Timeline, TimelineEntry } from '../contracts.ts';

const ENTRIES_PER_POD = 200;
/** Pods that are gone stay explainable for a while. */
const MAX_PODS = 1000;

interface PodHistory {
  readonly pod: PodRef;
  readonly entries: TimelineEntry[];
  waitingFor: string | undefined;
}

/** Keeps the last entries of each pod in memory, newest pods first to stay. */
export class MemoryTimeline implements Timeline {
  readonly #clock: Clock;
  readonly #pods = new Map<string, PodHistory>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  record(pod: PodRef, entry: Omit<TimelineEntry, 'at'>): void {
    const { entries } = this.#of(pod);
    entries.push({ at: new Date(this.#clock.now()).toISOString(), ...entry });
    if (entries.length > ENTRIES_PER_POD) entries.shift();
  }

  waiting(pod: PodRef, reason: string | undefined): void {
    this.#of(pod).waitingFor = reason;
  }

  explain(namespace: string, name: string): ReturnType<Timeline['explain']> {
    const found = [...this.#pods.values()].findLast(
      (h) => h.pod.namespace === namespace && h.pod.name === name,
    );
    if (found === undefined) return undefined;
    const { pod, entries, waitingFor } = found;
    return { pod, entries: [...entries], ...(waitingFor === undefined ? {} : { waitingFor }) };
  }

  #of({ uid, namespace, name }: PodRef): PodHistory {
    const known = this.#pods.get(uid);
    if (known !== undefined) return known;
    const history: PodHistory = { pod: { uid, namespace, name }, entries: [], waitingFor: undefined };
    this.#pods.set(uid, history);
    const [oldest] = this.#pods.keys();
    if (this.#pods.size > MAX_PODS && oldest !== undefined) this.#pods.delete(oldest);
    return history;
  }
}
