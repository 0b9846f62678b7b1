import type { Pod } from '../../api/types.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { Metrics } from '../../component/metrics.ts';
import { PodLifecycleMetrics } from './pod_lifecycle_metrics.ts';

function scene() {
  const clock = new FakeClock(Date.parse('2026-01-01T00:00:10Z'));
  const metrics = new Metrics();
  const lifecycle = new PodLifecycleMetrics(metrics, clock);
  const value = async (series: string): Promise<number | undefined> => {
    const line = (await metrics.registry.metrics()).split('\n').find((text) => text.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  };
  return { clock, lifecycle, value };
}

const pod: Pod = {
  metadata: { name: 'p', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { containers: [{ name: 'a' }, { name: 'b' }] },
};

test('a start is timed from first sight, from creation, and without the pulls', async () => {
  const { clock, lifecycle, value } = scene();
  lifecycle.seen('u', pod, true);
  await clock.advance(1000);
  lifecycle.seen('u', pod, true);
  lifecycle.told('u', 'Pulling');
  await clock.advance(4000);
  lifecycle.told('u', 'Pulled');
  lifecycle.became('u', { phase: 'Pending' });
  await clock.advance(1000);
  lifecycle.became('u', { phase: 'Running' });
  lifecycle.became('u', { phase: 'Running' });
  expect(await value('kubelet_pod_start_duration_seconds_sum')).toBe(6);
  expect(await value('kubelet_pod_start_total_duration_seconds_sum')).toBe(16);
  expect(await value('kubelet_pod_start_sli_duration_seconds_sum')).toBe(12);
  expect(await value('kubelet_pod_start_duration_seconds_count')).toBe(1);
  expect(await value('kubelet_containers_per_pod_count_sum')).toBe(2);
});

test('K27: the first pod with a network of its own is timed for itself', async () => {
  const { clock, lifecycle, value } = scene();
  const onHost = { ...pod, spec: { ...pod.spec, hostNetwork: true } };
  const first = 'kubelet_first_network_pod_start_sli_duration_seconds';
  const start = async (uid: string, which: Pod): Promise<void> => {
    lifecycle.seen(uid, which, true);
    await clock.advance(1000);
    lifecycle.seen(uid, which, false); // it has a sandbox now
    lifecycle.became(uid, { phase: 'Running' });
  };
  await start('host', onHost);
  expect(await value(first)).toBe(0);
  await start('one', pod);
  expect(await value(first)).toBe(12);
  await start('two', pod);
  expect(await value(first)).toBe(12);
});

test('K27: where pods ran before this kubelet, none is the first', async () => {
  const { clock, lifecycle, value } = scene();
  lifecycle.seen('old', pod, false);
  lifecycle.seen('new', pod, true);
  await clock.advance(1000);
  lifecycle.became('new', { phase: 'Running' });
  expect(await value('kubelet_first_network_pod_start_sli_duration_seconds')).toBe(0);
});

test('a pod that ran before this kubelet, failed at its start or went is not timed', async () => {
  const { lifecycle, value } = scene();
  lifecycle.seen('old', pod, false);
  lifecycle.became('old', { phase: 'Running' });
  lifecycle.seen('failed', pod, true);
  lifecycle.became('failed', { phase: 'Failed' });
  lifecycle.seen('gone', pod, true);
  lifecycle.gone('gone');
  lifecycle.became('gone', { phase: 'Running' });
  expect(await value('kubelet_pod_start_duration_seconds_count')).toBe(0);
});

test('relists: how long, and how far apart', async () => {
  const { clock, lifecycle, value } = scene();
  lifecycle.relisted(100);
  await clock.advance(2000);
  lifecycle.relisted(300);
  expect(await value('kubelet_pleg_relist_duration_seconds_count')).toBe(2);
  expect(await value('kubelet_pleg_relist_interval_seconds_sum')).toBe(2);
});

test('what failed is counted with its reason', async () => {
  const { lifecycle, value } = scene();
  lifecycle.rejected('OutOfcpu');
  lifecycle.evicted('memory.available');
  lifecycle.sandbox(100, true);
  lifecycle.container('container', 'RunContainerError');
  lifecycle.container('init_container', undefined);
  await expect(lifecycle.cgroup('create', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await value('kubelet_admission_rejections_total{reason="OutOfcpu"}')).toBe(1);
  expect(await value('kubelet_evictions{eviction_signal="memory.available"}')).toBe(1);
  expect(await value('kubelet_started_pods_errors_total')).toBe(1);
  expect(
    await value(
      'kubelet_started_containers_errors_total{container_type="container",code="RunContainerError"}',
    ),
  ).toBe(1);
  expect(await value('kubelet_started_containers_total{container_type="init_container"}')).toBe(1);
  expect(await value('kubelet_cgroup_manager_duration_seconds_count{operation_type="create"}')).toBe(1);
});

test('K22: how old the figures are that pods are evicted on', async () => {
  const { lifecycle, value } = scene();
  lifecycle.evictionStatsAge('nodefs.available', 3);
  const name = 'kubelet_eviction_stats_age_seconds';
  expect(await value(`${name}_sum{eviction_signal="nodefs.available"}`)).toBe(3);
  expect(await value(`${name}_count{eviction_signal="nodefs.available"}`)).toBe(1);
});

test('K12: pods that give way to critical ones', async () => {
  const { lifecycle, value } = scene();
  lifecycle.preempted('cpu');
  expect(await value('kubelet_preemptions{preemption_signal="cpu"}')).toBe(1);
});

test('K27: pods with a user namespace of their own', async () => {
  const { lifecycle, value } = scene();
  lifecycle.userNamespaced(false);
  lifecycle.userNamespaced(true);
  expect(await value('kubelet_started_user_namespaced_pods_total')).toBe(2);
  expect(await value('kubelet_started_user_namespaced_pods_errors_total')).toBe(1);
});
