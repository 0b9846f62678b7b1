import type { Pod } from '../../api/types.ts';
import { groupPods, shutdownGroups, shutdownProblem, type ShutdownSettings } from './groups.ts';

function settings(over: Partial<ShutdownSettings>): ShutdownSettings {
  return {
    shutdownGracePeriod: 0,
    shutdownGracePeriodCriticalPods: 0,
    shutdownGracePeriodByPodPriority: [],
    ...over,
  };
}

test.each<[string, Partial<ShutdownSettings>, [number, number][]]>([
  ['not configured', {}, []],
  [
    'two periods',
    { shutdownGracePeriod: 30_000, shutdownGracePeriodCriticalPods: 10_000 },
    [
      [0, 20],
      [2_000_000_000, 10],
    ],
  ],
  [
    'by priority, in any order',
    {
      shutdownGracePeriodByPodPriority: [
        { priority: 100, shutdownGracePeriodSeconds: 5 },
        { priority: -5, shutdownGracePeriodSeconds: 60 },
      ],
    },
    [
      [-5, 60],
      [100, 5],
    ],
  ],
])('K23: groups: %s', (_what, over, expected) => {
  expect(shutdownGroups(settings(over)).map(({ priority, seconds }) => [priority, seconds])).toEqual(
    expected,
  );
});

test.each<[Partial<ShutdownSettings>, string | undefined]>([
  [{ shutdownGracePeriod: 30_000, shutdownGracePeriodCriticalPods: 30_000 }, undefined],
  [
    { shutdownGracePeriod: 10_000, shutdownGracePeriodCriticalPods: 30_000 },
    'shutdownGracePeriodCriticalPods',
  ],
  [{ shutdownGracePeriod: 10 }, 'shutdownGracePeriod'],
  [
    {
      shutdownGracePeriod: 10_000,
      shutdownGracePeriodByPodPriority: [{ priority: 1, shutdownGracePeriodSeconds: 1 }],
    },
    'shutdownGracePeriodByPodPriority',
  ],
])('K23: %j is wrong in %s', (over, field) => {
  expect(shutdownProblem(settings(over))?.field).toBe(field);
});

test('K23: a pod belongs to the highest group that its priority reaches, at least to the lowest', () => {
  const pod = (name: string, priority?: number): Pod => ({
    metadata: { name },
    spec: { containers: [], ...(priority === undefined ? {} : { priority }) },
  });
  const groups = [
    { priority: 10, seconds: 1 },
    { priority: 100, seconds: 1 },
  ];
  const pods = [
    pod('below', -1),
    pod('none'),
    pod('low', 10),
    pod('between', 99),
    pod('high', 100),
    pod('top', 5000),
  ];
  expect(groupPods(pods, groups).map((g) => g.pods.map(({ metadata }) => metadata.name))).toEqual([
    ['below', 'none', 'low', 'between'],
    ['high', 'top'],
  ]);
});
