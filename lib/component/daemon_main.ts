/** From `process.argv` to a running daemon: what every cmd/<daemon>/main.ts does. */
import { systemClock } from '../base/clock.ts';
import type { DaemonContext } from './lifecycle.ts';
import { nameProcess, runDaemon } from './lifecycle.ts';
import type { ParsedFlags } from './flags.ts';
import { FlagError, flagUsage, formatFlags, parseFlags } from './flags.ts';
import { createLogger } from './logging.ts';
import type { informationFlags } from './information_flags.ts';
import { informationText } from './information_flags.ts';
import type { loggingFlags } from './logging_flags.ts';
import { effectiveLogging, logSettings } from './logging_config.ts';
import { ONE_STREAM } from './log_output.ts';

/** The flags that every daemon has. */
export type BaseFlags = typeof informationFlags & typeof loggingFlags;

/** The module that holds the daemon proper, loaded once it is clear that it is to run. */
export interface DaemonModule<D extends BaseFlags> {
  run(flags: ParsedFlags<D>, ctx: DaemonContext): Promise<void>;
}

export interface DaemonProgram<D extends BaseFlags> {
  /** The name of our executable: `ts-kubelet`. */
  program: string;
  /** The stock component it stands in for: `kubelet`. */
  component: string;
  /** First paragraph of `--help`. */
  description: string;
  /** Flags of the daemon, the generic ones included. */
  flags: D;
  /** Sub-commands (`explain`, ...): given the rest of the arguments, they resolve to the exit code. */
  commands?: Readonly<Record<string, (args: readonly string[]) => Promise<number>>>;
  load(): Promise<DaemonModule<D>>;
}

/** Runs the program to its end and exits the process. */
export async function daemonMain<D extends BaseFlags>(
  program: DaemonProgram<D>,
  argv: readonly string[] = process.argv.slice(2),
): Promise<void> {
  nameProcess(program.program, program.component);
  const command = program.commands?.[argv[0] ?? ''];
  if (command !== undefined) {
    process.exitCode = await command(argv.slice(1));
    return;
  }
  let parsed: ParsedFlags<D>;
  try {
    const outcome = commandLine(program, argv);
    if ('text' in outcome) {
      process.stdout.write(outcome.text);
      return;
    }
    parsed = outcome.parsed;
  } catch (err) {
    if (!(err instanceof FlagError)) throw err;
    process.stderr.write(`Error: ${err.message}\nSee "${program.program} --help" for all flags.\n`);
    process.exitCode = 1;
    return;
  }
  for (const warning of parsed.warnings) process.stderr.write(`${warning}\n`);

  // A log that cannot be written (closed pipe, full disk) is no reason to stop running pods.
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', () => undefined);
  // Splitting the streams hangs on a feature gate, which may stand in a config file that nobody has read yet: the
  // daemon sees to it (applyDaemonSettings).
  const log = createLogger({
    ...logSettings(effectiveLogging(parsed)),
    output: ONE_STREAM,
    stream: process.stderr,
    infoStream: process.stdout,
    clock: systemClock,
    source: program.component,
  });
  if (log.v(1).enabled)
    for (const [name, value] of formatFlags(program.flags, parsed))
      log.v(1).info('FLAG', { name: `--${name}`, value });
  await runDaemon(
    program.component,
    async (_signal, ctx) => {
      const daemon = await program.load();
      await daemon.run(parsed, ctx);
    },
    { log },
  );
}

/** Decides between a text to print (`--help`, `--version`) and flags to run with. */
export function commandLine<D extends BaseFlags>(
  program: DaemonProgram<D>,
  argv: readonly string[],
): { text: string } | { parsed: ParsedFlags<D> } {
  const parsed = parseFlags(program.flags, argv);
  const text = informationText(parsed.values, () => helpText(program));
  if (text !== undefined) return { text };
  if (parsed.args.length > 0) {
    const got = parsed.args.map((a) => JSON.stringify(a)).join(' ');
    throw new FlagError(`"${program.program}" does not take any arguments, got [${got}]`);
  }
  return { parsed };
}

function helpText<D extends BaseFlags>(program: DaemonProgram<D>): string {
  const commands = Object.keys(program.commands ?? {}).map((name) => `  ${program.program} ${name} ...\n`);
  return `${program.description}\n\nUsage:\n  ${program.program} [flags]\n${commands.join('')}\n${flagUsage(program.flags)}`;
}
