import type { Pod } from '../api/types.ts';
import { FakeClock } from '../base/fake_clock.ts';
import { RecordingLog } from '../base/log.ts';
import type { ApiClient } from '../client/client.ts';
import { ApiError, TransportError } from '../client/errors.ts';
import { fakeClient } from '../client/fake_client.ts';
import { FakeInformer } from '../client/fake_informer.ts';
import { Metrics } from '../component/metrics.ts';
import { SchedulerCache } from './cache/cache.ts';
import { podHandler } from './cluster_events.ts';
import type {
  PermitPlugin,
  Plugin,
  PostFilterPlugin,
  PreBindPlugin,
  ReservePlugin,
} from './framework/plugin.ts';
import { unschedulable } from './framework/status.ts';
import { DecisionLog } from './explain/decision_log.ts';
import { WaitingPods } from './framework/waiting_pods.ts';
import { createProfile } from './framework/profile.ts';
import { createSchedulerMetrics } from './metrics.ts';
import { defaultPlugins } from './plugins/registry.ts';
import { createQueue } from './queue/queue_of_profiles.ts';
import { Scheduler } from './scheduler.ts';
import { node, pod } from './testing/objects.ts';
import { pluginHandle } from './testing/plugin_handle.ts';

const conflict = new ApiError('pod is already assigned to node', { status: 409, reason: 'Conflict' });
const lost = new TransportError('socket hang up');
const away = new ApiError('try later', { status: 503, reason: 'ServiceUnavailable' });
const notFound = new ApiError('gone', { status: 404, reason: 'NotFound' });

interface Setup {
  readonly bind: () => Promise<never>;
  /** Beside those of the default profile. */
  readonly plugins?: readonly Plugin[];
  /** Answers to the question where the pod is, one each. */
  readonly get?: readonly (Pod | Error)[];
  /** Whether the API takes patches; without, the pod is said to be gone. */
  readonly takesPatches?: boolean;
  readonly tellsExpectations?: boolean;
}

/** A scheduler with one node and one pod, whose binding fails. */
function setup(
  subject: Pod,
  { bind, get = [], plugins = [], takesPatches = false, tellsExpectations = false }: Setup,
) {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const answers = [...get];
  const patches: unknown[] = [];
  const client: ApiClient = fakeClient({
    createSubresource: bind,
    get: <T>() => {
      const answer = answers.shift();
      if (answer === undefined) return Promise.reject(new Error('asked more often than expected'));
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only pods are asked for
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer as T);
    },
    patch: <T>(_r: unknown, _key: unknown, body: unknown) => {
      patches.push(body);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only pods are patched
      return takesPatches ? Promise.resolve(subject as unknown as T) : Promise.reject(notFound);
    },
  });
  const cache = new SchedulerCache();
  const events: string[] = [];
  const recorder = {
    event: (_regarding: unknown, _type: string, reason: string) => void events.push(reason),
    flush: () => Promise.resolve(),
  };
  const waiting = new WaitingPods(clock);
  const handle = pluginHandle({ cache, client, clock, recorder, waiting });
  const profile = createProfile('default-scheduler', [
    ...defaultPlugins(handle),
    ...plugins.map((plugin) => ({ plugin, weight: 0 })),
  ]);
  const profiles = new Map([[profile.schedulerName, profile]]);
  cache.setNode(node('n1'));
  const queue = createQueue(profiles, { clock, initialBackoffMs: 1000, maxBackoffMs: 10_000 });
  const pods = new FakeInformer<Pod>([subject]);
  pods.addHandler(podHandler({ cache, queue }, () => true));
  const scheduler = new Scheduler({
    client,
    clock,
    log,
    cache,
    queue,
    profiles,
    recorders: new Map([[profile.schedulerName, recorder]]),
    decisions: new DecisionLog(),
    waiting,
    pods: pods.store,
    metrics: createSchedulerMetrics(new Metrics(), { queue, cache }),
    tellsExpectations,
  });
  const stop = new AbortController();
  const running = scheduler.run(stop.signal);
  return {
    clock,
    log,
    cache,
    queue,
    pods,
    events,
    patches,
    waiting,
    async end() {
      stop.abort(new Error('test over'));
      await running;
      queue.close();
    },
  };
}

const on = (p: Pod, nodeName: string): Pod => ({ ...p, spec: { ...p.spec, nodeName } });

test('S11: a lost answer of a binding that succeeded counts as success', async () => {
  const p = pod('p');
  const s = setup(p, { bind: () => Promise.reject(lost), get: [away, on(p, 'n1')] });
  await s.clock.advance(1000);
  expect(s.events).toEqual(['Scheduled']);
  expect(s.cache.isAssumed(p)).toBe(true); // until the watch confirms it
  expect(s.queue.counts().inFlight).toBe(0);
  await s.end();
});

