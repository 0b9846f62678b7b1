import { parseRecorded } from './recorded.ts';
import type { Outcome } from './outcome.ts';
import { parseSlice, sliceFailures, strangers } from './slice.ts';

test('a slice is a list of names with comments', () => {
  expect(parseSlice('# why\n[sig-a] x\n\n  [sig-b] y #1  \n')).toEqual(['[sig-a] x', '[sig-b] y #1']);
});

test('names that the suite does not have', () => {
  expect(strangers(['a', 'b'], new Set(['b', 'c']))).toEqual(['a']);
});

test.each<[string, Outcome, boolean]>([
  ['passed', 'failed', true],
  ['passed', 'not run', true],
  ['passed', 'flaky', false],
  ['passed', 'passed', false],
  ['passed', 'skipped', false],
  ['flaky', 'failed', false],
  ['failed', 'failed', false],
])('recorded as %s, now %s: fails the slice: %s', (before, now, fails) => {
  const results = [{ name: 'a', outcome: now, seconds: 1, failure: '' }];
  expect(sliceFailures(parseRecorded(`${before}\ta\n`), results)).toHaveLength(fails ? 1 : 0);
});

test('a spec that the table does not know never fails the slice', () => {
  expect(sliceFailures(new Map(), [{ name: 'a', outcome: 'failed', seconds: 1, failure: '' }])).toEqual([]);
});
