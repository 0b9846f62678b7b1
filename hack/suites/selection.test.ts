import { exactFocus, selectSpecs, type Choice } from './selection.ts';
import type { Spec } from './spec.ts';

const specs: Spec[] = [
  { name: '[sig-node] Pods run [Conformance]', labels: ['sig-node', 'Conformance'] },
  { name: '[sig-node] Pods pause', labels: ['sig-node'] },
  { name: '[sig-node] GPU counts', labels: ['sig-node', 'Feature:GPUDevicePlugin'] },
  {
    name: '[sig-node] Pods of tomorrow',
    labels: ['sig-node', 'FeatureGate:X', 'Alpha', 'Feature:OffByDefault'],
  },
  { name: '[sig-node] Pods of today', labels: ['sig-node', 'FeatureGate:Y', 'Beta'] },
  { name: '[sig-network] Services route', labels: ['sig-network'] },
  { name: '[sig-network] Services break the node', labels: ['sig-network', 'Disruptive'] },
  { name: '[sig-network] Services take hours', labels: ['sig-network', 'Slow'] },
  { name: '[sig-storage] In-tree Volumes [Driver: hostPath] mount', labels: ['sig-storage'] },
  { name: '[sig-storage] CSI Volumes [Driver: csi-hostpath] mount', labels: ['sig-storage'] },
  { name: '[sig-storage] CSI Mock volume attach', labels: ['sig-storage'] },
  { name: '[sig-windows] Services route', labels: ['sig-windows', 'Feature:Windows'] },
  { name: '[sig-scheduling] Preemption works', labels: ['sig-scheduling', 'Serial'] },
  { name: '[sig-apps] Job ends', labels: ['sig-apps'] },
];
const chosen = (choice: Choice): string[] => selectSpecs(specs, choice).map(({ name }) => name);

test.each<[Choice['suite'], string[]]>([
  ['conformance', ['[sig-node] Pods run [Conformance]']],
  ['node', ['[sig-node] Pods pause', '[sig-node] Pods of today']],
  ['network', ['[sig-network] Services route']],
  ['storage', ['[sig-storage] In-tree Volumes [Driver: hostPath] mount']],
  ['scheduling', ['[sig-scheduling] Preemption works']],
  [
    'all-linux',
    [
      '[sig-node] Pods pause',
      '[sig-node] Pods of today',
      '[sig-network] Services route',
      '[sig-storage] In-tree Volumes [Driver: hostPath] mount',
      '[sig-scheduling] Preemption works',
      '[sig-apps] Job ends',
    ],
  ],
])('the suite %s', (suite, names) => {
  expect(chosen({ suite })).toEqual(names);
});

test('focus and skip narrow the suite', () => {
  expect(chosen({ suite: 'all-linux', focus: /Pods|Job/, skip: /today/ })).toEqual([
    '[sig-node] Pods pause',
    '[sig-apps] Job ends',
  ]);
});

test('a list of names stands for the suite, and is narrowed in the same way', () => {
  const only = new Set(['[sig-node] Pods run [Conformance]', '[sig-apps] Job ends']);
  expect(chosen({ suite: 'network', only })).toEqual([...only]);
  expect(chosen({ suite: 'network', only, skip: /Job/ })).toEqual(['[sig-node] Pods run [Conformance]']);
});

describe('the exact focus', () => {
  const names = ['[sig-a] x (1+1=2)?', '[sig-a] x', 'a|b^c$d{e}\\f.g*'];

  test('matches these names and no longer or shorter one', () => {
    const [pattern, ...rest] = exactFocus('the suite', names);
    expect(rest).toEqual([]);
    const focus = new RegExp(pattern ?? '');
    for (const name of names) expect(focus.test(`the suite ${name}`)).toBe(true);
    expect(focus.test('the suite [sig-a] x y')).toBe(false);
    expect(focus.test('the suite [sig-a]')).toBe(false);
    expect(focus.test('another suite [sig-a] x')).toBe(false);
  });

  test('is split before an argument grows too long for the kernel', () => {
    const many = Array.from({ length: 100 }, (_, i) => `spec ${i}`);
    const patterns = exactFocus('s', many, 200);
    expect(patterns.length).toBeGreaterThan(3);
    for (const pattern of patterns) expect(pattern.length).toBeLessThan(230);
    const joined = new RegExp(patterns.join('|'));
    expect(many.filter((name) => joined.test(`s ${name}`))).toEqual(many);
    expect(joined.test('s spec 100')).toBe(false);
  });

  test('of nothing is nothing', () => expect(exactFocus('s', [])).toEqual([]));
});
