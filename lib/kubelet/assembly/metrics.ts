/** What /metrics and /metrics/probes serve. */
import { clientMetrics } from '../../component/client_metrics.ts';
import { Metrics } from '../../component/metrics.ts';
import { certificateMetrics } from '../metrics/certificate_metrics.ts';
import { hookMetrics } from '../metrics/hook_metrics.ts';
import { HttpMetrics } from '../metrics/http_metrics.ts';
import { PodLifecycleMetrics } from '../metrics/pod_lifecycle_metrics.ts';
import { ProbeMetrics } from '../metrics/probe_metrics.ts';
import { type ObservedCall, runtimeMetrics } from '../metrics/runtime_metrics.ts';
import type { HookNote } from '../runtime/lifecycle_hooks.ts';
import type { Base } from './base.ts';

/** Made before everything else, so that every part can count. */
export interface KubeletMetrics {
  readonly metrics: Metrics;
  readonly probeMetrics: ProbeMetrics;
  readonly httpMetrics: HttpMetrics;
  readonly observeRuntimeCall: (call: ObservedCall) => void;
  readonly observeProbeLateness: (ms: number) => void;
  readonly lifecycle: PodLifecycleMetrics;
  readonly observeHook: (note: HookNote) => void;
}

const LATENESS_SECONDS = [0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5];

export function createMetrics({ clientRotation, clock, gates, onRequest }: Base): KubeletMetrics {
  const metrics = new Metrics();
  metrics.addProcessMetrics(gates);
  const lateness = metrics.histogram({
    name: 'ts_kubelet_probe_lateness_seconds',
    help: 'How long after its time a probe began.',
    buckets: LATENESS_SECONDS,
  });
  onRequest(clientMetrics(metrics));
  clientRotation?.observe(certificateMetrics(metrics, 'client', clock));
  const lifecycle = new PodLifecycleMetrics(metrics, clock);
  const observeCall = runtimeMetrics(metrics);
  return {
    metrics,
    lifecycle,
    probeMetrics: new ProbeMetrics(),
    httpMetrics: new HttpMetrics(metrics),
    observeRuntimeCall: (call) => {
      observeCall(call);
      if (call.name === 'RunPodSandbox') lifecycle.sandbox(call.durationMs, call.failed);
    },
    observeHook: hookMetrics(metrics),
    observeProbeLateness: (ms) => lateness.observe(ms / 1000),
  };
}
