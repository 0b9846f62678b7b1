import type { KubeObject, Lease } from '../api/types.ts';
import { FakeClock } from '../base/fake_clock.ts';
import { isObjectOf } from './decode.ts';
import { ApiError, TransportError } from './errors.ts';
import { fakeClient } from './fake_client.ts';
import { LEASES } from './resource.ts';
import type { ResourceType } from './resource.ts';
import { runLeaderElection } from './leader_election.ts';
import type { LeaderElectionOptions } from './leader_election.ts';

let clock: FakeClock;
let lease: Lease | undefined;
let version: number;
let reads: number;
const stored = (next: Lease): Lease => {
  lease = { ...next, metadata: { ...next.metadata, resourceVersion: String(++version) } };
  return lease;
};
const notFound = new ApiError('no lease', { status: 404, reason: 'NotFound' });
const client = fakeClient({
  get: (r) => {
    reads++;
    return isObjectOf(lease, r) ? Promise.resolve(lease) : Promise.reject(notFound);
  },
  create: (r, next) => answer(r, next),
  update: (r, next) =>
    next.metadata.resourceVersion === lease?.metadata.resourceVersion
      ? answer(r, next)
      : Promise.reject(new ApiError('changed', { status: 409, reason: 'Conflict' })),
});
function answer<T extends KubeObject>(r: ResourceType<T>, next: unknown): Promise<T> {
  if (!isObjectOf(next, LEASES)) return Promise.reject(new Error('not a Lease'));
  const result = stored(next);
  return isObjectOf(result, r) ? Promise.resolve(result) : Promise.reject(notFound);
}

const durations = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };
let stop: AbortController;
let log: string[];
function contend(options: Partial<LeaderElectionOptions> = {}): Promise<void> {
  return runLeaderElection({
    client,
    namespace: 'ns',
    name: 'l',
    identity: 'me',
    ...durations,
    releaseOnCancel: false,
    clock,
    onStartedLeading: () => {
      log.push('started');
      return Promise.resolve();
    },
    onStoppedLeading: () => log.push('stopped'),
    random: () => 0,
    signal: stop.signal,
    ...options,
  });
}

beforeEach(() => {
  clock = new FakeClock();
  lease = undefined;
  version = 0;
  reads = 0;
  stop = new AbortController();
  log = [];
});

test('the holder is followed only when its record stood still for the lease by our own clock', async () => {
  // The holder's clock is an hour behind: by its renewTime the lease ran out long ago.
  const theirs = (renewTime: string): Lease =>
    stored({
      metadata: { namespace: 'ns', name: 'l', resourceVersion: '1' },
      spec: { holderIdentity: 'other', leaseDurationSeconds: 15, renewTime, leaseTransitions: 4 },
    });
  theirs('2025-12-31T23:00:00.000000Z');
  const done = contend();
  await clock.advance(14_000);
  theirs('2025-12-31T23:00:14.000000Z');
  await clock.advance(14_000);
  expect(log).toEqual([]);
  await clock.advance(4_000);
  expect(log).toEqual(['started']);
  expect(lease?.spec).toMatchObject({ holderIdentity: 'me', leaseDurationSeconds: 15, leaseTransitions: 5 });
  stop.abort();
  await clock.advance(0);
  await done;
});

test('renewing keeps the time of acquisition and needs no reads', async () => {
  const done = contend();
  await clock.advance(0);
  const acquired = lease?.spec?.acquireTime;
  const before = reads;
  await clock.advance(60_000);
  expect(lease?.spec).toMatchObject({ acquireTime: acquired, renewTime: '2026-01-01T00:01:00.000000Z' });
  expect(reads).toBe(before);
  stop.abort();
  await clock.advance(0);
  await done;
  expect(lease?.spec?.holderIdentity).toBe('me'); // not released unless asked to
});

test('another writer of the lease who leaves us the holder does not end leadership', async () => {
  const done = contend();
  await clock.advance(0);
  if (lease === undefined) throw new Error('no lease');
  stored({ ...lease, metadata: { ...lease.metadata, annotations: { touched: 'yes' } } });
  await clock.advance(4_000);
  expect(log).toEqual(['started']);
  expect(lease.metadata.annotations).toEqual({ touched: 'yes' });
  stop.abort();
  await clock.advance(0);
  await done;
});

test('a leader that cannot renew stops at the renew deadline, before others may take over', async () => {
  let broken = false;
  let renewedAt = 0;
  let stoppedAt = 0;
  const unreliable = {
    ...client,
    update: ((...args) => {
      if (broken) return Promise.reject(new TransportError('refused'));
      renewedAt = clock.monotonic();
      return client.update(...args);
    }) as typeof client.update,
  };
  let workEnded = false;
  const done = contend({
    client: unreliable,
    onStartedLeading: (signal) =>
      new Promise((resolve) =>
        signal.addEventListener('abort', () => {
          workEnded = true;
          resolve();
        }),
      ),
    onStoppedLeading: () => {
      stoppedAt = clock.monotonic();
    },
  });
  await clock.advance(20_000);
  broken = true;
  await clock.advance(20_000);
  await done;
  expect(workEnded).toBe(true);
  expect(stoppedAt - renewedAt).toBe(10_000);
});

test('a leader knows by the clock alone when others may have taken over', async () => {
  let holds = (): boolean => false;
  void contend({
    onStartedLeading: (_signal, now) => {
      holds = now;
      return new Promise(() => undefined);
    },
  });
  await clock.advance(0);
  expect(holds()).toBe(true);
  await clock.advance(9_000); // renewed meanwhile
  const renewed = clock.monotonic();
  const moment = jest.spyOn(clock, 'monotonic');
  // As after SIGSTOP and SIGCONT: time has passed, and no timer has run yet.
  moment.mockReturnValue(renewed + 12_000);
  expect(holds()).toBe(true);
  moment.mockReturnValue(renewed + 15_001);
  expect(holds()).toBe(false);
  moment.mockRestore();
  stop.abort();
});

test('aborted before it was won, it ends without leading', async () => {
  stored({
    metadata: { namespace: 'ns', name: 'l' },
    spec: { holderIdentity: 'other', leaseDurationSeconds: 15 },
  });
  const done = contend({ releaseOnCancel: true });
  await clock.advance(1_000);
  stop.abort();
  await clock.advance(0);
  await done;
  expect(log).toEqual(['stopped']);
  expect(lease?.spec?.holderIdentity).toBe('other');
});

test('work that does not end keeps the lease from being given up', async () => {
  const done = contend({ releaseOnCancel: true, onStartedLeading: () => new Promise(() => undefined) });
  await clock.advance(0);
  stop.abort();
  await clock.advance(15_000);
  await done;
  expect(lease?.spec?.holderIdentity).toBe('me');
});

test.each([
  [{ identity: '' }, 'identity must not be empty'],
  [{ leaseDurationMs: 500 }, 'leaseDuration: got 500 ms, want at least 1 s'],
  [{ renewDeadlineMs: 15_000 }, 'renewDeadline: got 15000 ms, want less than leaseDuration (15000 ms)'],
  [{ retryPeriodMs: 9_000 }, 'retryPeriod: got 9000 ms'],
  [{ retryPeriodMs: 0 }, 'retryPeriod: got 0 ms'],
])('%j is refused', async (options, message) => {
  await expect(contend(options)).rejects.toThrow(message);
});
