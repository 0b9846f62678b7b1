import { GATE_DEPENDENCIES } from './feature_gate_list.ts';
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
  const gates = new FeatureGates(groups, {});
  gates.set(set);
  for (const [name, value] of Object.entries(want))
    expect([name, gates.enabled(name)]).toEqual([name, value]);
});

test.each([
  ['unknown', [['Foo', true]], 'unrecognized feature gate: Foo'],
  ['misspelt', [['GoodThng', true]], 'unrecognized feature gate: GoodThng (did you mean GoodThing?)'],
  ['locked', [['OldThing', false]], 'cannot set feature gate OldThing to false, feature is locked to true'],
] as const)('%s gates are refused, and nothing is set', (_, bad, message) => {
  const gates = new FeatureGates(groups, {});
  expect(() => gates.set([['NewThing', true], ...bad])).toThrow(new FeatureGateError(message));
  expect(gates.enabled('NewThing')).toBe(false);
});

test.each<[string, [string, boolean][], string]>([
  [
    'a gate whose need is off by default',
    [['GangScheduling', true]],
    'GangScheduling is enabled, but depends on features that are disabled: [GenericWorkload]',
  ],
  [
    'a need of gates that are on by default',
    [['GracefulNodeShutdown', false]],
    '[GracefulNodeShutdownBasedOnPodPriority is enabled, but depends on features that are disabled: [GracefulNodeShutdown], WindowsGracefulNodeShutdown is enabled, but depends on features that are disabled: [GracefulNodeShutdown]]',
  ],
  [
    'several needs of one gate',
    [
      ['InPlacePodLevelResourcesVerticalScaling', true],
      ['AllBeta', false],
    ],
    'InPlacePodLevelResourcesVerticalScaling is enabled, but depends on features that are disabled: [NodeDeclaredFeatures PodLevelResources]',
  ],
])('%s is refused, and nothing is set', (_, bad, message) => {
  const gates = new FeatureGates();
  expect(() => gates.set([['MemoryQoS', true], ...bad])).toThrow(new FeatureGateError(message));
  expect(gates.enabled('MemoryQoS')).toBe(false);
});

test.each<[string, [string, boolean][][]]>([
  [
    'a gate with its need',
    [
      [
        ['GangScheduling', true],
        ['GenericWorkload', true],
      ],
    ],
  ],
  ['a gate with its need set before', [[['GenericWorkload', true]], [['GangScheduling', true]]]],
  ['all alpha gates', [[['AllAlpha', true]]]],
  ['no beta gates', [[['AllBeta', false]]]],
  [
    'all gates that are not final',
    [
      [
        ['AllBeta', true],
        ['AllAlpha', true],
      ],
    ],
  ],
])('%s can be set', (_, steps) => {
  const gates = new FeatureGates();
  for (const step of steps) gates.set(step);
  for (const [name, value] of steps.flat()) expect(gates.enabled(name)).toBe(value);
});

test('every gate that is needed is known', () => {
  const known = new Set(new FeatureGates().all().map((gate) => gate.name));
  const named = Object.entries(GATE_DEPENDENCIES).flatMap(([name, needs]) => [name, ...needs]);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});

test('gates about to go are warned of', () => {
  expect(
    new FeatureGates(groups, {}).set([
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
