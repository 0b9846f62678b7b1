import { startApiserver } from '../../test/fixtures/apiserver.ts';
import type { Apiserver } from '../../test/fixtures/apiserver.ts';
import type { Pod } from '../api/types.ts';
import { FakeClock } from '../base/fake_clock.ts';
import { RecordingLog } from '../base/log.ts';
import { createEventRecorder } from './events.ts';
import { CORE_EVENTS, EVENTS, NAMESPACES, PODS } from './resource.ts';

let server: Apiserver;
beforeAll(async () => {
  server = await startApiserver();
}, 120_000);
afterAll(async () => {
  await server.stop();
}, 30_000);

async function makePod(): Promise<{ namespace: string; pod: Pod & { apiVersion: string; kind: string } }> {
  const made = await server.client.create(NAMESPACES, { metadata: { generateName: 'events-' } });
  const namespace = made.metadata.name;
  const pod = await server.client.create(PODS, {
    metadata: { namespace, name: 'web' },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  });
  return { namespace, pod: { ...pod, apiVersion: 'v1', kind: 'Pod' } };
}

test('core/v1: one event per message, repetitions are counted', async () => {
  const { namespace, pod } = await makePod();
  const clock = new FakeClock();
  const recorder = createEventRecorder(server.client, {
    component: 'kubelet',
    host: 'n1',
    clock,
    api: 'core/v1',
  });
  recorder.event(pod, 'Normal', 'Pulled', 'image one');
  await recorder.flush();
  for (let i = 0; i < 4; i++) {
    await clock.advance(1_000);
    recorder.event(pod, 'Normal', 'Pulled', 'image one');
    await recorder.flush();
  }
  recorder.event(pod, 'Warning', 'BackOff', 'restarting');
  await recorder.flush();
  const { items } = await server.client.list(CORE_EVENTS, { namespace });
  expect(items.map((e) => [e.reason, e.count])).toEqual([
    ['Pulled', 5],
    ['BackOff', 1],
  ]);
  expect(items[0]).toMatchObject({
    type: 'Normal',
    message: 'image one',
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:04Z',
    source: { component: 'kubelet', host: 'n1' },
    reportingComponent: 'kubelet',
    involvedObject: { kind: 'Pod', apiVersion: 'v1', namespace, name: 'web', uid: pod.metadata.uid },
  });
  expect(items[0]?.metadata.name).toMatch(/^web\.[0-9a-f]+$/);
}, 30_000);

test('events.k8s.io/v1: repetitions become a series', async () => {
  const { namespace, pod } = await makePod();
  const clock = new FakeClock();
  const recorder = createEventRecorder(server.client, {
    component: 'default-scheduler',
    clock,
    api: 'events.k8s.io/v1',
  });
  const node = { apiVersion: 'v1', kind: 'Node', name: 'n1' };
  const report = (): void =>
    recorder.event(pod, 'Warning', 'FailedScheduling', 'x'.repeat(2_000), {
      action: 'Scheduling',
      related: node,
    });
  report();
  await recorder.flush();
  expect((await server.client.list(EVENTS, { namespace })).items[0]?.series).toBeUndefined();
  await clock.advance(1_500);
  report();
  report(); // while the one before waits: one write
  await recorder.flush();
  const { items } = await server.client.list(EVENTS, { namespace });
  expect(items).toHaveLength(1);
  expect(items[0]).toMatchObject({
    reason: 'FailedScheduling',
    action: 'Scheduling',
    reportingController: 'default-scheduler',
    eventTime: '2026-01-01T00:00:00.000000Z',
    series: { count: 3, lastObservedTime: '2026-01-01T00:00:01.500000Z' },
    related: { kind: 'Node', name: 'n1' },
  });
  expect(Buffer.byteLength(items[0]?.note ?? '')).toBeLessThanOrEqual(1_024);
}, 30_000);

