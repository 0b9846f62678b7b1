import { Metrics } from '../../component/metrics.ts';
import { runtimeContainer, runtimePod } from '../testing/runtime_pod.ts';
import { TerminationMetrics } from './termination_metrics.ts';

test('K27: each end of a container is counted once, by its type and how it ended', async () => {
  const metrics = new Metrics();
  const ends = new TerminationMetrics(metrics, (_uid, name) => (name === 'i' ? 'init_container' : undefined));
  const exited = { state: 'exited', exitCode: 137, reason: 'OOMKilled' } as const;
  // What had ended before this kubelet began is not counted.
  ends.seen('u', runtimePod([runtimeContainer('old', exited), runtimeContainer('a'), runtimeContainer('i')]));
  const after = runtimePod([
    runtimeContainer('old', exited),
    runtimeContainer('a', exited),
    runtimeContainer('i', { state: 'exited' }),
  ]);
  ends.seen('u', after);
  ends.seen('u', after);
  ends.seen('u', undefined);
  const page = await metrics.registry.metrics();
  expect(page.split('\n').filter((line) => line.startsWith('kubelet_'))).toEqual([
    'kubelet_terminated_containers_total{container_type="container",exit_code="137",reason="OOMKilled"} 1',
    'kubelet_terminated_containers_total{container_type="init_container",exit_code="0",reason="Completed"} 1',
  ]);
});
