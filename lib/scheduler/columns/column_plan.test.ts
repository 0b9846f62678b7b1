import type { Plugin } from '../framework/plugin.ts';
import {
  ColumnWorld,
  CrowdPlugin,
  door,
  plainScore,
  profileOf,
  scaledScore,
} from '../testing/column_world.ts';
import { columnPlan } from './column_plan.ts';

const { cache } = new ColumnWorld();
const crowd = new CrowdPlugin(cache);
const unsigned: Plugin & { filter(): undefined } = { name: 'Unsigned', filter: () => undefined };
const names = (plugins: readonly Plugin[] | undefined): readonly string[] =>
  (plugins ?? []).map((p) => p.name);

test('S5: each plugin is asked where it belongs, and signs once', () => {
  const plan = columnPlan(profileOf(door, crowd, plainScore, { plugin: scaledScore(Math.floor), weight: 3 }));
  expect(names(plan?.signers)).toEqual(['Crowd', 'Door', 'Plain', 'Scaled']);
  expect(names(plan?.filters)).toEqual(['Door']);
  expect(names(plan?.columnFilters)).toEqual(['Crowd']);
  expect([names(plan?.preFilters), names(plan?.preScores)]).toEqual([[], []]);
  expect(plan?.scores.map(({ plugin, weight, source }) => [plugin.name, weight, source?.name])).toEqual([
    ['Crowd', 1, 'Crowd'],
    ['Plain', 1, undefined],
    ['Scaled', 3, undefined],
  ]);
});

test.each<[string, readonly Plugin[]]>([
  ['a plugin does not sign', [door, unsigned]],
  ['a score does not sign', [door, { name: 'S', score: () => 0 } as Plugin]],
  ['a plugin of one node comes after one of all', [crowd, door]],
  [
    'scores are brought into line by a look at all of them',
    [{ name: 'S', score: () => 0, signPod: () => '', normalizeScore: () => undefined } as Plugin],
  ],
  [
    'a plugin of all nodes filters without PreFilter',
    [{ name: 'F', filter: () => undefined, signPod: () => '', columns: () => ({}) } as Plugin],
  ],
])('S5: no columns where %s', (_what, plugins) => {
  expect(columnPlan(profileOf(...plugins))).toBeUndefined();
});
