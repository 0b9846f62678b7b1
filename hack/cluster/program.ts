/** Runs a program to its end: argv only, output captured, a deadline on everything. */
import { spawn } from 'node:child_process';

/** A program that could not be started, ended badly or took too long. The message holds its last words. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
  readonly argv: readonly string[];
  readonly exitCode: number | undefined;
  readonly stderr: string;
  constructor(argv: readonly string[], what: string, stderr: string, exitCode?: number, cause?: unknown) {
    const words = stderr.trim().split('\n').slice(-5).join('\n');
    super(`${argv.join(' ')}: ${what}${words === '' ? '' : `: ${words}`}`, { cause });
    this.argv = argv;
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

export interface ProgramOptions {
  readonly stdin?: string | Uint8Array;
  /** Default 60 s. */
  readonly timeoutMs?: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Called with each piece of stderr as it comes. */
  readonly onStderr?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** Runs `argv` and gives its stdout. Rejects with {@link ProgramError} unless it exits 0. */
export async function run(
  argv: readonly [string, ...string[]],
  options: ProgramOptions = {},
): Promise<string> {
  const result = await attempt(argv, options);
  if (result.exitCode !== 0)
    throw new ProgramError(
      argv,
      `exit code ${result.exitCode}`,
      result.stderr || result.stdout,
      result.exitCode,
    );
  return result.stdout;
}

/** Runs `argv` and gives exit code and output. Rejects only if it cannot start, dies of a signal or takes too long. */
export function attempt(
  argv: readonly [string, ...string[]],
  options: ProgramOptions = {},
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const { stdin, timeoutMs = 60_000, env, cwd, onStderr, signal } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0], argv.slice(1), {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true, // a process group of its own, so that a deadline ends its children too
      ...(env === undefined ? {} : { env }),
      ...(cwd === undefined ? {} : { cwd }),
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let ended: string | undefined;
    const end = (why: string): void => {
      ended = why;
      if (child.pid !== undefined) killGroup(child.pid);
    };
    const timer = setTimeout(() => end(`no end within ${timeoutMs / 1000} s`), timeoutMs);
    const onAbort = (): void => end('interrupted');
    signal?.addEventListener('abort', onAbort, { once: true });
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      stderr.push(chunk);
      onStderr?.(chunk.toString());
    });
    child.stdin.on('error', () => {
      // The program did not want its input; its exit code tells the rest.
    });
    child.stdin.end(stdin);
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    child.once('error', (error) => {
      done();
      reject(new ProgramError(argv, error.message, '', undefined, error));
    });
    child.once('close', (code, killedBy) => {
      done();
      const errorText = Buffer.concat(stderr).toString();
      if (ended !== undefined) reject(new ProgramError(argv, ended, errorText));
      else if (code === null) reject(new ProgramError(argv, `killed by ${killedBy}`, errorText));
      else resolve({ exitCode: code, stdout: Buffer.concat(stdout).toString(), stderr: errorText });
    });
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone already: that is what was wanted.
  }
}
