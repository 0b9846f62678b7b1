/** Runs specs of the Kubernetes e2e binary against a cluster. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { run } from '../cluster/program.ts';
import { runCommand, type Ended } from './command.ts';
import { parseJunit, type TestCase } from './junit.ts';
import { exactFocus } from './selection.ts';
import { parseSpecs, type Spec } from './spec.ts';

export interface E2eRunner {
  readonly programs: { readonly e2e: string; readonly ginkgo: string; readonly kubectl: string };
  readonly kubeconfig: string;
  readonly nodes: number;
  readonly signal: AbortSignal;
  /** Called with ginkgo's output as it comes. */
  readonly onOutput: (text: string) => void;
}

export interface Batch {
  readonly names: readonly string[];
  /** How many run at once. */
  readonly procs: number;
  /** Gets ginkgo.log, the JUnit report and ginkgo's own. */
  readonly folder: string;
  readonly timeoutMs: number;
}

/** How ginkgo names the suite in front of each spec. */
const DESCRIPTION = 'Kubernetes e2e suite';
/** What specs may take to clean up once they are told to stop. */
const GRACE_MS = 60_000;

/** All specs that the binary holds. The report is made in a folder of its own under `parent`, as runs may be side by side. */
export async function listSpecs(e2e: string, parent: string): Promise<Spec[]> {
  mkdirSync(parent, { recursive: true });
  const scratch = mkdtempSync(path.join(parent, 'specs-'));
  try {
    const report = path.join(scratch, 'specs.json');
    await run([e2e, '--ginkgo.dry-run', '--ginkgo.silence-skips', `--ginkgo.json-report=${report}`], {
      cwd: scratch,
      timeoutMs: 120_000,
    });
    return parseSpecs(readFileSync(report, 'utf8'));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Runs one batch to its end. The cases are those that ginkgo reported: none if it died without a report. */
export async function runBatch(
  runner: E2eRunner,
  batch: Batch,
): Promise<{ readonly cases: readonly TestCase[]; readonly ended: Ended }> {
  const { programs, kubeconfig, nodes, signal, onOutput } = runner;
  const { names, procs, folder, timeoutMs } = batch;
  mkdirSync(folder, { recursive: true });
  const ended = await runCommand(
    [
      programs.ginkgo,
      `--procs=${procs}`,
      '--no-color',
      '--silence-skips',
      '--timeout=24h', // the deadline is ours
      `--grace-period=${GRACE_MS / 1000}s`,
      ...exactFocus(DESCRIPTION, names).map((focus) => `--focus=${focus}`),
      programs.e2e,
      '--',
      `--kubeconfig=${kubeconfig}`,
      '--provider=skeleton',
      `--kubectl-path=${programs.kubectl}`,
      `--num-nodes=${nodes}`,
      `--report-dir=${folder}`,
      '--disable-log-dump',
    ],
    {
      onStdout: onOutput,
      log: path.join(folder, 'ginkgo.log'),
      cwd: folder,
      timeoutMs,
      signal,
      graceMs: 1.5 * GRACE_MS,
    },
  );
  return { cases: reportIn(folder), ended };
}

function reportIn(folder: string): TestCase[] {
  const file = path.join(folder, 'junit_01.xml');
  return existsSync(file) ? parseJunit(readFileSync(file, 'utf8')) : [];
}
