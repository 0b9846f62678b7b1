import type { Rejection } from '../framework/status.ts';
import { ColumnWorld } from '../testing/column_world.ts';
import { VerdictColumn } from './verdict_column.ts';
import { NO_NODE, PASSED } from './verdicts.ts';

const because = (reason: string): Rejection => ({ code: 'Unschedulable', reasons: [reason] });
const refusal = (reason: string) => ({ plugin: 'P', reasons: [reason], resolvable: true });

function columnOf(nodes: number): { column: VerdictColumn; number: (reason: string) => number } {
  const world = new ColumnWorld();
  for (let i = 0; i < nodes; i++) world.setNode(`n${i}`);
  const column = new VerdictColumn(world.cache);
  return { column, number: (reason) => column.numberOf(because(reason), 'P') };
}

test('S5: counts the nodes that passed, and notes those that came to pass or pass no more', () => {
  const { column, number } = columnOf(4);
  expect(column.count).toBe(0);
  column.begin();
  for (const row of [0, 1, 2]) column.set(row, PASSED);
  column.set(3, number('full'));
  expect([column.count, column.flips.size]).toEqual([3, 3]);
  column.begin();
  column.set(0, PASSED);
  column.set(1, number('full'));
  column.set(2, NO_NODE);
  column.set(3, number('tainted')); // refused before and after
  expect(column.count).toBe(1);
  expect([0, 1, 2, 3].filter((row) => column.flips.has(row))).toEqual([1, 2]);
});

test('S5: has room for more reasons than at first', () => {
  const { column, number } = columnOf(40);
  for (let row = 0; row < 40; row++) column.set(row, number(`reason ${row}`));
  expect(column.snapshot().size).toBe(40);
  expect(column.snapshot().groups()).toHaveLength(40);
  expect(column.snapshot().get('n39')).toEqual(refusal('reason 39'));
});

describe('S5: a view', () => {
  test('is the same object until something changes, and stays as it was', () => {
    const { column, number } = columnOf(3);
    column.set(0, number('full'));
    column.set(1, PASSED);
    column.set(2, number('tainted'));
    const before = column.snapshot();
    column.set(1, PASSED);
    expect(column.snapshot()).toBe(before);
    column.set(0, PASSED);
    column.set(2, number('full'));
    expect(column.snapshot()).not.toBe(before);
    expect([...before]).toEqual([
      ['n0', refusal('full')],
      ['n2', refusal('tainted')],
    ]);
    expect([...column.snapshot()]).toEqual([['n2', refusal('full')]]);
    expect([before.get('n0'), before.get('n1'), before.get('elsewhere')]).toEqual([
      refusal('full'),
      undefined,
      undefined,
    ]);
  });

  test('keeps the first few where these are enough; its counts hold for all', () => {
    const { column, number } = columnOf(9);
    for (let row = 0; row < 9; row++) column.set(row, row === 1 ? PASSED : number('full'));
    const view = column.snapshot();
    view.keep(2);
    expect([...view.keys()]).toHaveLength(8); // nothing has changed yet
    column.set(0, PASSED);
    expect([...view.keys()]).toEqual(['n0', 'n2']);
    expect(view.size).toBe(8);
    expect(view.groups()).toEqual([{ refusal: refusal('full'), nodes: 8 }]);
    expect(view.has('n5')).toBe(false);
  });

  test('survives the end of its column', () => {
    const { column, number } = columnOf(2);
    column.set(0, number('full'));
    const view = column.snapshot();
    column.retire();
    expect(Object.fromEntries(view)).toEqual({ n0: refusal('full') });
  });
});
