import type { CPUStats } from '../summary.ts';

/** Shorter spans give rates that jump: the rate before is used on. */
const SHORTEST_MS = 1000;

/** Momentary CPU use, from the counters of two moments, where the source gives none. */
export class CpuRates {
  readonly #last = new Map<string, { atMs: number; used: number; rate: number | undefined; seen: boolean }>();

  /** The figures of `id` with `usageNanoCores`, once there are two moments to compare. */
  rated(id: string, stats: CPUStats): CPUStats {
    const { usageCoreNanoSeconds: used, usageNanoCores } = stats;
    const atMs = Date.parse(stats.time);
    if (usageNanoCores !== undefined || used === undefined || Number.isNaN(atMs)) return stats;
    const before = this.#last.get(id);
    const span = before === undefined ? 0 : atMs - before.atMs;
    // A counter that went back is that of a new container of the same name.
    if (before !== undefined && span < SHORTEST_MS && used >= before.used) {
      before.seen = true;
      return before.rate === undefined ? stats : { ...stats, usageNanoCores: before.rate };
    }
    const rate =
      before === undefined || used < before.used
        ? undefined
        : Math.round(((used - before.used) / span) * 1000);
    this.#last.set(id, { atMs, used, rate, seen: true });
    return rate === undefined ? stats : { ...stats, usageNanoCores: rate };
  }

  /** Drops what was not asked about since the last call. */
  forgetUnseen(): void {
    for (const [id, entry] of this.#last) {
      if (!entry.seen) this.#last.delete(id);
      entry.seen = false;
    }
  }
}
