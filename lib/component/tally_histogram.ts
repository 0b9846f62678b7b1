/** A histogram for what happens tens of thousands of times a second. */
import { Histogram } from 'prom-client';

type LabelsOf<L extends string> = Partial<Record<L, string | number>>;
type Shown<L extends string> = Awaited<ReturnType<Histogram<L>['get']>>;

/** Counts of one combination of labels. */
export class Tally {
  readonly #bounds: readonly number[];
  /** Per bucket, those that are in none before it; the last: beyond all bounds. */
  readonly #counts: Float64Array;
  #sum = 0;

  /** @param bounds upper bounds of the buckets, ascending */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += value;
  }

  get sum(): number {
    return this.#sum;
  }

  /** Per bucket, those that are at most its bound; the last: all. */
  cumulated(): readonly number[] {
    let sum = 0;
    return Array.from(this.#counts, (count) => (sum += count));
  }
}

/**
 * Its labels are looked up once, for a {@link Tally} that whoever observes keeps. Nothing but tallies is shown: `observe` and
 * `labels` of the histogram itself are not to be used.
 */
export class TallyHistogram<L extends string> extends Histogram<L> {
  readonly #name: string;
  readonly #bounds: readonly number[];
  /** The same without any observation, which says what there is to say beside the values. */
  readonly #empty: Histogram<L>;
  readonly #tallies = new Map<string, { readonly labels: LabelsOf<L>; readonly tally: Tally }>();

  /** @param options `buckets`: upper bounds, ascending */
  constructor(options: ConstructorParameters<typeof Histogram<L>>[0] & { readonly buckets: number[] }) {
    super(options);
    this.#name = options.name;
    this.#bounds = options.buckets;
    this.#empty = new Histogram({ ...options, registers: [] });
  }

  /** The tally of these labels, always the same one. */
  tally(labels: LabelsOf<L>): Tally {
    const key = JSON.stringify(labels);
    let known = this.#tallies.get(key);
    if (known === undefined) {
      known = { labels, tally: new Tally(this.#bounds) };
      this.#tallies.set(key, known);
    }
    return known.tally;
  }

  override get(): Promise<Shown<L>> {
    return this.getForPromString();
  }

  /** What the registry renders. */
  async getForPromString(): Promise<Shown<L>> {
    const shown = await this.#empty.get();
    const values: { labels: LabelsOf<L>; value: number; metricName: string }[] = [];
    const add = (labels: object, suffix: string, value: number): void => {
      values.push({ labels, value, metricName: `${this.#name}_${suffix}` });
    };
    for (const { labels, tally } of this.#tallies.values()) {
      const counts = tally.cumulated();
      for (const [i, bound] of this.#bounds.entries())
        add({ le: bound, ...labels }, 'bucket', counts[i] ?? 0);
      add({ le: '+Inf', ...labels }, 'bucket', counts.at(-1) ?? 0);
      add({ ...labels }, 'sum', tally.sum);
      add({ ...labels }, 'count', counts.at(-1) ?? 0);
    }
    return { ...shown, values };
  }
}
