import { isConformance, isSerial, parseSpecs, sigOf } from './spec.ts';

test.each([
  ['[sig-node] Pods should be submitted [Conformance]', 'sig-node'],
  ['[sig-api-machinery] Watchers [Serial] should', 'sig-api-machinery'],
  ['[Feature:X] [sig-storage] Volumes', 'sig-storage'],
  ['[k8s.io] Container runtime should support listing', 'none'],
  ['', 'none'],
])('the SIG of "%s" is %s', (name, sig) => {
  expect(sigOf(name)).toBe(sig);
});

const report = (...specs: object[]): string => JSON.stringify([{ SpecReports: specs }]);
const it = (extra: object): object => ({
  ContainerHierarchyTexts: ['[sig-apps] CronJob', 'when slow'],
  ContainerHierarchyLabels: [['sig-apps'], null, ['Slow']],
  LeafNodeType: 'It',
  LeafNodeText: 'should run [Conformance]',
  LeafNodeLabels: ['Conformance', 'Slow'],
  ...extra,
});

test('a spec is named by all of its texts and has the labels of all of its nodes, each once', () => {
  expect(parseSpecs(report(it({})))).toEqual([
    {
      name: '[sig-apps] CronJob when slow should run [Conformance]',
      labels: ['sig-apps', 'Slow', 'Conformance'],
    },
  ]);
});

test('setup nodes are no specs, and a name that stands twice is one', () => {
  const specs = parseSpecs(report({ LeafNodeType: 'SynchronizedBeforeSuite' }, it({}), it({})));
  expect(specs).toHaveLength(1);
});

test('a spec without containers or labels', () => {
  const bare = it({ ContainerHierarchyTexts: null, ContainerHierarchyLabels: null, LeafNodeLabels: null });
  expect(parseSpecs(report(bare))).toEqual([{ name: 'should run [Conformance]', labels: [] }]);
});

test.each(['[]', '{}', '[{}]', '[5]'])('%s is no report', (text) => {
  expect(() => parseSpecs(text)).toThrow('the dry run reports no');
});

test.each([
  [{ name: 'a', labels: ['Serial'] }, true],
  [{ name: 'a [Serial] b', labels: [] }, true],
  [{ name: 'a Serial b', labels: ['Slow'] }, false],
])('%j is serial: %s', (spec, serial) => {
  expect(isSerial(spec)).toBe(serial);
});

test('conformance is a label', () => {
  expect(isConformance({ name: 'x', labels: ['Conformance'] })).toBe(true);
  expect(isConformance({ name: 'x', labels: ['NodeConformance'] })).toBe(false);
});
