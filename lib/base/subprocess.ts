import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { errorMessage } from './errors.ts';

/** Why a program gave no result. */
export type SubprocessFailure =
  | 'start' // not found, not executable, no permission, bad working directory
  | 'timeout'
  | 'output' // more than maxOutputBytes
  | 'abort' // the signal given by the caller
  | 'signal' // killed by a signal that did not come from here
  | 'exit'; // non-zero exit code, with `check`

export class SubprocessError extends Error {
  override readonly name = 'SubprocessError';
  readonly failure: SubprocessFailure;
  readonly exitCode: number | undefined;
  /** What the program had written to each before it ended, at most `maxOutputBytes` together. */
  readonly stdout: Buffer;
  readonly stderr: Buffer;

  constructor(
    message: string,
    init: {
      readonly failure: SubprocessFailure;
      readonly exitCode?: number;
      readonly stdout?: Buffer;
      readonly stderr?: Buffer;
      readonly cause?: unknown;
    },
  ) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.failure = init.failure;
    this.exitCode = init.exitCode;
    this.stdout = init.stdout ?? Buffer.alloc(0);
    this.stderr = init.stderr ?? Buffer.alloc(0);
  }
}

export interface RunOptions {
  /** Written to the program's standard input, which is closed then. Nothing by default. */
  readonly stdin?: string | Uint8Array;
  /** How long the program may run, milliseconds. */
  readonly timeoutMs: number;
  /** Limit of standard output and standard error together. Default 16 MiB. */
  readonly maxOutputBytes?: number;
  /** The whole environment of the program; default that of this process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Aborting kills the program. */
  readonly signal?: AbortSignal;
  readonly uid?: number;
  readonly gid?: number;
  /** Reject on a non-zero exit code, with the first lines of standard error in the message. */
  readonly check?: boolean;
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

const DEFAULT_MAX_OUTPUT = 16 * 1024 * 1024;
const QUOTED_STDERR = 500;
/** How long after the program's end its output may still be held open by a process that left its group. */
const DRAIN_MS = 1000;

/**
 * Runs a program to its end and collects what it writes. No shell is involved: each element of `argv` reaches the
 * program as it is; the first names it, found on PATH unless it contains a slash.
 *
 * The program leads a process group of its own, and at a time-out, an abort or too much output the whole group is
 * killed (SIGKILL), so that nothing it started lives on. Rejects with {@link SubprocessError}. A non-zero exit code
 * is a result, not an error, unless `check` is set.
 */
export function run(argv: readonly [string, ...string[]], options: RunOptions): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const name = argv[0];
    if (options.signal?.aborted === true) {
      reject(new SubprocessError(`${name}: aborted before it started`, abortInit(options.signal)));
      return;
    }
    let child: ChildProcessWithoutNullStreams;
    try {
      child = start(argv, options);
    } catch (err) {
      // Bad arguments (a NUL byte, a wrong uid) throw here instead of emitting 'error'.
      reject(startError(name, err));
      return;
    }
    collect(name, child, options, resolve, reject);
  });
}

function start(argv: readonly [string, ...string[]], options: RunOptions): ChildProcessWithoutNullStreams {
  const { env, cwd, uid, gid } = options;
  return spawn(argv[0], argv.slice(1), {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true, // its own process group
    shell: false,
    ...(env === undefined ? {} : { env }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
}

function collect(
  name: string,
  child: ChildProcessWithoutNullStreams,
  options: RunOptions,
  resolve: (result: RunResult) => void,
  reject: (err: SubprocessError) => void,
): void {
  const { timeoutMs, maxOutputBytes = DEFAULT_MAX_OUTPUT, signal, check = false } = options;
  const chunks: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
  let size = 0;
  let killed: { failure: SubprocessFailure; text: string } | undefined;
  let settled = false;

  const kill = (failure: SubprocessFailure, text: string): void => {
    if (killed !== undefined || settled) return;
    killed = { failure, text };
    killGroup(child);
  };
  const onAbort = (): void => kill('abort', 'aborted');
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => kill('timeout', `not done within ${timeoutMs} ms`), timeoutMs);
  let drain: NodeJS.Timeout | undefined;

  const settle = (act: (stdout: Buffer, stderr: Buffer) => void): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    clearTimeout(drain);
    signal?.removeEventListener('abort', onAbort);
    // Where something outside the group still holds the pipes, they must not keep this process busy.
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    act(Buffer.concat(chunks.stdout), Buffer.concat(chunks.stderr));
  };

  const take = (to: Buffer[]) => (chunk: Buffer) => {
    const room = maxOutputBytes - size;
    size += chunk.length;
    if (room > 0) to.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
    if (size > maxOutputBytes) kill('output', `wrote more than ${maxOutputBytes} bytes`);
  };
  child.stdout.on('data', take(chunks.stdout));
  child.stderr.on('data', take(chunks.stderr));
  // A program that does not read all of its input is not at fault for that (EPIPE); its exit code tells.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin ?? '');

  child.once('error', (err) => settle(() => reject(startError(name, err))));
  const finish = (code: number | null, killedBy: NodeJS.Signals | null): void =>
    settle((stdout, stderr) => {
      const fail = (failure: SubprocessFailure, text: string, cause?: unknown): void =>
        reject(
          new SubprocessError(`${name}: ${text}`, {
            failure,
            stdout,
            stderr,
            ...(code === null ? {} : { exitCode: code }),
            ...(cause === undefined ? {} : { cause }),
          }),
        );
      if (killed !== undefined)
        fail(killed.failure, killed.text, signal?.aborted === true ? signal.reason : undefined);
      else if (code === null) fail('signal', `killed by ${killedBy ?? 'a signal'}`);
      else if (code !== 0 && check) fail('exit', exitText(code, stderr));
      else resolve({ exitCode: code, stdout, stderr });
    });
  child.once('close', finish);
  // 'close' waits for the pipes; a daemonised grandchild would hold them for ever.
  child.once('exit', (code, killedBy) => {
    drain = setTimeout(() => finish(code, killedBy), DRAIN_MS);
  });
}

function killGroup(child: ChildProcessWithoutNullStreams): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL'); // the group is gone already
  }
}

function startError(name: string, err: unknown): SubprocessError {
  return new SubprocessError(`${name}: cannot start: ${errorMessage(err)}`, { failure: 'start', cause: err });
}

function abortInit(signal: AbortSignal): { failure: SubprocessFailure; cause: unknown } {
  return { failure: 'abort', cause: signal.reason };
}

function exitText(code: number, stderr: Buffer): string {
  const text = stderr.toString('utf8').trim();
  const quoted = text.length > QUOTED_STDERR ? `${text.slice(0, QUOTED_STDERR)}...` : text;
  return quoted === '' ? `exit code ${code}` : `exit code ${code}: ${quoted}`;
}
