/** What /metrics and /metrics/probes serve. */
import type { FeatureGates } from '../../component/feature_gates.ts';
import { Metrics } from '../../component/metrics.ts';
import { HttpMetrics } from '../metrics/http_metrics.ts';
import { ProbeMetrics } from '../metrics/probe_metrics.ts';
import { type ObservedCall, runtimeMetrics } from '../metrics/runtime_metrics.ts';

/** Made before everything else, so that every part can count. */
export interface KubeletMetrics {
  readonly metrics: Metrics;
  readonly probeMetrics: ProbeMetrics;
  readonly httpMetrics: HttpMetrics;
  readonly observeRuntimeCall: (call: ObservedCall) => void;
}

export function createMetrics(gates: FeatureGates): KubeletMetrics {
  const metrics = new Metrics();
  metrics.addProcessMetrics(gates);
  return {
    metrics,
    probeMetrics: new ProbeMetrics(),
    httpMetrics: new HttpMetrics(metrics),
    observeRuntimeCall: runtimeMetrics(metrics),
  };
}
