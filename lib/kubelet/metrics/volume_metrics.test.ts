import { Metrics } from '../../component/metrics.ts';
import { type ClaimVolume, volumeMetrics } from './volume_metrics.ts';

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
