import type { Pod } from '../../api/types.ts';
import { ProbeMetrics } from './probe_metrics.ts';

const pod = (name: string): Pod =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only the metadata is read
  ({ metadata: { name, namespace: 'ns', uid: `uid-${name}` }, spec: {} }) as Pod;

const samples = async (metrics: ProbeMetrics): Promise<string[]> =>
  (await metrics.metrics.registry.metrics())
    .split('\n')
    .filter((line) => /^prober_probe_(total|duration_seconds_count)/.test(line));

test('attempts are counted by result; only successful ones are timed', async () => {
  const metrics = new ProbeMetrics();
  const attempt = { pod: pod('a'), containerName: 'c', kind: 'readiness', durationMs: 20 } as const;
  metrics.observe({ ...attempt, result: 'failed' });
  metrics.observe({ ...attempt, result: 'successful' });
  metrics.observe({ ...attempt, result: 'successful' });
  expect(await samples(metrics)).toEqual([
    'prober_probe_duration_seconds_count{probe_type="Readiness",container="c",pod="a",namespace="ns"} 2',
    'prober_probe_total{probe_type="Readiness",container="c",pod="a",namespace="ns",result="failed",pod_uid="uid-a"} 1',
    'prober_probe_total{probe_type="Readiness",container="c",pod="a",namespace="ns",result="successful",pod_uid="uid-a"} 2',
  ]);
});

test('a pod that is gone leaves no series behind; others stay', async () => {
  const metrics = new ProbeMetrics();
  for (const name of ['a', 'b'])
    for (const kind of ['startup', 'liveness'] as const)
      metrics.observe({ pod: pod(name), containerName: 'c', kind, result: 'successful', durationMs: 1 });
  metrics.forget('uid-a');
  metrics.forget('uid-unknown');
  const left = await samples(metrics);
  expect(left).toHaveLength(4);
  expect(left.every((line) => line.includes('pod="b"'))).toBe(true);
});

test('the page says when the process began, as rates of a restarted kubelet are read by it', async () => {
  const page = await new ProbeMetrics().metrics.registry.metrics();
  const began = Number(/^process_start_time_seconds (\S+)$/m.exec(page)?.[1]);
  expect(began).toBeCloseTo(performance.timeOrigin / 1000, 3);
});
