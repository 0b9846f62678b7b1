/** Pods that came into the queue or changed their place in it, counted for metrics. */

export interface Incoming {
  /** The place that they came to. */
  readonly queue: string;
  /** The event that brought them there. */
  readonly event: string;
  readonly count: number;
}

export class IncomingPods {
  /** By event and place: a pod's way costs two lookups and no text. */
  readonly #counts = new Map<string, Map<string, number>>();

  count(queue: string, event: string): void {
    let counts = this.#counts.get(event);
    if (counts === undefined) {
      counts = new Map();
      this.#counts.set(event, counts);
    }
    counts.set(queue, (counts.get(queue) ?? 0) + 1);
  }

  *counts(): Generator<Incoming, void, void> {
    for (const [event, counts] of this.#counts)
      for (const [queue, count] of counts) yield { queue, event, count };
  }
}
