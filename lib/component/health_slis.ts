/** `/metrics/slis` (KEP-3466): how the health checks of a component stand, for alerts and availability figures. */
import type { HealthChecks } from './health.ts';
import { Metrics } from './metrics.ts';
import type { Routes } from './serving/routes.ts';

/**
 * Counts every run of a check, and runs all of them when it is asked for: nobody else may do so.
 *
 * @param checks by type: `healthz`, `livez`, `readyz`
 */
export function installSlis(routes: Routes, checks: Readonly<Record<string, HealthChecks>>): void {
  const metrics = new Metrics();
  const now = metrics.gauge({
    name: 'kubernetes_healthcheck',
    help: 'This metric records the result of a single healthcheck.',
    labelNames: ['name', 'type'],
  });
  const total = metrics.counter({
    name: 'kubernetes_healthchecks_total',
    help: 'This metric records the results of all healthcheck.',
    labelNames: ['name', 'type', 'status'],
  });
  for (const [type, one] of Object.entries(checks))
    one.onResult((name, isWell) => {
      now.set({ name, type }, isWell ? 1 : 0);
      total.inc({ name, type, status: isWell ? 'success' : 'error' });
    });
  routes.exact('/metrics/slis', async (exchange) => {
    for (const one of new Set(Object.values(checks))) await one.run();
    await metrics.handle(exchange);
  });
}
