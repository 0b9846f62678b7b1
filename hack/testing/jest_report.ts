/** Reading a JSON report of jest (`--json --outputFile`). */

export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** What one file came to. */
export interface FileResult extends Counts {
  /** Absolute path. */
  readonly file: string;
  /** Full names of the tests that failed; the file's own name when it could not run at all. */
  readonly failures: readonly string[];
}

export interface Report extends Counts {
  readonly files: readonly FileResult[];
}

/**
 * A file that could not run at all counts as one failure; skipped tests count as neither.
 *
 * @returns undefined when the text is no report: jest ended before it could write one
 */
export function parseReport(text: string): Report | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const results = field(value, 'testResults');
  if (!Array.isArray(results)) return undefined;
  const files = results.map(fileResult);
  if (files.some((file) => file === undefined)) return undefined;
  const known = files.filter((file) => file !== undefined);
  return {
    passed: known.reduce((sum, file) => sum + file.passed, 0),
    failed: known.reduce((sum, file) => sum + file.failed, 0),
    files: known,
  };
}

function fileResult(value: unknown): FileResult | undefined {
  const [file, status, tests] = [
    field(value, 'name'),
    field(value, 'status'),
    field(value, 'assertionResults'),
  ];
  if (typeof file !== 'string' || !Array.isArray(tests)) return undefined;
  const passed = tests.filter((test) => field(test, 'status') === 'passed').length;
  const failures = tests
    .filter((test) => field(test, 'status') === 'failed')
    .map((test) => String(field(test, 'fullName')));
  if (failures.length === 0 && status === 'failed') failures.push(file);
  return { file, passed, failed: failures.length, failures };
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** A run and the second run of its failed files taken together: what passed the second time is flaky, not failed. */
export function withSecondRun(first: Report, second: Report): Counts & { readonly flaky: readonly string[] } {
  const again = new Map(second.files.map((file) => [file.file, file]));
  let { passed, failed } = { passed: 0, failed: 0 };
  const flaky: string[] = [];
  for (const file of first.files) {
    const decisive = file.failed > 0 ? (again.get(file.file) ?? file) : file;
    passed += decisive.passed;
    failed += decisive.failed;
    flaky.push(...file.failures.filter((name) => !decisive.failures.includes(name)));
  }
  return { passed, failed, flaky };
}
