import { node, pod } from '../testing/objects.ts';
import { pluginHandle } from '../testing/plugin_handle.ts';
import { testSimulation } from '../testing/simulation.ts';
import { createOwnPlugin } from './own_plugins.ts';
import type { PluginMethods } from './plugin_definition.ts';
import { implementsPoint } from '../framework/plugin.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { CycleState } from '../framework/cycle_state.ts';
import { NodeInfo } from '../cache/node_info.ts';

const boom = (): never => {
  throw new Error('boom');
};
const isBad = (p: { metadata: { name: string } }): boolean => p.metadata.name === 'bad';
/** Misbehaves for the pod `bad` only. */
const forBad =
  <R>(misbehave: () => R) =>
  (_state: unknown, p: { metadata: { name: string } }): R | undefined =>
    isBad(p) ? misbehave() : undefined;
// JavaScript has no types: what a plugin answers may be anything.
const untyped = (methods: Record<string, unknown>): PluginMethods => methods;

describe('S3: one pod fails, with the name of the plugin, and the others are placed', () => {
  test.each<[string, PluginMethods, string]>([
    ['throws at PreFilter', { preFilter: forBad(boom) }, 'running PreFilter plugin "Own" failed: boom'],
    ['throws at Filter', { filter: forBad(boom) }, 'running Filter plugin "Own" failed: boom'],
    ['throws at PreScore', { preScore: forBad(boom) }, 'running PreScore plugin "Own" failed: boom'],
    ['throws at Reserve', { reserve: forBad(boom) }, 'running Reserve plugin "Own" failed: boom'],
    ['throws at Permit', { permit: forBad(boom) }, 'running Permit plugin "Own" failed: boom'],
    [
      'throws at PreBind',
      { preBind: async (_s, p) => (isBad(p) ? boom() : undefined) },
      'plugin "Own": boom',
    ],
    [
      'throws at Score',
      { score: (_s, p) => (isBad(p) ? boom() : 1) },
      'running Score plugin "Own" failed: boom',
    ],
    [
      'scores NaN',
      { score: (_s, p) => (isBad(p) ? Number.NaN : 1) },
      'plugin "Own" answered NaN at Score of node "n1": want a finite number',
    ],
    [
      'scores beyond the range',
      { score: (_s, p) => (isBad(p) ? 101 : 1) },
      'plugin "Own" returns an invalid score 101, it should in the range of [0, 100] after normalizing',
    ],
    [
      'answers something else',
      untyped({ filter: forBad(() => true) }),
      'plugin "Own" answered true at Filter: want undefined or a status',
    ],
    [
      'answers a promise where it must not',
      untyped({ reserve: forBad(() => Promise.reject(new Error('later'))) }),
      'answered a promise, but only PostFilter, PreBind and Bind may be asynchronous at Reserve',
    ],
    [
      'never answers at PreBind',
      { preBind: (_s, p) => (isBad(p) ? new Promise(() => undefined) : Promise.resolve(undefined)) },
      'plugin "Own" has not answered at PreBind within 0.5 s',
    ],
    [
      'waits at Permit for nobody',
      { permit: (_s, p) => (isBad(p) ? { code: 'Wait', timeoutMs: 2000 } : undefined) },
      'rejected due to timeout after waiting 2s at plugin Own',
    ],
  ])('%s', async (_name, methods, message) => {
    const result = await testSimulation({
      nodes: [node('n1'), node('n2')],
      pods: [pod('bad'), pod('good')],
      plugins: [{ name: 'Own', budget: { asyncMs: 500 }, create: () => methods }],
    });
    expect(result.placements.map((p) => p.pod)).toEqual(['default/good']);
    expect(result.pending.map((p) => p.pod)).toEqual(['default/bad']);
    expect(result.pending[0]?.message).toContain(message);
  });

  test.each<[string, PluginMethods]>([
    ['PostBind', { postBind: boom }],
    ['Unreserve', { unreserve: boom, reserve: () => undefined }],
    ['QueueSort, which then leaves the order as it is', { compare: boom }],
    ['a queueing hint', { eventsToRegister: () => [{ event: 'NodeAdd', hint: boom }] }],
    ['SignPod', { filter: () => undefined, signPod: boom }],
  ])('%s must not fail, and does not', async (point, methods) => {
    const isSort = point.startsWith('QueueSort');
    const result = await testSimulation({
      nodes: [node('n1')],
      pods: [pod('p')],
      plugins: [{ name: 'Own', create: () => methods }],
      ...(isSort ? { profile: { plugins: { multiPoint: { disabled: [{ name: 'PrioritySort' }] } } } } : {}),
    });
    expect(result.placements).toHaveLength(1);
  });
});

