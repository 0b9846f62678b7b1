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

/** How programs are run; replaced by tests. A non-zero exit is a result, not an error. */
export type RunProgram = (
  argv: readonly [string, ...string[]],
  options: ProgramOptions,
) => Promise<ProgramResult>;

// A full nat table of 50,000 Services is some 100 MB.
const MAX_OUTPUT_BYTES = 512 * 1024 * 1024;

/** @throws SubprocessError when the program cannot be run, takes too long or prints too much */
export const runProgram: RunProgram = async (argv, { stdin, timeoutMs, signal }) => {
  const { exitCode, stdout, stderr } = await run(argv, {
    timeoutMs,
    maxOutputBytes: MAX_OUTPUT_BYTES,
    // Messages are matched, so they must not be translated.
    env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    ...(stdin === undefined ? {} : { stdin }),
    ...(signal === undefined ? {} : { signal }),
  });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
};
