import { clientMetrics } from './client_metrics.ts';
import { Metrics } from './metrics.ts';

test('K27: requests by code, those without an answer among them', async () => {
  const metrics = new Metrics();
  const observe = clientMetrics(metrics);
  const sent = { method: 'GET', host: 'h:1', requestBytes: 10 };
  observe({ ...sent, status: 200, durationMs: 30, waitedMs: 500, responseBytes: 300 });
  observe({ ...sent, status: undefined, durationMs: 70, waitedMs: 0, responseBytes: undefined });
  const page = await metrics.registry.metrics();
  expect(page).toContain('rest_client_requests_total{code="200",host="h:1",method="GET"} 1\n');
  expect(page).toContain('rest_client_requests_total{code="<error>",host="h:1",method="GET"} 1\n');
  const of = '{host="h:1",verb="GET"}';
  expect(page).toContain(`rest_client_request_duration_seconds_sum${of} 0.1\n`);
  expect(page).toContain(`rest_client_rate_limiter_duration_seconds_sum${of} 0.5\n`);
  expect(page).toContain(`rest_client_request_size_bytes_sum${of} 20\n`);
  expect(page).toContain('rest_client_response_size_bytes_bucket{le="256",host="h:1",verb="GET"} 0\n');
  expect(page).toContain('rest_client_response_size_bytes_bucket{le="512",host="h:1",verb="GET"} 1\n');
  expect(page).toContain(`rest_client_response_size_bytes_count${of} 1\n`);
});
