import { Metrics } from '../../component/metrics.ts';
import { logMetrics } from './log_metrics.ts';

test('K27: logs of containers by their room on disk; those of pods that are gone are not shown', async () => {
  const metrics = new Metrics();
  const container = (name: string, usedBytes?: number) => ({
    name,
    startTime: '',
    ...(usedBytes === undefined ? {} : { logs: { time: '', usedBytes } }),
  });
  const pod = {
    podRef: { uid: 'u', namespace: 'ns', name: 'p' },
    startTime: '',
    containers: [container('a', 4096), container('b')],
  };
  let pods = [pod];
  logMetrics(metrics, () => Promise.resolve(pods));
  const series = async (): Promise<string[]> =>
    (await metrics.registry.metrics()).split('\n').filter((line) => line.includes('{'));
  expect(await series()).toEqual([
    'kubelet_container_log_filesystem_used_bytes{uid="u",namespace="ns",pod="p",container="a"} 4096',
  ]);
  pods = [];
  expect(await series()).toEqual([]);
});
