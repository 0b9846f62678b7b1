/** Runs the commands of a stage, each in a process group of its own that ends with it, and counts. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseReport, withSecondRun, type Counts, type Report } from './jest_report.ts';
import type { Command, Stage } from './stages.ts';

export interface RunContext {
  /** The checkout. */
  readonly repo: string;
  /** Takes what the commands print, and what is said about them. */
  readonly write: (text: string | Buffer) => void;
  /** Aborting ends the running command and skips those that follow, clean-up excepted. */
  readonly signal: AbortSignal;
}

export interface StageResult extends Counts {
  /** Full names of tests that failed once and then passed. */
  readonly flaky: readonly string[];
}

/** More files than this are not flaky: something is broken. */
const MAX_FILES_AGAIN = 3;

/** Runs a stage with its clean-up. The files of failed jest tests are run a second time, to tell flaky from failed. */
export async function runStage(stage: Stage, context: RunContext): Promise<StageResult> {
  let { passed, failed } = { passed: 0, failed: 0 };
  const flaky: string[] = [];
  const add = (counts: StageResult): void => {
    passed += counts.passed;
    failed += counts.failed;
    flaky.push(...counts.flaky);
  };
  for (const command of stage.commands) {
    if (context.signal.aborted) break;
    const counts = await runCommand(command, context, context.signal);
    add(counts);
    if (counts.failed > 0 && stage.independent !== true) break;
  }
  for (const command of stage.cleanUp ?? []) add(await runCommand(command, context, undefined));
  return { passed, failed, flaky };
}

async function runCommand(
  command: Command,
  context: RunContext,
  signal: AbortSignal | undefined,
): Promise<StageResult> {
  if (command.jest === true) return runJest(command, context, signal);
  const { exitCode, output } = await runTimed(command.argv, command, context, signal);
  const result = (counts: Counts): StageResult => ({ ...counts, flaky: [] });
  if (exitCode !== 0) return result({ passed: 0, failed: 1 });
  if (command.mustPrint === undefined || output.includes(command.mustPrint))
    return result({ passed: 1, failed: 0 });
  context.write(`  it did not print "${command.mustPrint}"\n`);
  return result({ passed: 0, failed: 1 });
}

async function runJest(
  command: Command,
  context: RunContext,
  signal: AbortSignal | undefined,
): Promise<StageResult> {
  const first = await jestReport(command.argv, command, context, signal);
  if (first === undefined) return { passed: 0, failed: 1, flaky: [] };
  const failedFiles = first.files.filter((file) => file.failed > 0);
  // Failures outside of tests (a hook, a handle left open, an empty selection) show in the exit code only.
  const hidden = first.exitCode !== 0 && first.failed === 0 ? 1 : 0;
  const counts = { passed: first.passed, failed: first.failed + hidden, flaky: [] };
  if (failedFiles.length === 0 || failedFiles.length > MAX_FILES_AGAIN || signal?.aborted === true)
    return counts;
  const [program, ...args] = command.argv;
  const flags = args.filter((arg) => arg.startsWith('-'));
  const again: Command['argv'] = [
    program,
    ...flags,
    '--runTestsByPath',
    ...failedFiles.map(({ file }) => file),
  ];
  const second = await jestReport(again, command, context, signal);
  if (second === undefined) return counts;
  const both = withSecondRun(first, second);
  for (const name of both.flaky) context.write(`  flaky: failed, then passed: ${name}\n`);
  return both;
}

/** Runs jest; `undefined` when it wrote no report. */
async function jestReport(
  argv: Command['argv'],
  command: Command,
  context: RunContext,
  signal: AbortSignal | undefined,
): Promise<(Report & { readonly exitCode: number }) | undefined> {
  const scratch = mkdtempSync(join(tmpdir(), 'hack-test-'));
  try {
    const file = join(scratch, 'report.json');
    const [program, ...args] = argv;
    const reporting: Command['argv'] = [program, '--json', `--outputFile=${file}`, ...args];
    const { exitCode } = await runTimed(reporting, command, context, signal);
    const report = parseReport(readIfThere(file));
    return report === undefined ? undefined : { ...report, exitCode };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function runTimed(
  argv: Command['argv'],
  command: Command,
  { repo, write }: RunContext,
  signal: AbortSignal | undefined,
): Promise<Ended> {
  write(`$ ${argv.join(' ')}\n`);
  const began = performance.now();
  const ended = await runToEnd(argv, repo, command, write, signal);
  write(`  (${((performance.now() - began) / 1000).toFixed(1)} s, exit code ${ended.exitCode})\n`);
  return ended;
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

interface Ended {
  /** 124 when the time was over, 125 when aborted, 127 when it could not be started. */
  readonly exitCode: number;
  readonly output: string;
}

function runToEnd(
  argv: readonly string[],
  repo: string,
  { timeoutMs, jest, env }: Command,
  write: RunContext['write'],
  signal: AbortSignal | undefined,
): Promise<Ended> {
  const [program, ...args] = argv;
  const started: readonly [string, readonly string[]] =
    program?.endsWith('.ts') === true ? [process.execPath, argv] : [join(repo, program ?? ''), args];
  return new Promise((resolve) => {
    const child = spawn(started[0], started[1], {
      cwd: repo,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...env,
        CI: 'true',
        NO_COLOR: '1',
        PATH: `${join(repo, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`,
      },
    });
    let output = '';
    // jest writes its JSON to the file, and its words to stderr.
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (jest !== true) write(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      write(chunk);
    });
    let forced: number | undefined;
    let killTimer: NodeJS.Timeout | undefined;
    const end = (exitCode: number, why: string): void => {
      forced ??= exitCode;
      write(`\n${why}: ending ${argv.join(' ')}\n`);
      killGroup(child, 'SIGTERM');
      killTimer = setTimeout(() => killGroup(child, 'SIGKILL'), 20_000);
    };
    const timer = setTimeout(() => end(124, `no end after ${timeoutMs / 1000} s`), timeoutMs);
    const abort = (): void => end(125, 'interrupted');
    signal?.addEventListener('abort', abort, { once: true });
    const finish = (exitCode: number): void => {
      clearTimeout(timer);
      clearTimeout(killTimer);
      // The command heeded SIGTERM; what it had started may not have.
      if (forced !== undefined) killGroup(child, 'SIGKILL');
      signal?.removeEventListener('abort', abort);
      resolve({ exitCode: forced ?? exitCode, output });
    };
    child.once('error', (err) => {
      write(`cannot start ${started[0]}: ${err.message}\n`);
      finish(127);
    });
    // `exit`, not `close`: what the command leaves in the background may hold its output open.
    child.once('exit', (code) => setTimeout(() => finish(code ?? 128), 100));
  });
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (err) {
    // By shape: jest's own realm has another Error.
    const gone = typeof err === 'object' && err !== null && 'code' in err && err.code === 'ESRCH';
    if (!gone) throw err;
  }
}
