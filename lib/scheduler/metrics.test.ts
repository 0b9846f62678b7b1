import { FakeClock } from '../base/fake_clock.ts';
import { Metrics } from '../component/metrics.ts';
import { SchedulerCache } from './cache/cache.ts';
import { createSchedulerMetrics } from './metrics.ts';
import { SchedulingQueue } from './queue/scheduling_queue.ts';
import { unresolvable } from './framework/status.ts';
import { pod } from './testing/objects.ts';

test('S7: queues, refusals, points and preemption are told under the names of the stock scheduler', async () => {
  const registry = new Metrics();
  const queue = new SchedulingQueue({
    clock: new FakeClock(),
    compare: () => 0,
    preEnqueue: ({ spec }) =>
      spec.schedulingGates === undefined ? undefined : { ...unresolvable('held'), plugin: 'SchedulingGates' },
    mayHelp: () => true,
    isAwaited: () => true,
    initialBackoffMs: 1000,
    maxBackoffMs: 10_000,
  });
  const metrics = createSchedulerMetrics(registry, { queue, cache: new SchedulerCache() });
  queue.add(pod('held', { spec: { schedulingGates: [{ name: 'g' }] } }));
  queue.add(pod('refused'));
  const queued = await queue.pop(new AbortController().signal);
  queue.requeue(queued, new Set(['NodeResourcesFit', 'NodeAffinity']));
  metrics.point('Bind', 'p', 'Success', 0.0002);
  metrics.permitWait('Success', 1);
  metrics.preemption(0);
  metrics.preemption(3);
  const shown = await registry.registry.metrics();
  for (const line of [
    'scheduler_queue_incoming_pods_total{queue="active",event="UnschedulablePodAdd"} 1',
    'scheduler_queue_incoming_pods_total{queue="unschedulable",event="UnschedulablePodAdd"} 1',
    'scheduler_queue_incoming_pods_total{queue="unschedulable",event="ScheduleAttemptFailure"} 1',
    'scheduler_unschedulable_pods{plugin="NodeAffinity",profile="default-scheduler"} 1',
    'scheduler_unschedulable_pods{plugin="SchedulingGates",profile="default-scheduler"} 1',
    'scheduler_framework_extension_point_duration_seconds_count{extension_point="Bind",status="Success",profile="p"} 1',
    'scheduler_permit_wait_duration_seconds_count{result="Success"} 1',
    'scheduler_preemption_attempts_total 2',
    'scheduler_preemption_victims_sum 3',
    'scheduler_preemption_victims_count 1',
  ])
    expect(shown).toContain(`${line}\n`);
  queue.moveForEvent('NodeAdd');
  expect(await registry.registry.metrics()).toContain(
    'scheduler_queue_incoming_pods_total{queue="backoff",event="NodeAdd"} 1\n',
  );
  queue.close();
});
