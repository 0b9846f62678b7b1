/**
 * Metrics of a daemon on prom-client: one registry per process part, with the metrics that every stock component has
 * (build information, feature gates, process and runtime figures).
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { FeatureGates } from './feature_gates.ts';
import { limitLabels } from './metric_labels.ts';
import type { AllowedLabels } from './metric_labels.ts';
import type { Handler } from './serving/exchange.ts';
import { text } from './serving/exchange.ts';
import { addProcessFigures } from './process_metrics.ts';
import { TallyHistogram } from './tally_histogram.ts';
import { buildInfo } from './version.ts';

export { Counter, Gauge, Histogram, Registry } from 'prom-client';

interface MetricOptions<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly L[];
}

/** Makes metrics in one registry; names given to `disabled` count but are not shown (`--disabled-metrics`). */
export class Metrics {
  readonly registry = new Registry();
  readonly #disabled: ReadonlySet<string>;
  readonly #allowedLabels: AllowedLabels;

  constructor(options: { disabled?: Iterable<string>; allowedLabels?: AllowedLabels } = {}) {
    this.#disabled = new Set(options.disabled);
    this.#allowedLabels = options.allowedLabels ?? new Map();
  }

  /** @param options `collect`: called before the metric is shown */
  counter<L extends string = never>(
    options: MetricOptions<L> & { collect?: (counter: Counter<L>) => void },
  ): Counter<L> {
    const { collect, ...rest } = options;
    const counter: Counter<L> = this.#limited(
      new Counter({
        ...this.#base(rest),
        ...(collect === undefined ? {} : { collect: () => collect(counter) }),
      }),
      rest,
    );
    return counter;
  }

  gauge<L extends string = never>(
    options: MetricOptions<L> & { collect?: (gauge: Gauge<L>) => void | Promise<void> },
  ): Gauge<L> {
    const { collect, ...rest } = options;
    const gauge: Gauge<L> = this.#limited(
      new Gauge({
        ...this.#base(rest),
        ...(collect === undefined ? {} : { collect: () => collect(gauge) }),
      }),
      rest,
    );
    return gauge;
  }

  /** @param options `buckets`: upper bounds, in the unit of the metric's name (mostly seconds) */
  histogram<L extends string = never>(
    options: MetricOptions<L> & { buckets: readonly number[] },
  ): Histogram<L> {
    return this.#limited(new Histogram({ ...this.#base(options), buckets: [...options.buckets] }), options);
  }

  /** As {@link Metrics.histogram}, for what happens very often: whoever observes keeps the tally of its labels. */
  tallyHistogram<L extends string = never>(
    options: MetricOptions<L> & { buckets: readonly number[] },
  ): Pick<TallyHistogram<L>, 'tally'> {
    const histogram = new TallyHistogram({ ...this.#base(options), buckets: [...options.buckets] });
    return this.#limited(histogram, options);
  }

  /**
   * Adds what every component has. Call once.
   *
   * @param eventLoopEveryMs how often the delay of the event loop is measured; each time wakes an idle process
   */
  addProcessMetrics(gates?: FeatureGates, eventLoopEveryMs = 10): void {
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: eventLoopEveryMs });
    addProcessFigures(this);
    const info = buildInfo();
    this.gauge({
      name: 'kubernetes_build_info',
      help: 'Constant 1, labelled by version and build of the program.',
      labelNames: [
        'build_date',
        'compiler',
        'git_commit',
        'git_tree_state',
        'git_version',
        'go_version',
        'major',
        'minor',
        'platform',
      ],
    }).set(
      {
        build_date: info.buildDate,
        compiler: info.compiler,
        git_commit: info.gitCommit,
        git_tree_state: info.gitTreeState,
        git_version: info.gitVersion,
        go_version: info.goVersion,
        major: info.major,
        minor: info.minor,
        platform: info.platform,
      },
      1,
    );
    this.counter({ name: 'disabled_metrics_total', help: 'The count of disabled metrics.' }).inc(
      this.#disabled.size,
    );
    this.counter({ name: 'hidden_metrics_total', help: 'The count of hidden metrics.' }).inc(0);
    if (gates === undefined) return;
    this.gauge({
      name: 'kubernetes_feature_enabled',
      help: 'Whether a feature gate is on (1) or off (0), by stage.',
      labelNames: ['name', 'stage'],
      collect: (gauge) => {
        for (const gate of gates.all())
          gauge.set({ name: gate.name, stage: gate.stage }, gate.enabled ? 1 : 0);
      },
    });
  }

  /** Answers /metrics. */
  readonly handle: Handler = async ({ res }) => {
    const body = await this.registry.metrics();
    res.setHeader('process-start-time-unix', String(Math.floor(Date.now() / 1000 - process.uptime())));
    text(res, body, this.registry.contentType);
  };

  #limited<M extends object>(metric: M, { name, labelNames = [] }: MetricOptions<string>): M {
    return limitLabels(metric, labelNames, this.#allowedLabels.get(name));
  }

  #base<L extends string>(
    options: MetricOptions<L>,
  ): MetricOptions<L> & { labelNames: L[]; registers: Registry[] } {
    const registers = this.#disabled.has(options.name) ? [] : [this.registry];
    return { ...options, labelNames: [...(options.labelNames ?? [])], registers };
  }
}

/** Upper bounds `start`, `start * factor`, ... as the stock components' exponential buckets. */
export function exponentialBuckets(start: number, factor: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start * factor ** i);
}
