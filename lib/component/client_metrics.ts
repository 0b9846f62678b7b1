/** Calls to the API server, counted and timed under the names that dashboards know (`rest_client_*`). */
import type { ObservedRequest } from '../client/http_client.ts';
import type { Metrics } from './metrics.ts';

const SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];

/** To be given to each client of the process as `observe`. */
export function clientMetrics(metrics: Metrics): (request: ObservedRequest) => void {
  const total = metrics.counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server, by status code, method and host.',
    labelNames: ['code', 'host', 'method'],
  });
  const durations = metrics.histogram({
    name: 'rest_client_request_duration_seconds',
    help: 'How long it took until the API server answered, by verb and host.',
    labelNames: ['host', 'verb'],
    buckets: SECONDS,
  });
  return ({ method, host, status, durationMs }) => {
    total.inc({ code: status === undefined ? '<error>' : String(status), host, method });
    durations.observe({ host, verb: method }, durationMs / 1000);
  };
}
