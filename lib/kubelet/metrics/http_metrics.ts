/** Requests to the kubelet's servers, counted and timed by the first part of their path. */
import type { Metrics } from '../../component/metrics.ts';
import type { Handler } from '../../component/serving/exchange.ts';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** First path elements that get a label of their own: a client must not be able to make up series. */
const KNOWN = new Set(
  (
    'attach checkpoint configz containerLogs debug exec flagz healthz logs metrics pods portForward run ' +
    'runningpods stats statusz ui'
  ).split(' '),
);
const LONG_RUNNING = new Set(['attach', 'containerLogs', 'exec', 'portForward', 'run']);
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']);

const LABELS = ['method', 'path', 'server_type', 'long_running'] as const;

export class HttpMetrics {
  readonly #total;
  readonly #inflight;
  readonly #durations;

  constructor(metrics: Metrics) {
    this.#total = metrics.counter({
      name: 'kubelet_http_requests_total',
      help: 'HTTP requests received.',
      labelNames: LABELS,
    });
    this.#inflight = metrics.gauge({
      name: 'kubelet_http_inflight_requests',
      help: 'HTTP requests being answered now.',
      labelNames: LABELS,
    });
    this.#durations = metrics.histogram({
      name: 'kubelet_http_requests_duration_seconds',
      help: 'How long it took to answer HTTP requests.',
      labelNames: LABELS,
      buckets: SECONDS,
    });
  }

  /** Puts the counting around a handler. */
  around(serverType: 'readwrite' | 'readonly', handler: Handler): Handler {
    return (exchange) => {
      const first = exchange.path.split('/')[1] ?? '';
      const path = KNOWN.has(first) ? first : 'other';
      const method = exchange.req.method ?? '';
      const labels = {
        method: METHODS.has(method) ? method : 'other',
        path,
        server_type: serverType,
        long_running: String(LONG_RUNNING.has(path)),
      };
      this.#total.inc(labels);
      this.#inflight.inc(labels);
      const stop = this.#durations.startTimer(labels);
      exchange.res.once('close', () => {
        this.#inflight.dec(labels);
        stop();
      });
      return handler(exchange);
    };
  }
}
