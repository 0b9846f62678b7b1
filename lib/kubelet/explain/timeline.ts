import type { Clock } from '../../base/clock.ts';
import { formatDuration } from '../../base/duration.ts';
import type { PodRef, Timeline, TimelineEntry } from '../contracts.ts';

const ENTRIES_PER_POD = 200;
/** How far back a repetition is looked for: of two things that alternate both are counted. */
const RECENT = 4;
/** Pods that are gone stay explainable for a while. */
const MAX_PODS = 1000;
const SECOND_MS = 1000;

interface PodHistory {
  readonly pod: PodRef;
  readonly entries: TimelineEntry[];
  waitingFor: string | undefined;
  /** Since the epoch. */
  untilMs: number | undefined;
}

/** Keeps the last entries of each pod in memory, newest pods first to stay. */
export class MemoryTimeline implements Timeline {
  readonly #clock: Clock;
  readonly #pods = new Map<string, PodHistory>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  record(pod: PodRef, entry: Omit<TimelineEntry, 'at' | 'times' | 'lastAt'>): void {
    const { entries } = this.#of(pod);
    const now = new Date(this.#clock.now()).toISOString();
    // What is repeated (a probe that fails every second) must not push out how it came to that.
    const repeated = entries.slice(-RECENT).findLastIndex((before) => isSame(before, entry));
    if (repeated >= 0) {
      const index = Math.max(0, entries.length - RECENT) + repeated;
      const before = entries[index];
      if (before !== undefined) entries[index] = { ...before, times: (before.times ?? 1) + 1, lastAt: now };
      return;
    }
    entries.push({ at: now, ...entry });
    if (entries.length > ENTRIES_PER_POD) entries.shift();
  }

  waiting(pod: PodRef, reason: string | undefined, untilMs?: number): void {
    const history = this.#of(pod);
    history.waitingFor = reason;
    history.untilMs = untilMs;
  }

  explain(namespace: string, name: string): ReturnType<Timeline['explain']> {
    const found = [...this.#pods.values()].findLast(
      (h) => h.pod.namespace === namespace && h.pod.name === name,
    );
    if (found === undefined) return undefined;
    const { pod, entries } = found;
    return { pod, entries: [...entries], ...this.#waitingFor(found) };
  }

  latest(): ReturnType<Timeline['latest']> {
    return [...this.#pods.values()].map((history) => {
      const { pod, entries } = history;
      const last = entries.at(-1);
      return {
        pod,
        ...this.#waitingFor(history),
        ...(last === undefined ? {} : { last }),
      };
    });
  }

  #waitingFor({ waitingFor, untilMs }: PodHistory): { readonly waitingFor?: string } {
    if (waitingFor === undefined) return {};
    const leftMs = untilMs === undefined ? 0 : untilMs - this.#clock.now();
    return {
      waitingFor:
        leftMs < SECOND_MS
          ? waitingFor
          : `${waitingFor}, ${formatDuration(Math.floor(leftMs / SECOND_MS) * SECOND_MS)} left`,
    };
  }

  #of({ uid, namespace, name }: PodRef): PodHistory {
    const known = this.#pods.get(uid);
    if (known !== undefined) return known;
    const history: PodHistory = {
      pod: { uid, namespace, name },
      entries: [],
      waitingFor: undefined,
      untilMs: undefined,
    };
    this.#pods.set(uid, history);
    const [oldest] = this.#pods.keys();
    if (this.#pods.size > MAX_PODS && oldest !== undefined) this.#pods.delete(oldest);
    return history;
  }
}

function isSame(a: TimelineEntry, b: Omit<TimelineEntry, 'at'>): boolean {
  return a.what === b.what && a.why === b.why && a.container === b.container && a.error === b.error;
}
