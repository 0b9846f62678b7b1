/** Runs the programs of the packet filter: arguments as a list, input on stdin, output and time limited, no shell. */
import { run } from '../base/subprocess.ts';

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

type Argv = readonly [string, ...string[]];

/** How programs are run; replaced by tests. A non-zero exit is a result, not an error. */
export type RunProgram = (argv: Argv, options: ProgramOptions) => Promise<ProgramResult>;

// A full nat table of 50,000 Services is some 100 MB.
const MAX_OUTPUT_BYTES = 512 * 1024 * 1024;

/** @throws SubprocessError when the program cannot be run, takes too long or prints too much */
export const runProgram: RunProgram = async (argv, { stdin, timeoutMs, signal }) => {
  const { exitCode, stdout, stderr } = await run(argv, {
    timeoutMs,
    maxOutputBytes: MAX_OUTPUT_BYTES,
    // Messages are matched, so they must not be translated.
    env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    // Of text, Node would keep room for three bytes a character until it is written.
    ...(stdin === undefined ? {} : { stdin: Buffer.from(stdin) }),
    ...(signal === undefined ? {} : { signal }),
  });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
};

/** The packet filter refused, or its program could not be run. */
export class PacketFilterError extends Error {
  override readonly name: string = 'PacketFilterError';
  /** Line of the input that was refused, when it is known; counted from 1. */
  readonly line: number | undefined;

  constructor(message: string, options?: ErrorOptions & { line?: number }) {
    super(message, options);
    this.line = options?.line;
  }
}

export interface FilterProgramsOptions {
  /** What is thrown. */
  readonly failure: new (message: string, options?: ErrorOptions & { line?: number }) => PacketFilterError;
  /** Finds the number of the refused line in what the program said. */
  readonly line: RegExp;
  readonly run: RunProgram | undefined;
}

const SAID_LIMIT = 2000;

/** Runs programs and makes their failures errors of one kind. */
export class FilterPrograms {
  readonly #options: FilterProgramsOptions;
  readonly #run: RunProgram;

  constructor(options: FilterProgramsOptions) {
    this.#options = options;
    this.#run = options.run ?? runProgram;
  }

  /** @throws PacketFilterError when the program cannot be run */
  async call(argv: Argv, options: ProgramOptions): Promise<ProgramResult> {
    try {
      return await this.#run(argv, options);
    } catch (cause) {
      throw new this.#options.failure(`${argv[0]} failed`, { cause });
    }
  }

  /** Its output. @throws PacketFilterError also when it ends with another exit code than 0 */
  async output(argv: Argv, options: ProgramOptions): Promise<string> {
    return this.checked(argv, await this.call(argv, options)).stdout;
  }

  /** @throws PacketFilterError when the exit code is another than 0 */
  checked(argv: Argv, result: ProgramResult): ProgramResult {
    if (result.exitCode === 0) return result;
    const said = result.stderr.trim().slice(0, SAID_LIMIT);
    const line = this.#options.line.exec(said)?.[1];
    throw new this.#options.failure(
      `${argv.join(' ')} ended with exit code ${result.exitCode}: ${said}`,
      line === undefined ? {} : { line: Number(line) },
    );
  }
}
