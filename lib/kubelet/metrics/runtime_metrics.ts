/** Calls to the container runtime, counted and timed under the names that dashboards know. */
import { exponentialBuckets, type Metrics } from '../../component/metrics.ts';

export interface ObservedCall {
  /** As CRI names it: `RunPodSandbox`. */
  readonly name: string;
  readonly durationMs: number;
  readonly failed: boolean;
}

/** Where the metric's name does not follow from the call's. */
const OPERATIONS: Readonly<Record<string, string>> = {
  UpdateContainerResources: 'update_container',
  ReopenContainerLog: 'reopen_container_log',
  ImageFsInfo: 'image_fs_info',
};

/** `RunPodSandbox` is `run_podsandbox`, `ListContainers` is `list_containers`. */
export function operationType(call: string): string {
  return (
    OPERATIONS[call] ??
    call
      .replace('PodSandbox', 'Podsandbox')
      .replaceAll(/(?<=[a-z])([A-Z])/g, '_$1')
      .toLowerCase()
  );
}

export function runtimeMetrics(metrics: Metrics): (call: ObservedCall) => void {
  const buckets = exponentialBuckets(0.005, 2.5, 14);
  const total = metrics.counter({
    name: 'kubelet_runtime_operations_total',
    help: 'Calls to the container runtime, by kind.',
    labelNames: ['operation_type'],
  });
  const errors = metrics.counter({
    name: 'kubelet_runtime_operations_errors_total',
    help: 'Calls to the container runtime that failed, by kind.',
    labelNames: ['operation_type'],
  });
  const durations = metrics.histogram({
    name: 'kubelet_runtime_operations_duration_seconds',
    help: 'How long calls to the container runtime took, by kind.',
    labelNames: ['operation_type'],
    buckets,
  });
  return ({ name, durationMs, failed }) => {
    const operation_type = operationType(name);
    total.inc({ operation_type });
    durations.observe({ operation_type }, durationMs / 1000);
    if (failed) errors.inc({ operation_type });
  };
}
