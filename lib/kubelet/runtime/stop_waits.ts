/** What the end of each container waits for, told to the timeline as one sentence for each pod. */
import type { Clock } from '../../base/clock.ts';
import type { PodRef, Timeline } from '../contracts.ts';

interface Wait {
  readonly what: string;
  /** On the wall clock. */
  readonly untilMs: number;
}

export class StopWaits {
  readonly #timeline: Pick<Timeline, 'waiting'>;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #pods = new Map<string, Map<string, Wait>>();

  constructor(timeline: Pick<Timeline, 'waiting'>, clock: Pick<Clock, 'now'>) {
    this.#timeline = timeline;
    this.#clock = clock;
  }

  /** @param seconds how long at most */
  begin(pod: PodRef, container: string, what: string, seconds: number): void {
    const waits = this.#pods.get(pod.uid) ?? new Map<string, Wait>();
    this.#pods.set(pod.uid, waits);
    waits.set(container, { what, untilMs: this.#clock.now() + seconds * 1000 });
    this.#tell(pod, waits);
  }

  end(pod: PodRef, container: string): void {
    const waits = this.#pods.get(pod.uid);
    if (waits?.delete(container) !== true) return;
    if (waits.size === 0) this.#pods.delete(pod.uid);
    this.#tell(pod, waits);
  }

  #tell(pod: PodRef, waits: ReadonlyMap<string, Wait>): void {
    if (waits.size === 0) {
      this.#timeline.waiting(pod, undefined);
      return;
    }
    const all = [...waits.values()];
    const untilMs = Math.max(...all.map((wait) => wait.untilMs));
    this.#timeline.waiting(pod, all.map(({ what }) => what).join('; '), untilMs);
  }
}
