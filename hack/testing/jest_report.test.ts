import { parseReport, withSecondRun, type Report } from './jest_report.ts';

const file = (name: string, status: string, ...tests: readonly (readonly [string, string])[]): unknown => ({
  name,
  status,
  assertionResults: tests.map(([fullName, state]) => ({ fullName, status: state })),
});
const report = (...testResults: readonly unknown[]): Report => {
  const parsed = parseReport(JSON.stringify({ testResults }));
  if (parsed === undefined) throw new Error('no report');
  return parsed;
};

test('takes the counts; a file that could not run is a failure, a skipped test is nothing', () => {
  const { passed, failed, files } = report(
    file('/a', 'passed', ['a1', 'passed'], ['a2', 'pending']),
    file('/b', 'failed', ['b1', 'passed'], ['b2', 'failed']),
    file('/c', 'failed'),
  );
  expect({ passed, failed }).toEqual({ passed: 2, failed: 2 });
  expect(files.map((one) => one.failures)).toEqual([[], ['b2'], ['/c']]);
});

test.each(['', '{', 'null', '5', '{}', '{"testResults":[{}]}', '{"testResults":[5]}'])(
  '"%s" is no report',
  (text) => {
    expect(parseReport(text)).toBeUndefined();
  },
);

describe('a second run of the failed files', () => {
  const first = report(
    file('/a', 'passed', ['a1', 'passed']),
    file('/b', 'failed', ['b1', 'passed'], ['b2', 'failed'], ['b3', 'failed']),
    file('/c', 'failed'),
  );

  test('tells flaky tests from failed ones', () => {
    const second = report(
      file('/b', 'failed', ['b1', 'passed'], ['b2', 'passed'], ['b3', 'failed']),
      file('/c', 'passed', ['c1', 'passed'], ['c2', 'passed']),
    );
    expect(withSecondRun(first, second)).toEqual({ passed: 5, failed: 1, flaky: ['b2', '/c'] });
  });

  test('does not forgive what it did not run, nor what fails there for the first time', () => {
    const second = report(file('/b', 'failed', ['b1', 'failed'], ['b2', 'passed'], ['b3', 'passed']));
    expect(withSecondRun(first, second)).toEqual({ passed: 3, failed: 2, flaky: ['b2', 'b3'] });
  });
});
