import type { KubeObject } from '../api/types.ts';
import { FakeClock } from '../base/fake_clock.ts';
import type { NewObject } from './client.ts';
import type { EventRecorder, EventRecorderOptions } from './events.ts';
import { createEventRecorder } from './events.ts';
import { fakeClient } from './fake_client.ts';

const reference = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  namespace: 'default',
  name,
  uid: name,
});
const report = (recorder: EventRecorder, name: string): void =>
  recorder.event(reference(name), 'Normal', 'Scheduled', 'text');

/** A recorder whose writes go on until they are let go, in any order. */
function setup(options: Partial<EventRecorderOptions>) {
  const open: { readonly what: string; readonly end: () => void }[] = [];
  const errors: string[] = [];
  const write = async (what: string): Promise<void> =>
    await new Promise((resolve) => open.push({ what, end: resolve }));
  const client = fakeClient({
    async create<T extends KubeObject>(_r: unknown, { metadata }: NewObject<T>) {
      await write(`create ${metadata.name?.split('.')[0] ?? ''}`);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody reads the answer
      return undefined as unknown as T;
    },
    async patch<T>(_r: unknown, _key: unknown, body: unknown) {
      await write(`patch ${JSON.stringify(body)}`);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody reads the answer
      return undefined as T;
    },
  });
  const recorder = createEventRecorder(client, {
    component: 'test',
    api: 'events.k8s.io/v1',
    clock: new FakeClock(),
    onError: (err) => errors.push(String(err)),
    ...options,
  });
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  const finish = async (what: string): Promise<void> => {
    const at = open.findIndex((w) => w.what === what);
    open.splice(at, 1)[0]?.end();
    await settle();
  };
  return { recorder, errors, finish, settle, under: () => open.map((w) => w.what) };
}

test('one after the other unless said otherwise', async () => {
  const { recorder, finish, under, settle } = setup({});
  for (const name of ['a', 'b']) report(recorder, name);
  await settle();
  expect(under()).toEqual(['create a']);
  await finish('create a');
  expect(under()).toEqual(['create b']);
});

test('several writers at once, but one event at a time', async () => {
  const { recorder, finish, under, settle } = setup({ writers: 2 });
  for (const name of ['a', 'b', 'c', 'a', 'a']) report(recorder, name);
  await settle();
  expect(under()).toEqual(['create a', 'create b']);
  await finish('create b');
  expect(under()).toEqual(['create a', 'create c']);
  await finish('create c');
  // Reported again meanwhile: no second one is created beside the first.
  report(recorder, 'a');
  await settle();
  expect(under()).toEqual(['create a']);
  const flushed = recorder.flush();
  await finish('create a');
  expect(under()).toEqual([expect.stringMatching(/^patch \{"series":\{"count":4/)]);
  await finish(under()[0] ?? '');
  expect(under()).toEqual([]);
  await flushed;
});

test.each(['core/v1', 'events.k8s.io/v1'] as const)('K22: annotations go with an event: %s', async (api) => {
  const written: unknown[] = [];
  const client = fakeClient({
    async create<T extends KubeObject>(_r: unknown, { metadata }: NewObject<T>) {
      written.push(metadata.annotations);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody reads the answer
      return undefined as unknown as T;
    },
  });
  const recorder = createEventRecorder(client, { component: 'test', api, clock: new FakeClock() });
  recorder.event(reference('a'), 'Warning', 'Evicted', 'text', {
    annotations: { starved_resource: 'memory' },
  });
  report(recorder, 'b');
  await recorder.flush();
  expect(written).toEqual([{ starved_resource: 'memory' }, undefined]);
});

test('no more wait than are allowed to, which is said once', async () => {
  const { recorder, errors, finish, under, settle } = setup({ maxQueued: 2 });
  for (const name of ['a', 'b', 'c', 'd', 'e']) report(recorder, name);
  await settle();
  expect(errors).toEqual(['Error: 2 events wait to be written; further ones are dropped']);
  for (const name of ['a', 'b', 'c']) await finish(`create ${name}`);
  expect(under()).toEqual([]);
});
