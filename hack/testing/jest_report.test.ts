import { countsOf } from './jest_report.ts';

test('takes the counts; a file that could not run is a failure', () => {
  const report = { numPassedTests: 5, numFailedTests: 2, numRuntimeErrorTestSuites: 1, numPendingTests: 3 };
  expect(countsOf(JSON.stringify(report))).toEqual({ passed: 5, failed: 3 });
});

test.each(['', '{', 'null', '5', '{}', '{"numPassedTests":"5"}'])('"%s" is no report', (text) => {
  expect(countsOf(text)).toBeUndefined();
});
