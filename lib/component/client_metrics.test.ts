import { clientMetrics } from './client_metrics.ts';
import { Metrics } from './metrics.ts';

test('requests by code, those without an answer among them', async () => {
  const metrics = new Metrics();
  const observe = clientMetrics(metrics);
  observe({ method: 'GET', host: 'h:1', status: 200, durationMs: 30 });
  observe({ method: 'GET', host: 'h:1', status: undefined, durationMs: 70 });
  const page = await metrics.registry.metrics();
  expect(page).toContain('rest_client_requests_total{code="200",host="h:1",method="GET"} 1\n');
  expect(page).toContain('rest_client_requests_total{code="<error>",host="h:1",method="GET"} 1\n');
  expect(page).toContain('rest_client_request_duration_seconds_sum{host="h:1",verb="GET"} 0.1\n');
});
