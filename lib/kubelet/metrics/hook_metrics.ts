/** What happens to hooks of containers besides their success, under the names that dashboards know. */
import type { Metrics } from '../../component/metrics.ts';
import type { HookNote } from '../runtime/lifecycle_hooks.ts';

export function hookMetrics(metrics: Metrics): (note: HookNote) => void {
  const fallbacks = metrics.counter({
    name: 'kubelet_lifecycle_handler_http_fallbacks_total',
    help: 'Hooks that were asked by HTTPS and answered in HTTP.',
  });
  const cut = metrics.counter({
    name: 'kubelet_sleep_action_terminated_early_total',
    help: 'Sleeping hooks that the grace period of their pod cut short.',
  });
  return ({ kind }) => (kind === 'http fallback' ? fallbacks : cut).inc();
}
