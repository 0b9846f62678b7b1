/** Runs a program in a process group of its own, with its output in a file, and ends all of it when asked. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, openSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

export interface CommandOptions {
  /** Stdout and stderr are appended to it. */
  readonly log: string;
  /** Called with each piece of stdout as it comes. */
  readonly onStdout?: (text: string) => void;
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** How long the program may take to end after SIGINT, before SIGKILL. */
  readonly graceMs: number;
}

export interface Ended {
  /** Undefined when a signal killed it. */
  readonly exitCode: number | undefined;
  readonly why: 'exit' | 'timeout' | 'interrupted';
}

/**
 * Runs `argv` to its end. A deadline or the signal sends SIGINT to the group, which ginkgo answers by cleaning up and
 * writing its report.
 *
 * @throws Error when the program cannot be started
 */
export function runCommand(argv: readonly [string, ...string[]], options: CommandOptions): Promise<Ended> {
  const output = createWriteStream(options.log, { fd: openSync(options.log, 'a') });
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0], argv.slice(1), {
      cwd: options.cwd,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    child.stdout.pipe(output, { end: false });
    child.stderr.pipe(output, { end: false });
    const decoder = new StringDecoder();
    child.stdout.on('data', (chunk: Buffer) => options.onStdout?.(decoder.write(chunk)));
    let why: Ended['why'] = 'exit';
    let force: NodeJS.Timeout | undefined;
    const end = (reason: Ended['why']): void => {
      if (why !== 'exit') return;
      why = reason;
      signalGroup(child, 'SIGINT');
      force = setTimeout(() => signalGroup(child, 'SIGKILL'), options.graceMs);
    };
    const timer = setTimeout(() => end('timeout'), options.timeoutMs);
    const onAbort = (): void => end('interrupted');
    options.signal.addEventListener('abort', onAbort, { once: true });
    const done = (): void => {
      clearTimeout(timer);
      clearTimeout(force);
      options.signal.removeEventListener('abort', onAbort);
      output.end();
    };
    child.once('error', (error) => {
      done();
      reject(new Error(`${argv[0]} cannot be started: ${error.message}`, { cause: error }));
    });
    // The runner has ended; what it started may not have, and may hold its output open.
    child.once('exit', () => signalGroup(child, 'SIGKILL'));
    child.once('close', (code) => {
      done();
      output.once('close', () => resolve({ exitCode: code ?? undefined, why }));
    });
    if (options.signal.aborted) onAbort();
  });
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // By shape: jest's own realm has another Error.
    if (!(typeof error === 'object' && error !== null && 'code' in error && error.code === 'ESRCH'))
      throw error;
  }
}
