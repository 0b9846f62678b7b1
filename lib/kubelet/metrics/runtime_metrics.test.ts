import { Metrics } from '../../component/metrics.ts';
import { operationType, runtimeMetrics } from './runtime_metrics.ts';

// The names that a stock kubelet 1.36.3 showed against containerd 1.6.
test.each([
  ['RunPodSandbox', 'run_podsandbox'],
  ['ListPodSandbox', 'list_podsandbox'],
  ['PodSandboxStatus', 'podsandbox_status'],
  ['ContainerStatus', 'container_status'],
  ['CreateContainer', 'create_container'],
  ['ListContainers', 'list_containers'],
  ['ImageStatus', 'image_status'],
  ['ListImages', 'list_images'],
  ['UpdateRuntimeConfig', 'update_runtime_config'],
  ['Version', 'version'],
  ['ExecSync', 'exec_sync'],
  ['UpdateContainerResources', 'update_container'],
])('%s is %s', (call, operation) => expect(operationType(call)).toBe(operation));

test('calls are counted, failures apart', async () => {
  const metrics = new Metrics();
  const observe = runtimeMetrics(metrics);
  observe({ name: 'Version', durationMs: 1, failed: false });
  observe({ name: 'Version', durationMs: 1, failed: true });
  const text = await metrics.registry.metrics();
  expect(text).toContain('kubelet_runtime_operations_total{operation_type="version"} 2\n');
  expect(text).toContain('kubelet_runtime_operations_errors_total{operation_type="version"} 1\n');
  expect(text).toContain('kubelet_runtime_operations_duration_seconds_count{operation_type="version"} 2\n');
});
