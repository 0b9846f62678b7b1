import type { Pod } from '../../api/types.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import type { ClusterEvent } from '../framework/plugin.ts';
import { prioritySort } from '../plugins/priority_sort.ts';
import { schedulingGates } from '../plugins/scheduling_gates.ts';
import { pod } from '../testing/objects.ts';
import { SchedulingQueue } from './scheduling_queue.ts';

const FIT: ReadonlySet<string> = new Set(['NodeResourcesFit']);

function setup(
  helps: readonly ClusterEvent[] = ['NodeAdd', 'UnscheduledPodUpdate'],
  { popsFromBackoff = false } = {},
) {
  const clock = new FakeClock();
  const queue = new SchedulingQueue({
    clock,
    compare: (a, b) => prioritySort.compare(a, b),
    preEnqueue: (p) => schedulingGates.preEnqueue(p),
    isAwaited: () => true,
    mayHelp: (_pod, _refusedBy, event) => helps.includes(event),
    initialBackoffMs: 1000,
    maxBackoffMs: 10_000,
    popsFromBackoff,
  });
  const stop = new AbortController();
  return { clock, queue, stop, pop: () => queue.pop(stop.signal) };
}

const prio = (name: string, priority: number): Pod => pod(name, { spec: { priority } });

test('S5: higher priority first, then first come first served', async () => {
  const { queue, pop, clock } = setup();
  queue.add(prio('low', 1));
  await clock.advance(1);
  queue.add(prio('high', 5));
  await clock.advance(1);
  queue.add(prio('low2', 1));
  const order = [await pop(), await pop(), await pop()].map((q) => q.pod.metadata.name);
  expect(order).toEqual(['high', 'low', 'low2']);
});

test('S5: pop waits for a pod, and ends with the signal', async () => {
  const { queue, pop, stop } = setup();
  const waiting = pop();
  queue.add(pod('p'));
  expect((await waiting).attempts).toBe(1);
  const again = pop();
  stop.abort(new Error('stopping'));
  await expect(again).rejects.toThrow('stopping');
});

test('S5: a refused pod waits for an event that may help it, and out its back-off', async () => {
  const { queue, pop, clock } = setup();
  queue.add(pod('p'));
  queue.requeue(await pop(), FIT);
  expect(queue.counts()).toMatchObject({ unschedulable: 1 });
  queue.moveForEvent('AssignedPodAdd');
  expect(queue.counts()).toMatchObject({ unschedulable: 1 });
  queue.moveForEvent('NodeAdd');
  expect(queue.counts()).toMatchObject({ backoff: 1 });
  await clock.advance(999);
  expect(queue.counts()).toMatchObject({ backoff: 1, active: 0 });
  await clock.advance(1);
  expect(queue.counts()).toMatchObject({ backoff: 0, active: 1 });
});

test('S5: a refused pod that an event may help does not wait out its back-off while nobody else is to be tried', async () => {
  const { queue, pop, clock } = setup(undefined, { popsFromBackoff: true });
  for (const name of ['first', 'second']) {
    queue.add(pod(name));
    queue.requeue(await pop(), FIT);
    await clock.advance(1);
  }
  queue.moveForEvent('NodeAdd');
  queue.add(pod('new'));
  const order = [await pop(), await pop(), await pop()].map((q) => q.pod.metadata.name);
  expect(order).toEqual(['new', 'first', 'second']);
  expect(queue.counts()).toMatchObject({ active: 0, backoff: 0, inFlight: 3 });
  await clock.advance(10_000);
  expect(queue.counts()).toMatchObject({ active: 0, backoff: 0 });
});

test('S5: a scheduler that waits hears of a pod that comes into back-off; after an error it is left in peace', async () => {
  const { queue, pop, clock } = setup(undefined, { popsFromBackoff: true });
  queue.add(pod('refused'));
  queue.requeue(await pop(), FIT);
  const waiting = pop();
  queue.moveForEvent('NodeAdd');
  expect((await waiting).pod.metadata.name).toBe('refused');
  queue.add(pod('failed'));
  queue.requeue(await pop(), new Set());
  let popped = false;
  const later = pop().then(() => (popped = true));
  await clock.advance(999);
  expect(popped).toBe(false);
  await clock.advance(1);
  await later;
});

