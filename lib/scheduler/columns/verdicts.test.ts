import type { Rejection } from '../framework/status.ts';
import { NO_NODE, PASSED, Verdicts } from './verdicts.ts';

const full: Rejection = { code: 'Unschedulable', reasons: ['Insufficient cpu'] };

test('S5: the same reason of the same plugin has one number, whichever object says it', () => {
  const verdicts = new Verdicts();
  const number = verdicts.numberOf(full, 'Fit');
  expect(verdicts.numberOf(full, 'Fit')).toBe(number);
  expect(verdicts.numberOf({ ...full, reasons: [...full.reasons] }, 'Fit')).toBe(number);
  expect(verdicts.size).toBe(1);
  expect(verdicts.refusal(number)).toEqual({
    plugin: 'Fit',
    reasons: ['Insufficient cpu'],
    resolvable: true,
  });
});

test.each<[string, Rejection, string]>([
  ['another plugin', { ...full }, 'Other'],
  ['other words', { ...full, reasons: ['Insufficient memory'] }, 'Fit'],
  ['more words', { ...full, reasons: ['Insufficient cpu', 'Insufficient cpu'] }, 'Fit'],
  ['no help in the going of pods', { ...full, code: 'UnschedulableAndUnresolvable' }, 'Fit'],
])('S5: %s: another number', (_what, status, plugin) => {
  const verdicts = new Verdicts();
  expect(verdicts.numberOf(status, plugin)).not.toBe(verdicts.numberOf(full, 'Fit'));
});

test('S5: no number of a refusal stands for a node that passed, or for none', () => {
  const verdicts = new Verdicts();
  expect(verdicts.numberOf(full, 'Fit')).toBeGreaterThan(PASSED);
  expect([verdicts.refusal(PASSED), verdicts.refusal(NO_NODE)]).toEqual([undefined, undefined]);
});

test('S5: refuses more different reasons than there are numbers', () => {
  const verdicts = new Verdicts();
  const nth = (n: number): Rejection => ({ code: 'Unschedulable', reasons: [`reason ${n}`] });
  for (let n = 1; n < NO_NODE; n++) verdicts.numberOf(nth(n), 'Fit');
  expect(() => verdicts.numberOf(nth(NO_NODE), 'Fit')).toThrow(
    new RangeError('too many different reasons: 65535'),
  );
  expect(verdicts.numberOf(nth(1), 'Fit')).toBe(1);
});
