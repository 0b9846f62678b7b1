import type { Pod, PodDisruptionBudget } from '../../api/types.ts';
import { ApiError } from '../../client/errors.ts';
import { fakeClient } from '../../client/fake_client.ts';
import type { Refusal } from '../framework/status.ts';
import { testCluster } from '../testing/cluster.ts';
import { node, pod } from '../testing/objects.ts';
import { chooseCandidate } from './choose_candidate.ts';
import { splitByBudgets } from './disruption_budgets.ts';
import type { Candidate } from '../framework/candidate.ts';
import { victimsOn } from './victims.ts';

const started = (minute: number): { startTime: string } => ({
  startTime: `2026-01-01T00:${String(minute).padStart(2, '0')}:00Z`,
});
const running = (
  name: string,
  priority: number,
  cpu = '1',
  minute = 0,
  labels: Record<string, string> = {},
): Pod => ({
  ...pod(name, { requests: { cpu }, spec: { priority }, metadata: { labels } }),
  status: started(minute),
});
const wants = (cpu: string, spec: Partial<Pod['spec']> = {}): Pod =>
  pod('preemptor', { requests: { cpu }, spec: { priority: 100, ...spec } });
const budget = (allowed: number, app: string, extra: object = {}): PodDisruptionBudget => ({
  metadata: { namespace: 'default', name: `b-${app}` },
  spec: { selector: { matchLabels: { app } } },
  status: { disruptionsAllowed: allowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1, ...extra },
});
const names = (pods: readonly Pod[]): string[] => pods.map((p) => p.metadata.name);

describe('S4: which pods have to go (a node of 4 CPUs)', () => {
  test.each<{
    name: string;
    placed: Pod[];
    budgets?: PodDisruptionBudget[];
    cpu?: string;
    want: string[];
    violations?: number;
  }>([
    {
      name: 'no more than needed, the least important',
      placed: [running('a', 3), running('b', 2), running('c', 1), running('d', 0)],
      want: ['d'],
    },
    {
      name: 'as many as needed',
      placed: [running('a', 3, '2'), running('b', 2), running('c', 1)],
      cpu: '2',
      want: ['b', 'c'],
    },
    {
      name: 'of equal priority, who started last',
      placed: [running('a', 0, '2', 1), running('b', 0, '2', 2)],
      want: ['b'],
    },
    {
      name: 'never one of the same priority',
      placed: [running('a', 100, '3'), running('b', 0)],
      want: ['b'],
    },
    {
      name: 'one without a budget before one that breaks it',
      placed: [running('a', 5, '2', 0, { app: 'x' }), running('b', 9, '2')],
      budgets: [budget(0, 'x')],
      want: ['b'],
    },
    {
      name: 'a broken budget if there is no other way',
      placed: [running('a', 5, '4', 0, { app: 'x' })],
      budgets: [budget(0, 'x')],
      want: ['a'],
      violations: 1,
    },
  ])('$name', ({ placed, budgets = [], cpu = '1', want, violations = 0 }) => {
    const cluster = testCluster({ nodes: [node('n')], placed: placed.map((p) => [p, 'n'] as const) });
    const subject = wants(cpu);
    const { state } = cluster.decide(subject);
    const info = cluster.handle.cache.node('n');
    if (info === undefined) throw new Error('no node');
    const run = { profile: cluster.profile, state, nominated: cluster.handle.nominated, budgets };
    const found = victimsOn(subject, info, run);
    if ('code' in found) throw new Error(found.reasons.join());
    expect({ victims: names(found.victims), violations: found.violations }).toEqual({
      victims: want,
      violations,
    });
    expect(info.podCount).toBe(placed.length); // only tried out
  });

  test('why it does not help', () => {
    const cluster = testCluster({
      nodes: [node('n')],
      placed: [
        [running('a', 100, '3'), 'n'],
        [running('b', 0, '500m'), 'n'],
      ],
    });
    const subject = wants('2');
    const { state } = cluster.decide(subject);
    const info = cluster.handle.cache.node('n');
    if (info === undefined) throw new Error('no node');
    const run = { profile: cluster.profile, state, nominated: cluster.handle.nominated, budgets: [] };
    expect(victimsOn(subject, info, run)).toMatchObject({ reasons: ['Insufficient cpu'] });
  });
});