test('S5: a pod that is gone from back-off is not tried', async () => {
  const { queue, pop, stop } = setup(undefined, { popsFromBackoff: true });
  const gone = pod('p');
  queue.add(gone);
  queue.requeue(await pop(), FIT);
  queue.moveForEvent('NodeAdd');
  queue.remove(gone);
  const waiting = pop();
  stop.abort(new Error('stopping'));
  await expect(waiting).rejects.toThrow('stopping');
});

test('S5: the back-off doubles up to its maximum', async () => {
  const { queue, pop, clock } = setup();
  queue.add(pod('p'));
  const waits: number[] = [];
  for (let i = 0; i < 6; i++) {
    const queued = await pop();
    queue.requeue(queued, new Set());
    const before = clock.monotonic();
    while (queue.counts().active === 0) await clock.advance(500);
    waits.push(clock.monotonic() - before);
  }
  expect(waits).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
});

test('S5: an event during the attempt counts for it', async () => {
  const { queue, pop } = setup();
  queue.add(pod('p'));
  const queued = await pop();
  queue.moveForEvent('NodeAdd');
  queue.requeue(queued, FIT);
  expect(queue.counts()).toMatchObject({ backoff: 1, unschedulable: 0 });
});

test('S5: a pod that nothing helped is tried again after five minutes', async () => {
  const { queue, pop, clock } = setup();
  queue.add(pod('p'));
  queue.requeue(await pop(), FIT);
  await clock.advance(299_000);
  expect(queue.counts()).toMatchObject({ unschedulable: 1 });
  await clock.advance(31_000);
  expect(queue.counts()).toMatchObject({ unschedulable: 0, active: 1 });
});

test('S5: gates keep a pod out until they are gone', () => {
  const { queue } = setup();
  const gated = pod('p', { spec: { schedulingGates: [{ name: 'example.com/wait' }] } });
  queue.add(gated);
  expect(queue.counts()).toMatchObject({ gated: 1, active: 0 });
  expect(queue.describe(gated)?.queued.gatedBy?.reasons).toEqual([
    'waiting for scheduling gates: [example.com/wait]',
  ]);
  queue.update(gated, { ...gated, spec: { ...gated.spec, schedulingGates: [] } });
  expect(queue.counts()).toMatchObject({ gated: 0, active: 1 });
});

test('S5: a change of the spec gives another try, a change of the status does not', async () => {
  const { queue, pop } = setup();
  const p = pod('p');
  queue.add(p);
  queue.requeue(await pop(), FIT);
  const conditioned: Pod = { ...p, status: { conditions: [{ type: 'PodScheduled', status: 'False' }] } };
  queue.update(p, conditioned);
  expect(queue.counts()).toMatchObject({ unschedulable: 1 });
  queue.update(conditioned, { ...p, spec: { ...p.spec, tolerations: [{ operator: 'Exists' }] } });
  expect(queue.counts()).toMatchObject({ unschedulable: 0, backoff: 1 });
});

test('S5: a pod removed while in flight does not come back', async () => {
  const { queue, pop } = setup();
  const p = pod('p');
  queue.add(p);
  const queued = await pop();
  queue.remove(p);
  queue.requeue(queued, FIT);
  expect(queue.counts()).toEqual({ active: 0, backoff: 0, unschedulable: 0, gated: 0, inFlight: 0 });
});

test('S5: adding a pod twice keeps one', async () => {
  const { queue, pop } = setup();
  const p = pod('p');
  queue.add(p);
  queue.add(p);
  expect(queue.counts()).toMatchObject({ active: 1 });
  await pop();
  queue.add(p);
  expect(queue.counts()).toMatchObject({ active: 0, inFlight: 1 });
});
