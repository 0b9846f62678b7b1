import { Metrics } from '../component/metrics.ts';
import { proxyMetrics } from './testing/family_proxy_under_test.ts';

const COMMON = [
  'kubeproxy_network_programming_duration_seconds',
  'kubeproxy_sync_proxy_rules_duration_seconds',
  'kubeproxy_sync_full_proxy_rules_duration_seconds',
  'kubeproxy_sync_partial_proxy_rules_duration_seconds',
  'kubeproxy_sync_proxy_rules_last_timestamp_seconds',
  'kubeproxy_sync_proxy_rules_endpoint_changes_pending',
  'kubeproxy_sync_proxy_rules_no_local_endpoints_total',
  'kubeproxy_proxy_healthz_total',
];
const IPTABLES = [
  'kubeproxy_sync_proxy_rules_iptables_total',
  'kubeproxy_sync_proxy_rules_iptables_last',
  'kubeproxy_sync_proxy_rules_iptables_restore_failures_total',
  'kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total',
];
const NFTABLES = [
  'kubeproxy_sync_proxy_rules_nftables_sync_failures_total',
  'kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total',
];

test.each([
  ['iptables' as const, [...COMMON, ...IPTABLES], NFTABLES],
  ['nftables' as const, [...COMMON, ...NFTABLES], IPTABLES],
])('P12: %s mode has the names that stock has in it', async (mode, want, not) => {
  const metrics = new Metrics();
  proxyMetrics(metrics, mode);
  const said = await metrics.registry.metrics();
  const names = said.match(/(?<=^# TYPE )\S+/gm) ?? [];
  expect(names).toEqual(expect.arrayContaining(want));
  expect(names.filter((name) => not.includes(name))).toEqual([]);
});