test('S4: budgets are used up in turn; granted evictions do not count again', () => {
  const pods = ['a', 'b', 'c'].map((name) => running(name, 0, '1', 0, { app: 'x' }));
  const split = (given: PodDisruptionBudget) => {
    const { violating, others } = splitByBudgets(pods, [given]);
    return [names(violating), names(others)];
  };
  expect(split(budget(1, 'x'))).toEqual([['b', 'c'], ['a']]);
  expect(split(budget(1, 'x', { disruptedPods: { a: '2026-01-01T00:00:00Z' } }))).toEqual([
    ['c'],
    ['a', 'b'],
  ]);
  expect(split({ ...budget(0, 'x'), spec: { selector: {} } })).toEqual([[], ['a', 'b', 'c']]);
  expect(split({ ...budget(0, 'x'), metadata: { namespace: 'other', name: 'b' } })).toEqual([
    [],
    ['a', 'b', 'c'],
  ]);
});

describe('S4: where room is made', () => {
  const at = (node: string, victims: Pod[], violations = 0): Candidate => ({ node, victims, violations });
  test.each<[string, Candidate[], string | undefined]>([
    ['nowhere', [], undefined],
    ['fewest broken budgets', [at('a', [running('x', 1)], 1), at('b', [running('y', 9)])], 'b'],
    [
      'least important victim',
      [at('a', [running('x', 5)]), at('b', [running('y', 4), running('z', 4)])],
      'b',
    ],
    [
      'smallest sum',
      [at('a', [running('x', 5), running('x2', 3)]), at('b', [running('y', 5), running('z', 2)])],
      'b',
    ],
    [
      'fewest victims',
      [at('a', [running('x', 5), running('x2', -(2 ** 31))]), at('b', [running('y', 5)])],
      'b',
    ],
    ['the latest started', [at('a', [running('x', 5, '1', 1)]), at('b', [running('y', 5, '1', 2)])], 'b'],
    ['the first', [at('a', [running('x', 5)]), at('b', [running('y', 5)])], 'a'],
  ])('%s', (_name, candidates, want) => {
    expect(chooseCandidate(candidates)?.node).toBe(want);
  });
});

// Nobody reads the answer.
function patchAnswer<T>(): Promise<T> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return Promise.resolve({} as T);
}

