/** Reading the counts from a JSON report of jest (`--json --outputFile`). */

export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/**
 * Counts of a report. A file that could not run at all counts as one failure; skipped tests count as neither.
 *
 * @returns undefined when the text is no report: jest ended before it could write one
 */
export function countsOf(report: string): Counts | undefined {
  let value: unknown;
  try {
    value = JSON.parse(report);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const count = (name: string): number | undefined => {
    const found: unknown = Reflect.get(value, name);
    return typeof found === 'number' ? found : undefined;
  };
  const [passed, failed, broken] = [
    count('numPassedTests'),
    count('numFailedTests'),
    count('numRuntimeErrorTestSuites'),
  ];
  if (passed === undefined || failed === undefined || broken === undefined) return undefined;
  return { passed, failed: failed + broken };
}
