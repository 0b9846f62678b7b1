import { FeatureGates } from '../component/feature_gates.ts';
import { gatesWithoutEffect } from './feature_gates.ts';

test.each([
  ['none set', {}, []],
  ['a gate that is acted on', { StorageCapacityScoring: true }, []],
  [
    'what is not built',
    { GenericWorkload: true },
    ['GenericWorkload true: what it turns on is not built here'],
  ],
  [
    'what cannot be turned off',
    { SchedulerAsyncPreemption: false },
    ['SchedulerAsyncPreemption false: this scheduler always does what it turns on'],
  ],
  ['what is off by default', { SchedulerAsyncAPICalls: false }, []],
])('S7: feature gates that were set in vain are told: %s', (_, given, want) => {
  const gates = new FeatureGates();
  gates.set(Object.entries(given));
  expect(gatesWithoutEffect(gates).map(({ gate, value, why }) => `${gate} ${value}: ${why}`)).toEqual(want);
});

test('S7: all alpha gates at once, with what each of them needs', () => {
  const gates = new FeatureGates();
  gates.set([
    ['AllAlpha', true],
    ['AllBeta', true],
  ]);
  expect(gatesWithoutEffect(gates).map(({ gate }) => gate)).toContain('GangScheduling');
});
