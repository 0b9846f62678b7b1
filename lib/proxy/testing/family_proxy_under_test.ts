/** A {@link FamilyProxy} around a {@link ProxyUnderTest}: what the daemon makes, without metrics server and conntrack. */
import { systemClock } from '../../base/clock.ts';
import { nullLog } from '../../base/log.ts';
import { Metrics } from '../../component/metrics.ts';
import { ConntrackCleaner } from '../conntrack/cleaner.ts';
import type { FamilyProxyOptions } from '../family_proxy.ts';
import { FamilyProxy } from '../family_proxy.ts';
import { createProxyMetrics } from '../proxy_metrics.ts';
import type { ProxyUnderTest } from './proxy_under_test.ts';

/** Metrics as a proxy has them, with nothing pending. */
export function proxyMetrics(
  registry: Metrics,
  mode: 'iptables' | 'nftables',
): ReturnType<typeof createProxyMetrics> {
  return createProxyMetrics(
    registry,
    { pendingServiceChanges: () => 0, pendingEndpointChanges: () => 0 },
    mode,
  );
}

export function familyProxy(
  { planner, backend }: ProxyUnderTest,
  options: Partial<FamilyProxyOptions> = {},
): FamilyProxy {
  return new FamilyProxy({
    planner,
    backend,
    conntrack: new ConntrackCleaner({
      family: backend.family,
      nodeAddresses: () => new Set(),
      run: () => Promise.resolve({ exitCode: 0, stdout: '', stderr: '' }),
    }),
    metrics: proxyMetrics(new Metrics(), 'iptables'),
    clock: systemClock,
    log: nullLog,
    onRejected: () => undefined,
    onSync: () => undefined,
    ...options,
  });
}
