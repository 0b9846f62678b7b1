import type { CaseState, TestCase } from './junit.ts';
import { classify, countBySig, failedIn, total, type Outcome } from './outcome.ts';

const one = (name: string, state: CaseState, seconds = 1): TestCase => ({
  name,
  state,
  seconds,
  failure: state === 'failed' ? `why ${seconds}` : '',
  output: '',
});

test.each<[CaseState | undefined, CaseState | undefined, Outcome]>([
  ['passed', undefined, 'passed'],
  ['skipped', undefined, 'skipped'],
  ['failed', 'passed', 'flaky'],
  ['failed', 'failed', 'failed'],
  ['failed', undefined, 'failed'],
  ['failed', 'skipped', 'failed'],
  ['failed', 'interrupted', 'failed'],
  ['interrupted', undefined, 'not run'],
  [undefined, undefined, 'not run'],
])('%s, then alone %s: %s', (first, second, outcome) => {
  const cases = (state: CaseState | undefined): TestCase[] => (state === undefined ? [] : [one('a', state)]);
  expect(classify(['a'], cases(first), cases(second))).toMatchObject([{ name: 'a', outcome }]);
});

test('the first failure is kept, the seconds are those of the run that decided', () => {
  const [result] = classify(['a'], [one('a', 'failed', 30)], [one('a', 'passed', 2)]);
  expect(result).toEqual({ name: 'a', outcome: 'flaky', seconds: 2, failure: 'why 30' });
});

test('specs that were not asked for are left out', () => {
  expect(classify(['a'], [one('b', 'failed')], [])).toMatchObject([{ name: 'a', outcome: 'not run' }]);
});

test('a name that was reported twice is as bad as its worst', () => {
  const cases = [one('a', 'passed'), one('a', 'failed'), one('a', 'skipped')];
  expect(failedIn(['a', 'b'], cases)).toEqual(['a']);
});

test('counts by SIG, in order, with their sum', () => {
  const counts = countBySig([
    { name: '[sig-node] a', outcome: 'passed' },
    { name: '[sig-apps] a', outcome: 'flaky' },
    { name: '[sig-node] b', outcome: 'failed' },
    { name: '[sig-node] c', outcome: 'not run' },
  ]);
  expect([...counts]).toEqual([
    ['sig-apps', { passed: 0, flaky: 1, failed: 0, skipped: 0, 'not run': 0 }],
    ['sig-node', { passed: 1, flaky: 0, failed: 1, skipped: 0, 'not run': 1 }],
  ]);
  expect(total(counts)).toEqual({ passed: 1, flaky: 1, failed: 1, skipped: 0, 'not run': 1 });
});
