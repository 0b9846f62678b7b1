import type { Pod } from '../../api/types.ts';
import type { Plugin } from '../framework/plugin.ts';
import { ColumnWorld, door, plainScore, profileOf } from '../testing/column_world.ts';
import { pod } from '../testing/objects.ts';
import { SignatureTable } from './signature_table.ts';

function tableOf(nodes: number, ...more: readonly Plugin[]): { world: ColumnWorld; table: SignatureTable } {
  const world = new ColumnWorld();
  for (let i = 0; i < nodes; i++) world.setNode(`n${i}`);
  const table = new SignatureTable(profileOf(door, plainScore, ...more), world.cache, world.nominated);
  return { world, table };
}
const labeled = (app: string): Pod => pod(`pod-${app}`, { metadata: { labels: { app } } });

test('S5: pods of one signature share their columns; others have their own', () => {
  const { table } = tableOf(2);
  const first = table.columnsFor(labeled('a'));
  expect(table.columnsFor(labeled('a'))).toBe(first);
  expect(table.columnsFor(labeled('b'))).not.toBe(first);
  expect(table.size).toBe(2);
});

test('S5: columns are made anew when the shape of the cluster changes; what was read off the old ones stays', () => {
  const { world, table } = tableOf(1);
  world.setNode('n0', { door: 'closed' });
  const before = table.decide(labeled('a'), () => 0);
  world.setNode('n1');
  const after = table.decide(labeled('a'), () => 0);
  expect([before?.kind, after?.kind, table.size]).toEqual(['unschedulable', 'node', 1]);
  world.setNode('n0', { door: 'walled' });
  table.decide(labeled('a'), () => 0);
  expect(before?.diagnosis.refusals.get('n0')?.reasons).toEqual(['door closed']);
});

test('S5: the least used signature is forgotten where there are too many', () => {
  const { table } = tableOf(1);
  const first = table.columnsFor(labeled('0'));
  const second = table.columnsFor(labeled('1'));
  for (let i = 2; i < 256; i++) table.columnsFor(labeled(String(i)));
  expect(table.columnsFor(labeled('0'))).toBe(first); // used again: now the second is the least used
  table.columnsFor(labeled('one more'));
  expect(table.size).toBe(256);
  expect(table.columnsFor(labeled('0'))).toBe(first);
  expect(table.columnsFor(labeled('1'))).not.toBe(second);
});

describe('S5: a pod is tried on every node instead', () => {
  test('where room was made for it', () => {
    const { world, table } = tableOf(2);
    const waiting = labeled('a');
    world.nominated.set(waiting, 'n0');
    expect(table.decide(waiting, () => 0)).toBeUndefined();
    expect(table.decide({ ...labeled('a'), status: { nominatedNodeName: 'n0' } }, () => 0)).toBeUndefined();
    expect(table.decide(labeled('a'), () => 0)).toBeDefined();
  });

  test('where there are no nodes', () => {
    expect(tableOf(0).table.decide(labeled('a'), () => 0)).toBeUndefined();
  });

  test('where a plugin of the profile does not sign', () => {
    const unsigned: Plugin & { filter(): undefined } = { name: 'Unsigned', filter: () => undefined };
    expect(tableOf(2, unsigned).table.decide(labeled('a'), () => 0)).toBeUndefined();
  });

  test.each([
    ['signs', 'signPod'],
    ['filters', 'filter'],
    ['scores', 'score'],
  ])('where a plugin throws when it %s, and from columns again when it does not', (_what, point) => {
    let isBroken = true;
    const fragile = {
      name: 'Fragile',
      signPod: () => '',
      filter: () => undefined,
      score: () => 0,
      [point]: () => {
        if (isBroken) throw new TypeError('broken');
        return point === 'signPod' ? '' : point === 'score' ? 0 : undefined;
      },
    };
    const { table } = tableOf(2, fragile);
    expect(table.decide(labeled('a'), () => 0)).toBeUndefined();
    isBroken = false;
    expect(table.decide(labeled('a'), () => 0)?.kind).toBe('node');
  });
});
