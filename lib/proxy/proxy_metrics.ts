/** Metrics of the proxy, under the names that upstream's have. */
import type { Counter, Gauge, Metrics } from '../component/metrics.ts';
import { exponentialBuckets } from '../component/metrics.ts';

const LATENCY_BUCKETS = exponentialBuckets(0.001, 2, 15);
// As upstream: 0, 0.25 s, 0.5 s, then seconds to a minute, then to five.
const PROGRAMMING_BUCKETS = [
  0,
  0.25,
  0.5,
  ...Array.from({ length: 59 }, (_, i) => i + 1),
  ...Array.from({ length: 12 }, (_, i) => 60 + i * 5),
  ...Array.from({ length: 7 }, (_, i) => 120 + i * 30),
];

export type ProxyMetrics = ReturnType<typeof createProxyMetrics>;

/** What gauges read when they are scraped. */
export interface ProxyFigures {
  pendingServiceChanges(): number;
  pendingEndpointChanges(): number;
}

/** Those of both modes, and those of the one that is configured. */
export function createProxyMetrics(metrics: Metrics, figures: ProxyFigures, mode: 'iptables' | 'nftables') {
  const byFamily = ['ip_family'] as const;
  const ofMode = mode === 'iptables' ? iptablesMetrics(metrics) : nftablesMetrics(metrics);
  return {
    ...ofMode,
    syncDuration: metrics.histogram({
      name: 'kubeproxy_sync_proxy_rules_duration_seconds',
      help: 'Time that one sync of the rules took.',
      labelNames: byFamily,
      buckets: LATENCY_BUCKETS,
    }),
    fullSyncDuration: metrics.histogram({
      name: 'kubeproxy_sync_full_proxy_rules_duration_seconds',
      help: 'Time that one sync took in which all rules were compared with the kernel.',
      labelNames: byFamily,
      buckets: LATENCY_BUCKETS,
    }),
    partialSyncDuration: metrics.histogram({
      name: 'kubeproxy_sync_partial_proxy_rules_duration_seconds',
      help: 'Time that one sync of changes alone took.',
      labelNames: byFamily,
      buckets: LATENCY_BUCKETS,
    }),
    programmingDuration: metrics.histogram({
      name: 'kubeproxy_network_programming_duration_seconds',
      help: 'Time from a change of endpoints to its rules being in force.',
      labelNames: byFamily,
      buckets: PROGRAMMING_BUCKETS,
    }),
    lastSync: metrics.gauge({
      name: 'kubeproxy_sync_proxy_rules_last_timestamp_seconds',
      help: 'When rules were last brought into force.',
      labelNames: byFamily,
    }),
    lastQueued: metrics.gauge({
      name: 'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds',
      help: 'When a sync was last asked for.',
      labelNames: byFamily,
    }),
    serviceChanges: metrics.counter({
      name: 'kubeproxy_sync_proxy_rules_service_changes_total',
      help: 'Changes of Services.',
    }),
    endpointChanges: metrics.counter({
      name: 'kubeproxy_sync_proxy_rules_endpoint_changes_total',
      help: 'Changes of EndpointSlices.',
    }),
    serviceChangesPending: metrics.gauge({
      name: 'kubeproxy_sync_proxy_rules_service_changes_pending',
      help: 'Changes of Services not yet in force.',
      collect: (gauge) => gauge.set(figures.pendingServiceChanges()),
    }),
    endpointChangesPending: metrics.gauge({
      name: 'kubeproxy_sync_proxy_rules_endpoint_changes_pending',
      help: 'Changes of EndpointSlices not yet in force.',
      collect: (gauge) => gauge.set(figures.pendingEndpointChanges()),
    }),
    noLocalEndpoints: metrics.gauge({
      name: 'kubeproxy_sync_proxy_rules_no_local_endpoints_total',
      help: 'Services with a Local traffic policy and no endpoints on this node.',
      labelNames: ['ip_family', 'traffic_policy'],
    }),
    healthz: metrics.counter({
      name: 'kubeproxy_proxy_healthz_total',
      help: 'Answers of /healthz.',
      labelNames: ['code'],
    }),
    livez: metrics.counter({
      name: 'kubeproxy_proxy_livez_total',
      help: 'Answers of /livez.',
      labelNames: ['code'],
    }),
    conntrackDeleted: metrics.counter({
      name: 'kubeproxy_conntrack_reconciler_deleted_entries_total',
      help: 'Stale flows removed from connection tracking.',
      labelNames: byFamily,
    }),
    conntrackDuration: metrics.histogram({
      name: 'kubeproxy_conntrack_reconciler_sync_duration_seconds',
      help: 'Time that looking for stale flows took.',
      labelNames: byFamily,
      buckets: LATENCY_BUCKETS,
    }),
  };
}

interface ModeMetrics {
  readonly syncFailures: Counter<'ip_family'>;
  readonly cleanupFailures?: Counter<'ip_family'>;
  readonly partialFailures?: Counter<'ip_family'>;
  readonly rules?: Gauge<'ip_family' | 'table'>;
  readonly rulesSent?: Gauge<'ip_family' | 'table'>;
}

function iptablesMetrics(metrics: Metrics): ModeMetrics {
  const byFamily = ['ip_family'] as const;
  return {
    rules: metrics.gauge({
      name: 'kubeproxy_sync_proxy_rules_iptables_total',
      help: 'Rules in force.',
      labelNames: ['ip_family', 'table'],
    }),
    rulesSent: metrics.gauge({
      name: 'kubeproxy_sync_proxy_rules_iptables_last',
      help: 'Rules sent by the last sync.',
      labelNames: ['ip_family', 'table'],
    }),
    syncFailures: metrics.counter({
      name: 'kubeproxy_sync_proxy_rules_iptables_restore_failures_total',
      help: 'Syncs that failed.',
      labelNames: byFamily,
    }),
    partialFailures: metrics.counter({
      name: 'kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total',
      help: 'Syncs of changes alone that failed and were followed by a full one.',
      labelNames: byFamily,
    }),
  };
}

function nftablesMetrics(metrics: Metrics): ModeMetrics {
  const labelNames = ['ip_family'] as const;
  return {
    syncFailures: metrics.counter({
      name: 'kubeproxy_sync_proxy_rules_nftables_sync_failures_total',
      help: 'Syncs that failed.',
      labelNames,
    }),
    cleanupFailures: metrics.counter({
      name: 'kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total',
      help: 'Failures to take out what is no longer needed.',
      labelNames,
    }),
  };
}
