import { FakeClock } from '../../base/fake_clock.ts';
import { Metrics } from '../../component/metrics.ts';
import { bootTime, startupMetrics } from './startup_metrics.ts';

async function figures(metrics: Metrics): Promise<Record<string, number>> {
  const page = await metrics.registry.metrics();
  const lines = page.matchAll(/^kubelet_node_startup_(\w*)duration_seconds (\S+)$/gm);
  return Object.fromEntries([...lines].map(([, name = '', value]) => [name, Number(value)]));
}

test('K27: the start of a new node, phase by phase, once', async () => {
  const clock = new FakeClock(100_000);
  const metrics = new Metrics();
  const startup = startupMetrics(metrics, { bootMs: 60_000, startMs: 90_000 }, clock);
  startup.registering();
  await clock.advance(1000);
  startup.registering(); // the first attempt failed
  startup.registered();
  await clock.advance(5000);
  startup.ready();
  const want = {
    '': 46,
    pre_kubelet_: 30,
    pre_registration_: 10,
    registration_: 1,
    post_registration_: 5,
  };
  expect(await figures(metrics)).toEqual(want);
  await clock.advance(60_000);
  startup.ready(); // it was not ready for a while
  expect(await figures(metrics)).toEqual(want);
});

test('K27: a node that was there before does not start', async () => {
  const metrics = new Metrics();
  startupMetrics(metrics, { bootMs: undefined, startMs: 0 }, new FakeClock(5000)).ready();
  expect(Object.values(await figures(metrics))).toEqual([0, 0, 0, 0, 0]);
});

test('when the machine was booted', () => {
  expect(bootTime('cpu 1 2\nbtime 1767225600\nprocesses 5\n')).toBe(1_767_225_600_000);
  expect(bootTime('')).toBeUndefined();
});
