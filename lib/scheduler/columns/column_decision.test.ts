import type { Decision } from '../diagnosis.ts';
import type { SignPlugin } from '../framework/plugin.ts';
import { ColumnWorld, CrowdPlugin, door, plainScore, profileOf } from '../testing/column_world.ts';
import { pod } from '../testing/objects.ts';
import { decisionFrom } from './column_decision.ts';
import { PodColumns } from './pod_columns.ts';

const KEEP = { refusals: 1, scores: 2 };

class Decided {
  readonly world = new ColumnWorld();
  readonly #columns: PodColumns;

  constructor(scores: Readonly<Record<string, number | 'closed'>>, plugins?: readonly SignPlugin[]) {
    for (const [name, score] of Object.entries(scores))
      this.world.setNode(name, score === 'closed' ? { door: score } : { score });
    const { cache, nominated } = this.world;
    const plan = this.world.plan(profileOf(door, plainScore, ...(plugins ?? [])));
    this.#columns = new PodColumns(pod('p'), 'signed', { plan, cache, nominated });
  }

  decide(random = 0): Decision {
    this.#columns.update();
    return decisionFrom(this.#columns, this.world.cache, () => random);
  }
}

const nodeOf = (decision: Decision): string | undefined =>
  decision.kind === 'node' ? decision.node : undefined;
const shown = ({ diagnosis }: Decision) => diagnosis.scores.map((s) => [s.node, s.total, s.byPlugin]);

test.each([
  [0, 'b'],
  [0.49, 'b'],
  [0.5, 'd'],
  [0.999, 'd'],
])('S5: chance %d chooses %s of two equally good nodes', (random, node) => {
  const decision = new Decided({ a: 1, b: 5, c: 2, d: 5 }).decide(random);
  expect(nodeOf(decision)).toBe(node);
  expect(decision.diagnosis.ties).toBe(2);
});

test('S5: one node that passes is taken without a score', () => {
  const decision = new Decided({ a: 'closed', b: 0 }).decide();
  expect(nodeOf(decision)).toBe('b');
  expect(decision.diagnosis.scores).toEqual([]);
  expect([...decision.diagnosis.refusals.keys()]).toEqual(['a']);
});

test('S5: no node: says why, and under which signature the same is said of others', () => {
  const { kind, diagnosis } = new Decided({ a: 'closed', b: 'closed' }).decide();
  expect([kind, diagnosis.nodes, diagnosis.refusals.size]).toEqual(['unschedulable', 2, 2]);
  expect(diagnosis.columns?.signature).toBe('signed');
});

test('S5: what follows from other nodes too is not said of others of the signature', () => {
  const world = new ColumnWorld();
  const { diagnosis } = new Decided({ a: 'closed' }, [new CrowdPlugin(world.cache)]).decide();
  expect(diagnosis.columns).toBeUndefined();
});

describe('S5: scores', () => {
  test('are those of all nodes, best first, until something changes', () => {
    const decided = new Decided({ a: 1, b: 5, c: 3 });
    const decision = decided.decide();
    expect(shown(decision)).toEqual([
      ['b', 5, { Plain: 5 }],
      ['c', 3, { Plain: 3 }],
      ['a', 1, { Plain: 1 }],
    ]);
    decided.world.setNode('a', { score: 9 });
    expect(nodeOf(decided.decide())).toBe('a');
    expect(shown(decision)).toEqual([]); // nobody said that they are wanted later
  });

  test('that are to be kept stay those of the decision, the chosen node first', () => {
    const decided = new Decided({ a: 1, b: 5, c: 3, d: 5 });
    const decision = decided.decide(0.9);
    decision.diagnosis.keep?.(KEEP);
    decided.world.setNode('d', { score: 0 });
    decided.decide();
    expect(nodeOf(decision)).toBe('d');
    expect(shown(decision)).toEqual([
      ['d', 5, { Plain: 5 }],
      ['b', 5, { Plain: 5 }],
    ]);
  });

  test('of the chosen node are kept, be it that many are as good', () => {
    const decided = new Decided({ a: 5, b: 5, c: 5, d: 5 });
    const decision = decided.decide(0.99);
    decision.diagnosis.keep?.(KEEP);
    decided.world.setNode('a', { score: 0 });
    decided.decide();
    expect(shown(decision).map(([node]) => node)).toEqual(['d', 'a']);
  });

  test('asked for too late are not there', () => {
    const decided = new Decided({ a: 1, b: 5 });
    const decision = decided.decide();
    decided.world.setNode('a', { score: 9 });
    decided.decide();
    decision.diagnosis.keep?.(KEEP);
    expect(shown(decision)).toEqual([]);
  });
});

test('S5: of refusals as many are kept as were asked for', () => {
  const decided = new Decided({ a: 'closed', b: 'closed', c: 1, d: 1 });
  const { diagnosis } = decided.decide();
  diagnosis.keep?.(KEEP);
  decided.world.setNode('a');
  decided.decide();
  expect([diagnosis.refusals.size, [...diagnosis.refusals.keys()]]).toEqual([2, ['a']]);
});