describe('S3: time', () => {
  const budget = { podMs: 100, overruns: 2, suspendMs: 1000 };

  function slow(spentMs: number, whenSuspended?: 'fail' | 'skip') {
    let at = 0;
    const events: string[] = [];
    const overruns: string[] = [];
    const clock = new FakeClock();
    const recorder = {
      event: (_r: unknown, _t: string, reason: string, message: string) =>
        void events.push(`${reason}: ${message}`),
      flush: () => Promise.resolve(),
    };
    const cost = { spentMs };
    const take = (): void => void (at += cost.spentMs);
    const { plugin } = createOwnPlugin(
      {
        name: 'Own',
        budget,
        ...(whenSuspended === undefined ? {} : { whenSuspended }),
        create: () => ({
          filter: () => {
            take();
            return undefined;
          },
          score: () => {
            take();
            return 7;
          },
        }),
      },
      undefined,
      pluginHandle({ clock, recorder }),
      { now: () => at, onOverrun: (name, point) => void overruns.push(`${name} ${point}`) },
    );
    if (!implementsPoint(plugin, 'filter') || !implementsPoint(plugin, 'score'))
      throw new Error('points lost');
    const info = new NodeInfo(node('n1'));
    return {
      events,
      overruns,
      cost,
      pass: (ms: number) => void (at += ms),
      filter: (state = new CycleState(), p = pod('p')) => plugin.filter(state, p, info),
      score: (state = new CycleState()) => plugin.score(state, pod('p'), info),
    };
  }

  test('nodes of one pod count together, the next pod begins anew', () => {
    const s = slow(40);
    const state = new CycleState();
    s.filter(state);
    s.filter(state);
    expect(() => s.filter(state)).toThrow(
      'plugin "Own" took 120 ms for one pod at Filter, its budget is 100 ms',
    );
    expect(s.filter()).toBeUndefined();
    expect(s.overruns).toEqual(['Own Filter']);
  });

  test('too often within a minute suspends it: its pods fail, with an event, and it comes back', () => {
    const s = slow(150);
    expect(() => s.filter()).toThrow('its budget is 100 ms');
    expect(() => s.filter()).toThrow('its budget is 100 ms');
    expect(s.events).toEqual([
      'PluginSuspended: plugin "Own" is suspended for 1 s: 2 pods took more than its budget within a minute, the last one 150 ms at Filter',
    ]);
    expect(() => s.filter()).toThrow('plugin "Own" is suspended for another 1 s');
    s.cost.spentMs = 0;
    s.pass(1000);
    expect(s.filter()).toBeUndefined();
  });

  test('the next suspension is longer', () => {
    const s = slow(150);
    for (let i = 0; i < 2; i++) expect(() => s.filter()).toThrow('budget');
    s.pass(1000);
    for (let i = 0; i < 2; i++) expect(() => s.filter()).toThrow('budget');
    expect(s.events[1]).toContain('suspended for 2 s');
  });

  test('scores are left out meanwhile, filters too when the plugin says so', () => {
    const s = slow(150, 'skip');
    for (let i = 0; i < 2; i++) expect(() => s.filter()).toThrow('budget');
    expect(s.filter()).toBeUndefined();
    expect(s.score()).toBe(0);
    const careful = slow(150);
    for (let i = 0; i < 2; i++) expect(() => careful.score()).toThrow('budget');
    expect(careful.score()).toBe(0);
    expect(() => careful.filter()).toThrow('suspended');
  });

  test('one pod over budget again and again suspends nothing', () => {
    const s = slow(150);
    const again = pod('again');
    for (let i = 0; i < 4; i++) expect(() => s.filter(new CycleState(), again)).toThrow('budget');
    expect(s.events).toEqual([]);
  });

  test('overruns longer than a minute apart suspend nothing', () => {
    const s = slow(150);
    for (let i = 0; i < 4; i++) {
      expect(() => s.filter()).toThrow('budget');
      s.pass(61_000);
    }
    expect(s.events).toEqual([]);
  });
});
