/** Calls to the API server, counted and timed under the names that dashboards know (`rest_client_*`). */
import type { ObservedRequest } from '../client/http_client.ts';
import type { Metrics } from './metrics.ts';

const BYTES = [64, 256, 512, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216];
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
  const waits = metrics.histogram({
    name: 'rest_client_rate_limiter_duration_seconds',
    help: 'How long requests were held back by the limit of the client itself, by verb and host.',
    labelNames: ['host', 'verb'],
    buckets: SECONDS,
  });
  const size = (what: 'request' | 'response') =>
    metrics.histogram({
      name: `rest_client_${what}_size_bytes`,
      help: `Size of the body of the ${what} in bytes, by verb and host.`,
      labelNames: ['host', 'verb'],
      buckets: BYTES,
    });
  const sizes = { request: size('request'), response: size('response') };
  return ({ method, host, status, durationMs, waitedMs, requestBytes, responseBytes }) => {
    waits.observe({ host, verb: method }, waitedMs / 1000);
    sizes.request.observe({ host, verb: method }, requestBytes);
    if (responseBytes !== undefined) sizes.response.observe({ host, verb: method }, responseBytes);
    total.inc({ code: status === undefined ? '<error>' : String(status), host, method });
    durations.observe({ host, verb: method }, durationMs / 1000);
  };
}
