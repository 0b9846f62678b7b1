/** What /metrics/probes serves: outcomes and durations of probes, per container. */
import type { Pod } from '../../api/types.ts';
import { Metrics } from '../../component/metrics.ts';
import type { ProbeKind } from '../contracts.ts';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const TYPES: Readonly<Record<ProbeKind, string>> = {
  startup: 'Startup',
  liveness: 'Liveness',
  readiness: 'Readiness',
};

export interface ObservedAttempt {
  readonly pod: Pod;
  readonly containerName: string;
  readonly kind: ProbeKind;
  readonly result: 'successful' | 'failed' | 'unknown';
  readonly durationMs: number;
}

export class ProbeMetrics {
  readonly metrics = new Metrics();
  readonly #durations = this.metrics.histogram({
    name: 'prober_probe_duration_seconds',
    help: 'How long a successful probe took to answer.',
    labelNames: ['probe_type', 'container', 'pod', 'namespace'],
    buckets: SECONDS,
  });
  readonly #totals = this.metrics.counter({
    name: 'prober_probe_total',
    help: 'Probes carried out, by their result.',
    labelNames: ['probe_type', 'result', 'container', 'pod', 'namespace', 'pod_uid'],
  });
  /** What was said of each pod, to be taken back when it is gone. */
  readonly #said = new Map<string, Map<string, () => void>>();

  constructor() {
    this.metrics
      .gauge({
        name: 'process_start_time_seconds',
        help: 'Start time of the process since unix epoch in seconds.',
      })
      .set(performance.timeOrigin / 1000);
  }

  observe({ pod, containerName: container, kind, result, durationMs }: ObservedAttempt): void {
    const uid = pod.metadata.uid ?? '';
    const who = {
      probe_type: TYPES[kind],
      container,
      pod: pod.metadata.name,
      namespace: pod.metadata.namespace ?? '',
    };
    const total = { ...who, result, pod_uid: uid };
    this.#totals.inc(total);
    this.#remember(uid, `${kind} ${result} ${container}`, () => this.#totals.remove(total));
    if (result !== 'successful') return;
    this.#durations.observe(who, durationMs / 1000);
    this.#remember(uid, `${kind} ${container}`, () => this.#durations.remove(who));
  }

  /** The pod is gone: its series end. */
  forget(uid: string): void {
    for (const remove of this.#said.get(uid)?.values() ?? []) remove();
    this.#said.delete(uid);
  }

  #remember(uid: string, key: string, remove: () => void): void {
    const said = this.#said.get(uid) ?? new Map<string, () => void>();
    said.set(key, remove);
    this.#said.set(uid, said);
  }
}
