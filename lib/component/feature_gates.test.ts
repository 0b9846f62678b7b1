import { FeatureGateError, FeatureGates, featureGatesFlag } from './feature_gates.ts';
import { FlagValueError } from './flag_types.ts';

const groups = [
  { stage: 'ALPHA', default: false, locked: false, names: ['NewThing'] },
  { stage: 'BETA', default: true, locked: false, names: ['GoodThing'] },
  { stage: 'BETA', default: false, locked: false, names: ['RiskyThing'] },
  { stage: '', default: true, locked: true, names: ['OldThing'] },
  { stage: 'DEPRECATED', default: false, locked: false, names: ['WrongThing'] },
] as const;

test.each([
  ['defaults', [], { NewThing: false, GoodThing: true, RiskyThing: false, OldThing: true }],
  [
    'by name',
    [
      ['NewThing', true],
      ['GoodThing', false],
    ],
    { NewThing: true, GoodThing: false },
  ],
  ['all alpha', [['AllAlpha', true]], { NewThing: true, RiskyThing: false }],
  ['all beta off', [['AllBeta', false]], { GoodThing: false, OldThing: true }],
  [
    'all beta on but one',
    [
      ['AllBeta', true],
      ['RiskyThing', false],
    ],
    { GoodThing: true, RiskyThing: false },
  ],
] as const)('%s', (_, set, want) => {
  const gates = new FeatureGates(groups);
  gates.set(set);
  for (const [name, value] of Object.entries(want))
    expect([name, gates.enabled(name)]).toEqual([name, value]);
});

test.each([
  ['unknown', [['Foo', true]], 'unrecognized feature gate: Foo'],
  ['misspelt', [['GoodThng', true]], 'unrecognized feature gate: GoodThng (did you mean GoodThing?)'],
  ['locked', [['OldThing', false]], 'cannot set feature gate OldThing to false, feature is locked to true'],
] as const)('%s gates are refused, and nothing is set', (_, bad, message) => {
  const gates = new FeatureGates(groups);
  expect(() => gates.set([['NewThing', true], ...bad])).toThrow(new FeatureGateError(message));
  expect(gates.enabled('NewThing')).toBe(false);
});

test('gates about to go are warned of', () => {
  expect(
    new FeatureGates(groups).set([
      ['OldThing', true],
      ['WrongThing', true],
      ['NewThing', true],
    ]),
  ).toEqual([
    'Setting GA feature gate OldThing=true. It will be removed in a future release.',
    'Setting deprecated feature gate WrongThing=true. It will be removed in a future release.',
  ]);
});

test('the list of the release holds gates of every stage', () => {
  const all = new FeatureGates().all();
  expect(new Set(all.map((g) => g.stage))).toEqual(new Set(['ALPHA', 'BETA', '', 'DEPRECATED']));
  expect(all.find((g) => g.name === 'KubeletFineGrainedAuthz')?.enabled).toBe(true);
  expect(new Set(all.map((g) => g.name)).size).toBe(all.length);
});

describe('the flag', () => {
  test('accumulates over occurrences', () => {
    const f = featureGatesFlag({ help: '' });
    expect(f.parse('B=false', f.parse('A=true', undefined))).toEqual(
      new Map([
        ['A', true],
        ['B', false],
      ]),
    );
  });

  test('takes component prefixes where wanted', () => {
    const f = featureGatesFlag({ help: '', componentPrefix: true });
    expect(f.parse('kube:A=true,B=0,:C=1', undefined)).toEqual(
      new Map([
        ['A', true],
        ['B', false],
        ['C', true],
      ]),
    );
    expect(() => f.parse('wardle:A=true', undefined)).toThrow(FlagValueError);
  });

  test.each([
    ['A', 'malformed pair "A", expect string=bool'],
    ['A=maybe', 'invalid value of A: maybe, want true or false'],
  ])('refuses %s', (text, message) => {
    expect(() => featureGatesFlag({ help: '' }).parse(text, undefined)).toThrow(message);
  });
});
