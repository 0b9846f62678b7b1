/** Runs the programs of the packet filter: arguments as a list, input on stdin, output and time limited, no shell. */
import { spawn } from 'node:child_process';

export interface ProgramResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly stdin?: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** How programs are run; replaced by tests. A non-zero exit is a result, not an error. */
export type RunProgram = (
  argv: readonly [string, ...string[]],
  options: ProgramOptions,
) => Promise<ProgramResult>;

/** The program could not be started, did not end in time or printed too much. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
}

// A full nat table of 50,000 Services is some 100 MB.
const MAX_OUTPUT_BYTES = 512 * 1024 * 1024;

export const runProgram: RunProgram = (argv, { stdin, timeoutMs, signal }) =>
  new Promise((resolve, reject) => {
    const [program, ...args] = argv;
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let bytes = 0;
    const fail = (message: string, cause?: unknown): void => {
      child.kill('SIGKILL');
      settle(() => reject(new ProgramError(`${program}: ${message}`, { cause })));
    };
    const timer = setTimeout(() => fail(`not finished after ${timeoutMs} ms`), timeoutMs);
    const abort = (): void => fail('aborted', signal?.reason);
    let settled = false;
    const settle = (then: () => void): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      then();
    };
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, { once: true });
    const collect = (into: Buffer[]) => (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_OUTPUT_BYTES) fail(`more than ${MAX_OUTPUT_BYTES} bytes of output`);
      else into.push(chunk);
    };
    child.stdout.on('data', collect(out));
    child.stderr.on('data', collect(err));
    child.on('error', (cause) => fail('cannot be run', cause));
    child.on('close', (code, killedBy) => {
      settle(() => {
        if (code === null) reject(new ProgramError(`${program}: ended by ${killedBy ?? 'a signal'}`));
        else {
          const [stdout, stderr] = [Buffer.concat(out).toString(), Buffer.concat(err).toString()];
          resolve({ exitCode: code, stdout, stderr });
        }
      });
    });
    // A program that ends without reading its input says why on stderr.
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin ?? '');
  });
