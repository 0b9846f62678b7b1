import type { PodDisruptionBudget } from '../../api/types.ts';
import { Store } from '../../client/store.ts';
import { pod } from '../testing/objects.ts';
import { Budgets } from './budgets.ts';

const web = (name: string, nodeName?: string) =>
  pod(name, {
    metadata: { labels: { app: 'web' } },
    ...(nodeName === undefined ? {} : { spec: { nodeName } }),
  });

const budget = (
  spec: PodDisruptionBudget['spec'],
  status?: PodDisruptionBudget['status'],
  name = 'b',
): PodDisruptionBudget => ({
  metadata: { namespace: 'default', name },
  spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
  ...(status === undefined ? {} : { status }),
});

/** Four pods, three of which run. */
const pods = [
  web('a', 'n'),
  web('b', 'n'),
  web('c', 'm'),
  web('d'),
  pod('other', { spec: { nodeName: 'n' } }),
];

function setup(...budgets: readonly PodDisruptionBudget[]) {
  const store = new Store<PodDisruptionBudget>();
  const subject = new Budgets(store, budgets, pods);
  return { subject, allowed: () => store.get('default/b')?.status?.disruptionsAllowed };
}

test.each<[string, PodDisruptionBudget, number]>([
  ['a number that must be there', budget({ minAvailable: 2 }), 1],
  ['a share that must be there, rounded up', budget({ minAvailable: '60%' }), 0],
  ['a number that may be away, of which one is', budget({ maxUnavailable: 2 }), 1],
  ['a share that may be away', budget({ maxUnavailable: '50%' }), 1],
  ['neither: one may be away', budget({}), 0],
  [
    'what its controller has written',
    budget(
      { minAvailable: 4 },
      { disruptionsAllowed: 3, currentHealthy: 9, desiredHealthy: 6, expectedPods: 9 },
    ),
    3,
  ],
  [
    'what its controller has written of too few',
    budget(
      { minAvailable: 4 },
      { disruptionsAllowed: 0, currentHealthy: 3, desiredHealthy: 4, expectedPods: 4 },
    ),
    0,
  ],
])('S9: disruptions allowed by %s', (_, given, want) => {
  expect(setup(given).allowed()).toBe(want);
});

test('S9: as pods end and start', () => {
  const { subject, allowed } = setup(budget({ minAvailable: 2 }));
  const [a = web('a'), b = web('b')] = pods;
  expect(subject.whyNot(a)).toBeUndefined();
  subject.ended(a);
  expect(allowed()).toBe(0);
  expect(subject.whyNot(b)).toBe('PodDisruptionBudget default/b allows no disruption');
  subject.ended(b);
  expect(allowed()).toBe(0); // never below
  subject.started(web('e', 'm'));
  expect(subject.whyNot(b)).toBeDefined(); // back at what must be there
  subject.started(web('f', 'm'));
  expect([allowed(), subject.whyNot(b)]).toEqual([1, undefined]);
});

test('S9: a pod that no budget covers may go; one that two cover may not, whatever they allow', () => {
  const [a = web('a')] = pods;
  const { subject } = setup(budget({ minAvailable: 0 }), budget({ minAvailable: 0 }, undefined, 'second'));
  expect(subject.whyNot(pod('other'))).toBeUndefined();
  expect(subject.whyNot(pod('elsewhere', { metadata: { namespace: 'team', labels: { app: 'web' } } }))).toBe(
    undefined,
  );
  expect(subject.whyNot(a)).toBe('more than one PodDisruptionBudget covers it: default/b, default/second');
});