describe('S4: the plugin', () => {
  const setup = (
    fails?: Error,
    placed: readonly (readonly [Pod, string])[] = [[running('low', 0, '4'), 'n']],
  ) => {
    const calls: unknown[] = [];
    const told: string[] = [];
    const client = fakeClient({
      patch: (_r, key, body) => {
        calls.push(['patch', key.name, body]);
        return patchAnswer();
      },
      delete: (_r, key, opts) => {
        calls.push(['delete', key.name, opts?.preconditions !== undefined]);
        return fails === undefined ? Promise.resolve() : Promise.reject(fails);
      },
    });
    const recorder = {
      event: (_regarding: unknown, type: string, reason: string, message: string) =>
        void told.push(`${type} ${reason} ${message}`),
      flush: () => Promise.resolve(),
    };
    const handle = {
      client,
      recorder,
      activate: (p: Pod) => void told.push(`activate ${p.metadata.name}`),
      releaseGated: (p: Pod) => void told.push(`release ${p.metadata.name}`),
    };
    const cluster = testCluster({
      nodes: [node('n'), node('cordoned', { spec: { unschedulable: true } })],
      placed,
      handle,
    });
    const plugin = cluster.profile.postFilter.find((p) => p.name === 'DefaultPreemption');
    if (plugin === undefined) throw new Error('no DefaultPreemption');
    const run = async (subject: Pod, refusals?: ReadonlyMap<string, Refusal>) => {
      const { state, diagnosis } = cluster.decide(subject);
      return await plugin.postFilter(state, subject, refusals ?? diagnosis.refusals, {
        profile: cluster.profile,
        signal: new AbortController().signal,
        extenders: (_pod, candidates) => Promise.resolve(candidates),
      });
    };
    const preEnqueue = (p: Pod) =>
      cluster.profile.preEnqueue.find((x) => x.name === 'DefaultPreemption')?.preEnqueue(p)?.code;
    return { cluster, calls, told, run, preEnqueue };
  };
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

  test('nominates the node, then says why, deletes and reports; the pod is kept back meanwhile', async () => {
    const { calls, told, run, preEnqueue } = setup();
    const subject = wants('2');
    expect(await run(subject)).toEqual({ nominatedNodeName: 'n' });
    expect(preEnqueue(subject)).toBe('UnschedulableAndUnresolvable');
    await settle();
    expect(calls).toMatchObject([
      [
        'patch',
        'low',
        {
          status: {
            conditions: [
              {
                type: 'DisruptionTarget',
                status: 'True',
                reason: 'PreemptionByScheduler',
                message: 'default-scheduler: preempting to accommodate a higher priority pod',
              },
            ],
          },
        },
      ],
      ['delete', 'low', true],
    ]);
    expect(told).toEqual([
      `Normal Preempted Preempted by pod ${subject.metadata.uid} on node n`,
      'release preemptor',
    ]);
    expect(preEnqueue(subject)).toBeUndefined();
  });

  test('a victim that is gone already is no failure; one that cannot be deleted lets the pod try again', async () => {
    const gone = setup(new ApiError('gone', { status: 404, reason: 'NotFound' }));
    await gone.run(wants('2'));
    await settle();
    expect(gone.told).toEqual(['release preemptor']);
    const refused = setup(new ApiError('no', { status: 403, reason: 'Forbidden' }));
    await refused.run(wants('2'));
    await settle();
    expect(refused.told).toEqual(['activate preemptor']);
  });

  test.each<[string, Pod, string]>([
    [
      'preemptionPolicy',
      wants('2', { preemptionPolicy: 'Never' }),
      'preemption: not eligible due to preemptionPolicy=Never.',
    ],
    [
      'nobody of lower priority',
      wants('2', { priority: 0 }),
      'preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.',
    ],
    [
      'larger than any node',
      wants('40'),
      'preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
    ],
  ])('says why there is no room to be made: %s', async (_name, subject, want) => {
    const { run, calls } = setup();
    const result = await run(subject);
    expect(result.status?.reasons).toEqual([want]);
    expect(calls).toEqual([]);
  });

  describe('nodes that an extender refused though there is room', () => {
    const refused: Refusal = { plugin: 'http://x/', reasons: ['no licence'], resolvable: true };
    const placed = [
      [running('small', 0, '1'), 'n'],
      [running('large', 0, '4'), 'cordoned'],
    ] as const;

    test('are none where others make room', async () => {
      const { run, cluster } = setup(undefined, placed);
      cluster.handle.cache.setNode(node('cordoned'));
      const refusals = new Map([
        ['n', refused],
        ['cordoned', { plugin: 'NodeResourcesFit', reasons: ['Insufficient cpu'], resolvable: true }],
      ]);
      expect(await run(wants('2'), refusals)).toEqual({ nominatedNodeName: 'cordoned' });
    });

    test('end the attempt with an error where they are all there is, as in stock', async () => {
      const { run, calls } = setup(undefined, placed);
      const { status, nominatedNodeName } = await run(wants('2'), new Map([['n', refused]]));
      expect(nominatedNodeName).toBeUndefined();
      expect(status).toMatchObject({
        code: 'Error',
        reasons: ['preemption: expected at least one victim pod on node "n"'],
      });
      expect(calls).toEqual([]);
    });

    test('without anybody of lower priority have no victims', async () => {
      const { run } = setup(undefined, [[running('high', 100, '1'), 'n']]);
      const { status } = await run(wants('2'), new Map([['n', refused]]));
      expect(status?.reasons).toEqual([
        'preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.',
      ]);
    });
  });

  test('waits for the victims of the last time', async () => {
    const leaving: Pod = {
      ...running('low', 0, '4'),
      status: { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }] },
    };
    const { run } = setup(undefined, [
      [{ ...leaving, metadata: { ...leaving.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }, 'n'],
    ]);
    const subject: Pod = { ...wants('2'), status: { nominatedNodeName: 'n' } };
    expect((await run(subject)).status?.reasons).toEqual([
      'preemption: not eligible due to a terminating pod on the nominated node.',
    ]);
  });
});

describe('S4: room that was made', () => {
  const cluster = () => testCluster({ nodes: [node('a'), node('b')] });

  test('is left to the pod it was made for, by pods of no higher priority', () => {
    const { handle, ...tried } = cluster();
    handle.nominated.set(pod('waiting', { requests: { cpu: '4' }, spec: { priority: 10 } }), 'a');
    const fits = (priority: number) =>
      tried.feasible(pod('p', { requests: { cpu: '1' }, spec: { priority } }));
    expect(fits(0)).toEqual(['b']);
    expect(fits(10)).toEqual(['b']);
    expect(fits(11)).toEqual(['a', 'b']);
  });

  test('is where the pod goes, without a look at others', () => {
    const tried = cluster();
    for (const random of [0, 0.99])
      expect(tried.decide({ ...pod('p'), status: { nominatedNodeName: 'b' } }, random)).toMatchObject({
        node: 'b',
      });
  });
});
