/** What is kept per node equals what is computed anew, whatever happened to nodes and pods in between. */
import type { NodeScore } from '../diagnosis.ts';
import { availableMessage } from '../diagnosis.ts';
import type { EnabledPlugin, Plugin, Profile } from '../framework/plugin.ts';
import { errorStatus, unschedulable } from '../framework/status.ts';
import { seededRandom } from '../simulator/random.ts';
import {
  ColumnWorld,
  CrowdPlugin,
  door,
  plainScore,
  profileOf,
  scaledScore,
} from '../testing/column_world.ts';
import { pod } from '../testing/objects.ts';
import { NotColumnarError, PodColumns } from './pod_columns.ts';

const wanted = pod('wanted');
const byNode = (scores: readonly NodeScore[]) => new Map(scores.map((s) => [s.node, s]));

function columnsOf(world: ColumnWorld, profile: Profile): PodColumns {
  const { cache, nominated } = world;
  return new PodColumns(wanted, '', { plan: world.plan(profile), cache, nominated });
}

type Plugins = (world: ColumnWorld) => readonly (Plugin | EnabledPlugin)[];
const whole = scaledScore(Math.floor);
const uneven = scaledScore((x) => x);
const PROFILES: readonly (readonly [string, Plugins])[] = [
  ['filters of one node', () => [door]],
  ['whole scores', () => [door, plainScore, { plugin: whole, weight: 3 }]],
  ['uneven scores', () => [door, plainScore, { plugin: uneven, weight: 3 }]],
  ['filters and scores of all nodes', ({ cache }) => [door, whole, new CrowdPlugin(cache)]],
  [
    'uneven scores beside those of all nodes',
    ({ cache }) => [door, uneven, new CrowdPlugin(cache), plainScore],
  ],
];

test.each(
  PROFILES.flatMap(([what, of]) => Array.from({ length: 6 }, (_, seed) => [what, seed, of] as const)),
)('%s (seed %d)', (_what, seed, pluginsOf) => {
  const world = new ColumnWorld(seededRandom(seed + 1));
  const profile = profileOf(...pluginsOf(world));
  let columns: PodColumns | undefined;
  for (let step = 0; step < 60; step++) {
    for (let n = world.below(4); n >= 0; n--) world.change(step < 20 ? 3 : 80);
    if (world.cache.nodes().length === 0) continue;
    if (columns?.isCurrent !== true) columns = columnsOf(world, profile);
    columns.update();
    const { diagnosis } = world.lookAtAll(wanted, profile);
    const { refusals, scores } = diagnosis;
    const best = scores.filter((s) => s.total === scores[0]?.total);
    const isChoice = scores.length > 0; // with one node there is nothing to choose
    const counted = Array.from(refusals.values(), (refusal) => ({ refusal, nodes: 1 }));
    expect({
      feasible: columns.feasible,
      hasFirst: columns.firstFeasible() >= 0,
      refusals: new Map(columns.refusals()),
      message: availableMessage(diagnosis.nodes, columns.refusals().groups()),
      scores: isChoice ? byNode(columns.totals.all()) : new Map(),
      best: isChoice ? [columns.best.highest, columns.best.ties] : [],
    }).toEqual({
      feasible: diagnosis.nodes - refusals.size,
      hasFirst: diagnosis.nodes > refusals.size,
      refusals,
      message: availableMessage(diagnosis.nodes, counted),
      scores: byNode(scores),
      best: isChoice ? [scores[0]?.total, best.length] : [],
    });
  }
});

test('S5: a new highest score brings down those of nodes far away', () => {
  const world = new ColumnWorld();
  for (let i = 0; i < 300; i++) world.setNode(`n${i}`, { scale: i });
  const columns = columnsOf(world, profileOf(door, whole));
  columns.update();
  expect([columns.best.highest, columns.best.tie(0)]).toEqual([100, 299]);
  world.setNode('n299', { scale: 0 });
  world.setNode('n0', { scale: 596 });
  columns.update();
  expect(columns.best.top(2).map((row) => columns.totals.at(row).total)).toEqual([100, 50]);
});

test('S5: a look at unchanged columns changes nothing', () => {
  const world = new ColumnWorld();
  world.setNode('a');
  const columns = columnsOf(world, profileOf(door, plainScore));
  columns.update();
  const { version } = columns;
  columns.update();
  expect(columns.version).toBe(version);
  world.setNode('a', { door: 'closed' });
  columns.update();
  expect([columns.version > version, columns.feasible]).toEqual([true, 0]);
});

test('S5: who has fallen behind further than the journal reaches looks at all nodes', () => {
  const world = new ColumnWorld();
  world.setNode('a');
  world.setNode('b');
  const columns = columnsOf(world, profileOf(door));
  columns.update();
  world.setNode('a', { door: 'closed' });
  for (let i = 0; i < 40_000; i++) world.cache.touch('b');
  columns.update();
  expect([...columns.refusals().keys()]).toEqual(['a']);
});

test('S5: room is left for pods that wait for a node, as soon as they do', () => {
  const world = new ColumnWorld();
  world.setNode('a');
  const narrow = {
    name: 'Narrow',
    signPod: () => '',
    filter: (_s: unknown, _p: unknown, { podCount }: { podCount: number }) =>
      podCount > 0 ? unschedulable('full') : undefined,
  };
  const columns = columnsOf(world, profileOf(narrow));
  columns.update();
  expect(columns.feasible).toBe(1);
  const other = pod('other');
  world.nominated.set(other, 'a');
  columns.update();
  expect(columns.feasible).toBe(0);
  world.nominated.remove(other);
  columns.update();
  expect(columns.feasible).toBe(1);
});

test('S5: end where a node comes, goes or changes its labels', () => {
  const world = new ColumnWorld();
  world.setNode('a');
  const columns = columnsOf(world, profileOf(door));
  world.setNode('a', { score: 3 });
  expect(columns.isCurrent).toBe(true);
  world.setNode('b');
  expect(columns.isCurrent).toBe(false);
});

const signed = { signPod: () => '' };
test.each<[string, Plugin]>([
  ['PreFilter refuses the pod', { name: 'P', ...signed, preFilter: () => unschedulable('no') } as Plugin],
  ['PreFilter fails', { name: 'P', ...signed, preFilter: () => errorStatus('broken') } as Plugin],
  [
    'PreFilter names the nodes',
    { name: 'P', ...signed, preFilter: () => ({ nodeNames: new Set(['a']) }) } as Plugin,
  ],
  ['PreScore fails', { name: 'P', ...signed, preScore: () => errorStatus('broken') } as Plugin],
  ['Filter fails', { name: 'P', ...signed, filter: () => errorStatus('broken') } as Plugin],
])('S5: are of no use where %s', (_what, plugin) => {
  const world = new ColumnWorld();
  world.setNode('a');
  expect(() => columnsOf(world, profileOf(plugin)).update()).toThrow(NotColumnarError);
});