test('S11: a pod that another scheduler bound elsewhere is let go, without an event', async () => {
  const p = pod('p');
  const s = setup(p, { bind: () => Promise.reject(conflict), get: [on(p, 'n2')] });
  await s.clock.advance(10);
  expect(s.events).toEqual([]);
  expect(s.cache.podCount).toBe(0);
  expect(s.queue.counts()).toEqual({ active: 0, backoff: 0, unschedulable: 0, gated: 0, inFlight: 0 });
  await s.end();
});

test('S11: a pod deleted before its binding is forgotten', async () => {
  const p = pod('p');
  const s = setup(p, { bind: () => Promise.reject(notFound), get: [notFound] });
  await s.clock.advance(10);
  expect(s.cache.podCount).toBe(0);
  expect(s.events).toEqual([]);
  await s.end();
});

test('S11: a refused binding gives the room back, is reported, and tried again after the back-off', async () => {
  const p = pod('p');
  const forbidden = new ApiError('no', { status: 403, reason: 'Forbidden' });
  let tries = 0;
  const s = setup(p, {
    bind: () => {
      tries++;
      return Promise.reject(forbidden);
    },
    get: [p, p],
  });
  await s.clock.advance(10);
  expect([tries, s.cache.podCount]).toEqual([1, 0]);
  expect(s.events).toEqual(['FailedScheduling']);
  expect(s.patches).toMatchObject([
    { status: { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulerError' }] } },
  ]);
  expect(s.queue.counts().backoff).toBe(1);
  await s.clock.advance(1000);
  expect(tries).toBe(2);
  await s.end();
});

test('S11: a pod that goes while it waits is not scheduled', async () => {
  const p = pod('p', { requests: { cpu: '100' } });
  const s = setup(p, { bind: () => Promise.reject(lost) });
  await s.clock.advance(10);
  expect(s.queue.counts().unschedulable).toBe(1);
  s.pods.remove(p);
  await s.pods.settle();
  expect(s.queue.counts()).toEqual({ active: 0, backoff: 0, unschedulable: 0, gated: 0, inFlight: 0 });
  await s.end();
});

describe('S1: between the choice of a node and the binding', () => {
  const never = (): Promise<never> => Promise.reject(new Error('must not be bound'));
  const tracing = (calls: string[], name: string, refuses = false): ReservePlugin => ({
    name,
    reserve() {
      calls.push(`reserve ${name}`);
      return refuses ? unschedulable('none left') : undefined;
    },
    unreserve: () => void calls.push(`unreserve ${name}`),
  });

  test('a refused Reserve is undone in reverse, and the room given back', async () => {
    const calls: string[] = [];
    const plugins = [tracing(calls, 'A'), tracing(calls, 'B', true)];
    const s = setup(pod('p'), { bind: never, plugins });
    await s.clock.advance(10);
    expect(calls).toEqual(['reserve A', 'reserve B', 'unreserve B', 'unreserve A']);
    expect(s.cache.podCount).toBe(0);
    expect(s.events).toEqual(['FailedScheduling']);
    expect(s.patches).toMatchObject([
      {
        status: {
          conditions: [{ reason: 'Unschedulable', message: '0/1 nodes are available: 1 none left.' }],
        },
      },
    ]);
    await s.end();
  });

  test('a pod that waits at Permit keeps its room until it is rejected', async () => {
    const calls: string[] = [];
    const gate: PermitPlugin = { name: 'Gate', permit: () => ({ code: 'Wait', timeoutMs: 60_000 }) };
    const p = pod('p');
    const s = setup(p, { bind: never, plugins: [tracing(calls, 'A'), gate] });
    await s.clock.advance(10);
    expect([s.waiting.size, s.cache.podCount, s.events]).toEqual([1, 1, []]);
    s.waiting.reject(p, 'Gate', 'closed');
    await s.clock.advance(10);
    expect([s.waiting.size, s.cache.podCount, s.events]).toEqual([0, 0, ['FailedScheduling']]);
    expect(calls).toEqual(['reserve A', 'unreserve A']);
    await s.end();
  });

  test('one that is let through is bound', async () => {
    const gate: PermitPlugin = { name: 'Gate', permit: () => ({ code: 'Wait', timeoutMs: 60_000 }) };
    const p = pod('p');
    let bound = 0;
    const bind = (): Promise<never> => {
      bound++;
      return Promise.reject(lost);
    };
    const s = setup(p, { bind, get: [on(p, 'n1')], plugins: [gate] });
    await s.clock.advance(10);
    expect(bound).toBe(0);
    s.waiting.get(p.metadata.uid ?? '')?.allow('Gate');
    await s.clock.advance(10);
    expect([bound, s.events]).toEqual([1, ['Scheduled']]);
    await s.end();
  });
});

describe('S6: the node of a pod whose binding has to wait', () => {
  const told = { status: { nominatedNodeName: 'n1' } };
  const gate: PermitPlugin = { name: 'Gate', permit: () => ({ code: 'Wait', timeoutMs: 60_000 }) };
  const preparing = (hasWork?: boolean): PreBindPlugin => ({
    name: 'Preparing',
    preBind: () => undefined,
    ...(hasWork === undefined ? {} : { preBindPreFlight: () => hasWork }),
  });

  test.each<[string, Plugin, boolean, readonly object[]]>([
    ['is told while it waits at Permit', gate, true, [told]],
    ['is told before work at PreBind', preparing(true), true, [told]],
    ['is told where a plugin may have work at PreBind', preparing(), true, [told]],
    ['is not told without work at PreBind', preparing(false), true, []],
    ['is not told without the gate', preparing(true), false, []],
  ])('%s', async (_, plugin, tellsExpectations, patches) => {
    const p = pod('p');
    const bind = (): Promise<never> => Promise.reject(lost);
    const s = setup(p, {
      bind,
      get: [on(p, 'n1')],
      plugins: [plugin],
      takesPatches: true,
      tellsExpectations,
    });
    await s.clock.advance(10);
    expect(s.patches).toEqual(patches);
    await s.end();
  });

  test('is taken back when nothing comes of it, before the watch has brought it', async () => {
    const p = pod('p');
    const bind = (): Promise<never> => Promise.reject(conflict);
    const s = setup(p, { bind, plugins: [gate], takesPatches: true, tellsExpectations: true });
    await s.clock.advance(10);
    s.waiting.reject(p, 'Gate', 'closed');
    await s.clock.advance(10);
    expect(s.patches).toMatchObject([told, { status: { nominatedNodeName: null } }]);
    expect(s.queue.nominated.size).toBe(0);
    await s.end();
  });

  test('need not be told for the pod to be bound', async () => {
    const p = pod('p');
    const bind = (): Promise<never> => Promise.reject(lost);
    const s = setup(p, { bind, get: [on(p, 'n1')], plugins: [preparing()], tellsExpectations: true });
    await s.clock.advance(10);
    expect([s.patches, s.events]).toEqual([[told], ['Scheduled']]);
    await s.end();
  });

  test('and what changed meanwhile counts at the next attempt', async () => {
    const p = pod('p');
    const bind = (): Promise<never> => Promise.reject(conflict);
    const s = setup(p, { bind, plugins: [gate] });
    await s.clock.advance(10);
    const changed = { ...p, metadata: { ...p.metadata, labels: { a: 'b' } } };
    s.pods.put(changed);
    await s.pods.settle();
    s.waiting.reject(p, 'Gate', 'closed');
    await s.clock.advance(10);
    expect(s.queue.describe(p)?.queued.pod.metadata.labels).toEqual({ a: 'b' });
    await s.end();
  });
});

test('S1: a nomination is written to the status and counts for others at once', async () => {
  const nominate: PostFilterPlugin = { name: 'Maker', postFilter: () => ({ nominatedNodeName: 'n1' }) };
  const p = pod('p', { requests: { cpu: '100' } });
  const s = setup(p, { bind: () => Promise.reject(lost), plugins: [nominate] });
  await s.clock.advance(10);
  expect(s.queue.nominated.nodeOf(p)).toBe('n1');
  expect(s.patches).toMatchObject([
    { status: { nominatedNodeName: 'n1', conditions: [{ status: 'False' }] } },
  ]);
  s.pods.remove(p);
  await s.pods.settle();
  expect(s.queue.nominated.nodeOf(p)).toBeUndefined();
  await s.end();
});

test('S1: a PostFilter that throws is passed over', async () => {
  const broken: PostFilterPlugin = {
    name: 'Broken',
    postFilter() {
      throw new Error('boom');
    },
  };
  const s = setup(pod('p', { requests: { cpu: '100' } }), {
    bind: () => Promise.reject(lost),
    plugins: [broken],
  });
  await s.clock.advance(10);
  expect(s.queue.counts().unschedulable).toBe(1);
  expect(s.events).toEqual(['FailedScheduling']);
  await s.end();
});
