import type { Pod } from '../../api/types.ts';
import { CycleState } from '../framework/cycle_state.ts';
import type { FilterPlugin } from '../framework/plugin.ts';
import { unschedulable } from '../framework/status.ts';
import { ColumnWorld } from '../testing/column_world.ts';
import { pod } from '../testing/objects.ts';
import { filterOneNode } from './filter_one_node.ts';

/** Lets at most two pods onto a node. */
const narrow: FilterPlugin = {
  name: 'Narrow',
  filter: (_state, _pod, info) => (info.podCount >= 2 ? unschedulable('full') : undefined),
};

function ask(
  placed: number,
  waiting: readonly Pod[],
  filters: readonly FilterPlugin[] = [narrow],
  priority = 5,
): string | undefined {
  const world = new ColumnWorld();
  world.setNode('n');
  for (let i = 0; i < placed; i++) world.cache.addPod(pod(`p${i}`, { spec: { nodeName: 'n' } }));
  for (const other of waiting) world.nominated.set(other, 'n');
  const info = world.cache.node('n');
  if (info === undefined) throw new Error('no node');
  const wanted = pod('wanted', { spec: { priority } });
  const status = filterOneNode(wanted, info, filters, new CycleState(), world.nominated);
  expect(info.podCount).toBe(placed); // waiting pods are counted on a copy
  return status === undefined ? undefined : `${status.plugin ?? ''}: ${status.code} ${status.reasons.join()}`;
}

const waiting = (priority: number): Pod => pod(`w${priority}`, { spec: { priority } });

test.each([
  ['room', ask(1, []), undefined],
  ['none', ask(2, []), 'Narrow: Unschedulable full'],
  ['room, for which a pod of the same priority waits', ask(1, [waiting(5)]), 'Narrow: Unschedulable full'],
  ['room, for which a pod of higher priority waits', ask(1, [waiting(6)]), 'Narrow: Unschedulable full'],
  ['room, for which a pod of lower priority waits', ask(1, [waiting(4)]), undefined],
  ['no filters', ask(9, [], []), undefined],
])('S5: %s', (_what, got, want) => {
  expect(got).toBe(want);
});

test('S5: passes only where it passes with and without the pods that wait', () => {
  // As required affinity to a pod that may never come.
  const company: FilterPlugin = {
    name: 'Company',
    filter: (_state, _pod, info) => (info.podCount === 0 ? unschedulable('alone') : undefined),
  };
  expect(ask(0, [waiting(9)], [company])).toBe('Company: Unschedulable alone');
});

test('S5: a plugin that throws is named', () => {
  const broken: FilterPlugin = {
    name: 'Broken',
    filter() {
      throw new TypeError('no such thing');
    },
  };
  expect(ask(0, [], [broken])).toBe('Broken: Error running Filter plugin "Broken" failed');
});
