/** Running programs from tests: to their end, or in the background until the test ends them. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProgramResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly stdin?: string | Buffer;
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** A program that a test started and has to end. */
export class RunningProgram implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #exited: Promise<number>;
  stdout = '';
  stderr = '';

  constructor(argv: readonly [string, ...string[]], env?: Readonly<Record<string, string>>) {
    const [program, ...args] = argv;
    this.#child = spawn(program, args, { env: { ...process.env, ...env } });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    // A program that ends early closes its input; what it printed tells why.
    this.#child.stdin.on('error', () => undefined);
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (err) => {
        this.stderr += err.message;
        resolve(127);
      });
      this.#child.once('close', (code) => resolve(code ?? 128));
    });
  }

  write(text: string | Buffer): void {
    this.#child.stdin.write(text);
  }

  endInput(): void {
    this.#child.stdin.end();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Exit code, 128 when a signal ended it. */
  get exited(): Promise<number> {
    return this.#exited;
  }

  /** Exit code, or 'running' when it has not ended after `timeoutMs`. */
  async exitedWithin(timeoutMs: number): Promise<number | 'running'> {
    const timer = new AbortController();
    try {
      return await Promise.race([
        this.#exited,
        sleep(timeoutMs, 'running' as const, { signal: timer.signal }),
      ]);
    } finally {
      timer.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined) {
      this.#child.kill('SIGTERM');
      if ((await this.exitedWithin(5000)) === 'running') this.#child.kill('SIGKILL');
      await this.#exited;
    }
  }
}

/** Runs a program to its end. Any exit code is a result; not ending in time is an error. */
export async function runProgram(
  argv: readonly [string, ...string[]],
  { stdin, timeoutMs = 60_000, env }: ProgramOptions = {},
): Promise<ProgramResult> {
  const running = new RunningProgram(argv, env);
  if (stdin !== undefined) running.write(stdin);
  running.endInput();
  const exitCode = await running.exitedWithin(timeoutMs);
  if (exitCode === 'running') {
    await running[Symbol.asyncDispose]();
    throw new Error(
      `${argv.join(' ')} did not end within ${timeoutMs / 1000} s: ${running.stdout}${running.stderr}`,
    );
  }
  return { exitCode, stdout: running.stdout, stderr: running.stderr };
}

/** Resolves when a running program has printed `text` on stdout. */
export async function printed(
  running: RunningProgram,
  text: string | RegExp,
  timeoutMs = 30_000,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  const found = (): boolean =>
    typeof text === 'string' ? running.stdout.includes(text) : text.test(running.stdout);
  while (!found()) {
    if (performance.now() > end || (await running.exitedWithin(50)) !== 'running') {
      if (found()) return;
      throw new Error(
        `${String(text)} was not printed; stdout: ${running.stdout}; stderr: ${running.stderr}`,
      );
    }
  }
}
