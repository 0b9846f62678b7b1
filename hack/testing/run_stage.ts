/** Runs the commands of a stage, each in a process group of its own that ends with it, and counts. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countsOf, type Counts } from './jest_report.ts';
import type { Command, Stage } from './stages.ts';

export interface RunContext {
  /** The checkout. */
  readonly repo: string;
  /** Takes what the commands print, and what is said about them. */
  readonly write: (text: string | Buffer) => void;
  /** Aborting ends the running command and skips those that follow, clean-up excepted. */
  readonly signal: AbortSignal;
}

/** Runs a stage with its clean-up. */
export async function runStage(stage: Stage, context: RunContext): Promise<Counts> {
  let { passed, failed } = { passed: 0, failed: 0 };
  const add = (counts: Counts): void => {
    passed += counts.passed;
    failed += counts.failed;
  };
  for (const command of stage.commands) {
    if (context.signal.aborted) break;
    const counts = await runCommand(command, context, context.signal);
    add(counts);
    if (counts.failed > 0 && stage.independent !== true) break;
  }
  for (const command of stage.cleanUp ?? []) add(await runCommand(command, context, undefined));
  return { passed, failed };
}

async function runCommand(
  command: Command,
  { repo, write }: RunContext,
  signal: AbortSignal | undefined,
): Promise<Counts> {
  const scratch = mkdtempSync(join(tmpdir(), 'hack-test-'));
  try {
    const report = join(scratch, 'report.json');
    const argv = command.jest === true ? [...command.argv, '--json', `--outputFile=${report}`] : command.argv;
    write(`$ ${command.argv.join(' ')}\n`);
    const began = performance.now();
    const { exitCode, output } = await runToEnd(argv, repo, command, write, signal);
    write(`  (${((performance.now() - began) / 1000).toFixed(1)} s, exit code ${exitCode})\n`);
    if (command.jest === true) {
      const counts = countsOf(readIfThere(report));
      if (counts !== undefined) {
        // Failures outside of tests (a hook, a handle left open, an empty selection) show in the exit code only.
        const hidden = exitCode !== 0 && counts.failed === 0 ? 1 : 0;
        return { passed: counts.passed, failed: counts.failed + hidden };
      }
    } else if (exitCode === 0) {
      if (command.mustPrint === undefined || output.includes(command.mustPrint))
        return { passed: 1, failed: 0 };
      write(`  it did not print "${command.mustPrint}"\n`);
    }
    return { passed: 0, failed: 1 };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
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
