import { Metrics } from '../../component/metrics.ts';
import {
  type ClaimVolume,
  volumeCountMetrics,
  volumeMetrics,
  volumeOperationMetrics,
} from './volume_metrics.ts';

test('each claim has its figures, as long as it is used', async () => {
  const metrics = new Metrics();
  const pvcRef = { name: 'db', namespace: 'ns' };
  let volumes: ClaimVolume[] = [{ time: '', pvcRef, capacityBytes: 100, usedBytes: 40 }];
  volumeMetrics(metrics, () => Promise.resolve(volumes));
  const lines = async (): Promise<string[]> =>
    (await metrics.registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(await lines()).toEqual([
    'kubelet_volume_stats_capacity_bytes{namespace="ns",persistentvolumeclaim="db"} 100',
    'kubelet_volume_stats_used_bytes{namespace="ns",persistentvolumeclaim="db"} 40',
  ]);
  volumes = [];
  expect(await lines()).toEqual([]);
});

test('operations by outcome; counts of what is there', async () => {
  const metrics = new Metrics();
  const observe = volumeOperationMetrics(metrics);
  observe({ name: 'volume_mount', plugin: 'kubernetes.io/nfs', durationMs: 300, failed: true });
  observe({ name: 'volume_mount', plugin: 'kubernetes.io/nfs', durationMs: 2000, failed: false });
  volumeCountMetrics(metrics, () => new Map([['kubernetes.io/secret', 3]]));
  const page = await metrics.registry.metrics();
  expect(page).toContain(
    'storage_operation_duration_seconds_sum{volume_plugin="kubernetes.io/nfs",operation_name="volume_mount",status="fail-unknown",migrated="false"} 0.3',
  );
  expect(page).toContain(
    'volume_operation_total_seconds_sum{operation_name="overall_volume_mount",plugin_name="kubernetes.io/nfs"} 2\n',
  );
  expect(page).toContain(
    'volume_manager_total_volumes{plugin_name="kubernetes.io/secret",state="actual_state_of_world"} 3',
  );
});
