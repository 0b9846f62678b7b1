import type { Pod, PodStatus } from '../../api/types.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { nullLog } from '../../base/log.ts';
import type { ApiClient } from '../../client/client.ts';
import { ApiError } from '../../client/errors.ts';
import { StatusWriter } from './status_writer.ts';

const ready = (status: string): PodStatus => ({ phase: 'Running', conditions: [{ type: 'Ready', status }] });

/** An API with one pod that takes strategic merge patches of `phase` and `conditions`. */
function scene(options: { readonly drops?: readonly string[]; readonly failures?: unknown[] } = {}) {
  let version = 1;
  let stored: Pod = pod({ phase: 'Pending' });
  let watched: Pod | undefined = stored;
  const patches: PodStatus[] = [];
  function pod(status: PodStatus): Pod {
    return {
      metadata: { name: 'p', namespace: 'ns', uid: 'u', resourceVersion: String(version) },
      spec: { containers: [] },
      status,
    };
  }
  const failures = [...(options.failures ?? [])];
  const client: Pick<ApiClient, 'patch'> = {
    patch: (_resource, _key, body) => {
      const failure = failures.shift();
      if (failure !== undefined)
        return Promise.reject(failure instanceof Error ? failure : new Error('failed'));
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what statusPatch makes
      const { status } = body as { status: PodStatus };
      patches.push(status);
      const kept = Object.entries(status).filter(([key]) => options.drops?.includes(key) !== true);
      version++;
      stored = pod({ ...stored.status, ...Object.fromEntries(kept) });
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- pods are the only type here
      return Promise.resolve(stored as never);
    },
  };
  const clock = new FakeClock();
  const writer = new StatusWriter({
    client,
    clock,
    log: nullLog,
    apiPod: () => watched,
  });
  const stop = new AbortController();
  const running = writer.run(stop.signal);
  return {
    writer,
    clock,
    patches,
    set: async (status: PodStatus) => {
      writer.set(stored, status);
      await clock.advance(0);
    },
    /** The watch delivers what the API has. */
    watch: () => {
      watched = stored;
    },
    /** Someone else writes the status. */
    meddle: (status: PodStatus) => {
      version++;
      stored = pod({ ...stored.status, ...status });
      watched = stored;
    },
    forgetPod: () => {
      watched = undefined;
    },
    flushed: (): Promise<void> => writer.flushed('u', stop.signal),
    end: async () => {
      stop.abort();
      await running;
    },
  };
}

test('K10: one patch per change, before and after the watch tells of it', async () => {
  const s = scene();
  await s.set(ready('False'));
  await s.set(ready('False'));
  s.watch();
  await s.set(ready('False'));
  expect(s.patches.length).toBe(1);
  await s.set(ready('True'));
  expect(s.patches.length).toBe(2);
  await s.end();
});

test("K10: what another wrote over is written again: the node controller's Ready=False after an outage", async () => {
  const s = scene();
  await s.set(ready('True'));
  s.meddle({ conditions: [{ type: 'Ready', status: 'False' }] });
  await s.set(ready('True'));
  expect(s.patches.length).toBe(2);
  await s.end();
});

test('K10: fields that the server does not know are not sent for ever', async () => {
  const s = scene({ drops: ['observedGeneration'] });
  const status = { ...ready('True'), observedGeneration: 1 };
  await s.set(status);
  s.watch();
  await s.set({ ...status });
  await s.set({ ...status });
  expect(s.patches.length).toBe(1);
  await s.end();
});

test('K10: a failure is retried with back-off; flushed waits for it', async () => {
  const s = scene({ failures: [new Error('away'), new Error('away')] });
  let flushed = false;
  await s.set(ready('True'));
  const waiting = s.flushed().finally(() => {
    flushed = true;
  });
  await s.clock.advance(0);
  expect([s.patches.length, flushed]).toEqual([0, false]);
  await s.clock.advance(1000);
  await waiting;
  expect(s.patches.length).toBe(1);
  await s.end();
});

test.each([
  ['gone', new ApiError('not found', { status: 404, reason: 'NotFound' })],
  ['another of its name', new ApiError('uid', { status: 409, reason: 'Conflict' })],
])('K10: a pod that is %s: nobody left to tell', async (_, failure) => {
  const s = scene({ failures: [failure] });
  await s.set(ready('True'));
  await s.flushed();
  expect(s.patches).toEqual([]);
  await s.end();
});

test('K10: a pod without an object in the API (a static pod before its mirror) is written when it has one', async () => {
  const s = scene();
  s.forgetPod();
  await s.set(ready('True'));
  await s.flushed();
  expect(s.patches).toEqual([]);
  s.watch();
  s.writer.refresh('u');
  await s.clock.advance(0);
  expect(s.patches.length).toBe(1);
  await s.end();
});
