/** Reading JUnit reports as ginkgo and the Kubernetes e2e framework write them. */
import { SaxesParser } from 'saxes';

/** `interrupted`: the run was ended while the spec ran. It says nothing of the spec. */
export type CaseState = 'passed' | 'failed' | 'skipped' | 'interrupted';

export interface TestCase {
  /** Without the labels and the kind of node that ginkgo may add. */
  readonly name: string;
  readonly state: CaseState;
  readonly seconds: number;
  /** What went wrong, where, and what the spec printed; empty unless it failed. */
  readonly failure: string;
  readonly output: string;
}

/** A JUnit report that cannot be read. */
export class JunitError extends Error {
  override readonly name = 'JunitError';
}

/**
 * Test cases of a report, in its order. Suite setup and reporting nodes (`[BeforeSuite]`, `[ReportAfterSuite]`) are
 * given only when they failed: then no spec may have run, and they say why.
 *
 * @throws JunitError when the text is no JUnit report (a run that was killed leaves half of one)
 */
export function parseJunit(xml: string): TestCase[] {
  const cases: TestCase[] = [];
  const parser = new SaxesParser();
  let current: Draft | undefined;
  let into: 'failure' | 'output' | undefined;
  let suites = 0;
  parser.on('error', (error) => {
    throw new JunitError(`not a JUnit report: ${error.message}`, { cause: error });
  });
  parser.on('opentag', ({ name, attributes }) => {
    if (name === 'testsuite') suites++;
    else if (name === 'testcase') current = draft(attributes);
    else if (current === undefined) return;
    else if (name === 'failure' || name === 'error') {
      if (current.state !== 'interrupted') current.state = 'failed';
      current.failure += [attributes['message'], ''].join('\n');
      into = 'failure';
    } else if (name === 'skipped') current.state = 'skipped';
    else if (name === 'system-out' || name === 'system-err') into = 'output';
  });
  const take = (text: string): void => {
    if (current !== undefined && into !== undefined) current[into] += text;
  };
  parser.on('text', take);
  parser.on('cdata', take);
  parser.on('closetag', ({ name }) => {
    if (name !== 'testcase') {
      into = undefined;
      return;
    }
    if (current !== undefined && (current.isSpec || current.state === 'failed')) {
      const { name, state, seconds, failure, output } = current;
      cases.push({ name, state, seconds, failure: failure.trim(), output: output.trim() });
    }
    current = undefined;
  });
  parser.write(xml).close();
  if (suites === 0) throw new JunitError('not a JUnit report: it holds no test suite');
  return cases;
}

interface Draft {
  name: string;
  isSpec: boolean;
  state: CaseState;
  seconds: number;
  failure: string;
  output: string;
}

function draft(attributes: Readonly<Record<string, string>>): Draft {
  const raw = attributes['name'] ?? '';
  const kind = /^\[(\w+)\]/.exec(raw)?.[1] ?? '';
  const isSpec = !SETUP_NODES.test(kind);
  return {
    name: isSpec ? specName(raw) : raw,
    isSpec,
    state: STATES[attributes['status'] ?? ''] ?? 'passed',
    seconds: Number(attributes['time'] ?? 0),
    failure: '',
    output: '',
  };
}

/** Of ginkgo's `status`, those that no child element tells. */
const STATES: Readonly<Record<string, CaseState>> = {
  skipped: 'skipped',
  pending: 'skipped',
  interrupted: 'interrupted',
  aborted: 'interrupted',
};

const SETUP_NODES =
  /^(Synchronized)?(Before|After)Suite$|^ReportAfterSuite$|^ReportBeforeSuite$|^DeferCleanup$/;

/** `[It] NAME [label, label]` to `NAME`. */
export function specName(text: string): string {
  return text.replace(/^\[It\] /, '').trim();
}
