import { readFileSync } from 'node:fs';
import path from 'node:path';
import { JunitError, parseJunit, specName } from './junit.ts';

/** A report of e2e.test v1.36.3 with its long texts cut: two passed, two failed, one interrupted, two skipped. */
const sample = readFileSync(path.resolve('hack/suites/testdata/junit_e2e.xml'), 'utf8');

test('a report of the e2e binary', () => {
  const cases = parseJunit(sample);
  expect(cases.map(({ name, state }) => [state, name])).toEqual([
    [
      'interrupted',
      '[sig-api-machinery] Aggregator Should be able to support the 1.17 Sample API Server using the current Aggregator [LinuxOnly] [Conformance]',
    ],
    ['passed', '[sig-network] Service endpoints latency should not be very high [Conformance]'],
    [
      'failed',
      '[sig-network] Services should serve endpoints on same port and different protocols [Conformance]',
    ],
    [
      'failed',
      '[sig-node] ConfigMap should be consumable via the environment [NodeConformance] [Conformance]',
    ],
    ['passed', '[sig-node] Lease lease API should be available [Conformance]'],
    [
      'skipped',
      "[sig-api-machinery] API Streaming (aka. WatchList) [FeatureGate:WatchList] [Beta] reflector doesn't support receiving resources as Tables",
    ],
    [
      'skipped',
      "[sig-api-machinery] API Streaming (aka. WatchList) [FeatureGate:WatchList] [Beta] reflector using standard List doesn't support receiving resources as Tables",
    ],
  ]);
  const [, passed, failed] = cases;
  expect(passed).toMatchObject({ seconds: 10.884495731, failure: '', output: '' });
  expect(failed?.failure.split('\n')).toEqual([
    '[FAILED] Failed to connect to Service TCP port: service is not reachable within 30s timeout on endpoint 10.100.17.197 80 over TCP protocol',
    'In [It] at: k8s.io/kubernetes@v1.36.3/test/e2e/network/service.go:3640 @ 11/21/26 08:32:44.303',
  ]);
  expect(failed?.output).toMatch(/^> Enter \[BeforeEach\] \[sig-network\] Services/);
});

const suite = (...cases: string[]): string =>
  `<testsuites><testsuite name="s">${cases.join('')}</testsuite></testsuites>`;

test('a failed suite node is told, a passed one is not', () => {
  const cases = parseJunit(
    suite(
      '<testcase name="[SynchronizedBeforeSuite]" status="failed" time="1"><failure message="no nodes">x</failure></testcase>',
      '<testcase name="[ReportAfterSuite] report" status="passed" time="1"/>',
    ),
  );
  expect(cases).toEqual([
    { name: '[SynchronizedBeforeSuite]', state: 'failed', seconds: 1, failure: 'no nodes\nx', output: '' },
  ]);
});

test.each([
  [
    '<error type="panicked"><![CDATA[boom <&>]]></error>',
    'panicked',
    { state: 'failed', failure: 'boom <&>' },
  ],
  ['<error type="timedout">slow</error>', 'timedout', { state: 'failed', failure: 'slow' }],
  ['<failure>a</failure><failure>b</failure>', 'failed', { state: 'failed', failure: 'a\nb' }],
  ['<skipped message="no GPU"/>', 'skipped', { state: 'skipped', failure: '' }],
  ['', 'pending', { state: 'skipped' }],
  ['<error/>', 'aborted', { state: 'interrupted' }],
  ['<system-out>a</system-out>', 'passed', { state: 'passed', output: 'a' }],
])('%s', (inside, status, expected) => {
  const [found] = parseJunit(suite(`<testcase name="[It] x" status="${status}">${inside}</testcase>`));
  expect(found).toMatchObject({ name: 'x', seconds: 0, ...expected });
});

test.each(['', 'go: no such file', '<testsuites><testsuite name="s"><testcase name="[It] half', '<html/>'])(
  '%p is no report',
  (text) => {
    expect(() => parseJunit(text)).toThrow(JunitError);
  },
);

test('the kind of node is no part of the name', () => {
  expect(specName('[It] [sig-node] a [It] b ')).toBe('[sig-node] a [It] b');
});