test('many similar messages are combined, and an object that floods is limited', async () => {
  const { namespace, pod } = await makePod();
  const clock = new FakeClock();
  const recorder = createEventRecorder(server.client, { component: 'kubelet', clock, api: 'core/v1' });
  for (let i = 0; i < 40; i++) {
    recorder.event(pod, 'Warning', 'Failed', `attempt ${i}`);
    await recorder.flush();
  }
  const { items } = await server.client.list(CORE_EVENTS, { namespace });
  expect(items).toHaveLength(11);
  const combined = items.find((e) => e.message?.startsWith('(combined from similar events): '));
  // 25 writes at once: 10 of their own, 15 of the combined one, whose count goes on meanwhile.
  expect([combined?.message, combined?.count]).toEqual(['(combined from similar events): attempt 24', 15]);
  await clock.advance(300_000);
  recorder.event(pod, 'Warning', 'Failed', 'attempt 40');
  await recorder.flush();
  const after = (await server.client.list(CORE_EVENTS, { namespace })).items;
  expect(after.find((e) => e.metadata.name === combined?.metadata.name)?.count).toBe(31);
  recorder.event({ ...pod, metadata: { ...pod.metadata, uid: 'other' } }, 'Normal', 'Started', 'not limited');
  await recorder.flush();
  expect((await server.client.list(CORE_EVENTS, { namespace })).items).toHaveLength(12);
}, 30_000);

test('an event that expired on the server is made anew; one the server refuses is dropped and told', async () => {
  const { namespace, pod } = await makePod();
  const errors: unknown[] = [];
  const recorder = createEventRecorder(server.client, {
    component: 'kubelet',
    api: 'core/v1',
    onError: (err) => errors.push(err),
  });
  recorder.event(pod, 'Normal', 'Pulled', 'image one');
  await recorder.flush();
  const [event] = (await server.client.list(CORE_EVENTS, { namespace })).items;
  await server.client.delete(CORE_EVENTS, { namespace, name: event?.metadata.name ?? '' });
  recorder.event(pod, 'Normal', 'Pulled', 'image one');
  await recorder.flush();
  expect((await server.client.list(CORE_EVENTS, { namespace })).items[0]?.count).toBe(2);
  recorder.event({ ...pod, metadata: { ...pod.metadata, namespace: 'not-there' } }, 'Normal', 'A', 'b');
  await recorder.flush();
  expect(String(errors)).toMatch('namespaces "not-there" not found');
}, 30_000);

test('while the server is away events wait, and are written once it is back', async () => {
  const { namespace, pod } = await makePod();
  const errors: unknown[] = [];
  const recorder = createEventRecorder(server.client, {
    component: 'kubelet',
    api: 'core/v1',
    onError: (err) => errors.push(err),
  });
  await server.kill();
  for (let i = 0; i < 3; i++) recorder.event(pod, 'Normal', 'Waited', `message ${i}`);
  await server.restart();
  await recorder.flush();
  const { items } = await server.client.list(CORE_EVENTS, { namespace });
  expect(items.map((e) => e.message)).toEqual(['message 0', 'message 1', 'message 2']);
  expect(errors).toEqual([]);
}, 60_000);

test('a namespace that is being deleted is told of once, and is no error', async () => {
  const { namespace, pod } = await makePod();
  // A finalizer of ours keeps it in the state of being deleted.
  await server.client.patch(
    NAMESPACES,
    { name: namespace },
    { metadata: { finalizers: ['test.local/keep'] } },
    { type: 'merge' },
  );
  await server.client.delete(NAMESPACES, { name: namespace });
  const errors: unknown[] = [];
  const log = new RecordingLog();
  const recorder = createEventRecorder(server.client, {
    component: 'kubelet',
    clock: new FakeClock(),
    api: 'core/v1',
    onError: (err) => errors.push(err),
    log,
  });
  for (const reason of ['Killing', 'Unhealthy', 'FailedMount']) recorder.event(pod, 'Normal', reason, 'text');
  await recorder.flush();
  expect(errors).toEqual([]);
  expect(log.entries).toMatchObject([{ severity: 'info', kv: { namespace } }]);
  await server.client.patch(
    NAMESPACES,
    { name: namespace },
    { metadata: { finalizers: null } },
    { type: 'merge' },
  );
}, 30_000);
