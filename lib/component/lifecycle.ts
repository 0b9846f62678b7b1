/** The life of a daemon process: from the parsed command line to its exit code. */
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { types } from 'node:util';
import type { Clock } from '../base/clock.ts';
import { systemClock } from '../base/clock.ts';
import type { RootLogger } from './logging.ts';
import type { Notifier, NotifierOptions } from './notify.ts';
import { createNotifier } from './notify.ts';

/** What the process gives to the daemon's `run`. */
export interface DaemonContext {
  /** Name of the component, as in the stock release: `kubelet`, `kube-proxy`, `kube-scheduler`. */
  readonly name: string;
  /** Aborts at the first SIGTERM or SIGINT: finish orderly and return. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: RootLogger;
  readonly notify: Notifier;
}

/** Ends the daemon with the given exit code, without the stack that a mere error would show. */
export class ExitError extends Error {
  override readonly name = 'ExitError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

export interface RunDaemonOptions {
  log: RootLogger;
  clock?: Clock;
  /** How long an orderly shutdown may take before the process is ended all the same. */
  shutdownTimeoutMs?: number;
  /** The process to live in; replaced by tests. */
  process?: DaemonProcess;
  /** How the service manager is reached; replaced by tests. */
  openDatagram?: NonNullable<NotifierOptions['open']>;
}

/** The part of `process` that a daemon's life depends on. */
export interface DaemonProcess {
  readonly env: Record<string, string | undefined>;
  on(event: string, listener: (subject: unknown) => void): unknown;
  removeAllListeners(event: string): unknown;
  exit(code: number): void;
}

const SHUTDOWN_TIMEOUT_MS = 25_000;
/** As a Go program exits after an unrecovered panic. */
const EXIT_UNCAUGHT = 2;

/**
 * Runs `main` until it returns or the process is told to stop, then exits the process:
 *
 * - `main` returns: 0. `main` rejects: the error is logged, exit code 1, or that of an {@link ExitError}.
 * - First SIGTERM or SIGINT: `signal` aborts and `main` has `shutdownTimeoutMs` to return (0; 1 when it does not in time).
 *   An error that only says that the signal aborted counts as an orderly return. A second one: exit code 1 at once.
 * - An uncaught exception or unhandled rejection: logged with its stack, exit code 2. Going on would be in an unknown state.
 *
 * @returns when the exit has been requested; tests use it, a real process is gone
 */
export async function runDaemon(
  name: string,
  main: (signal: AbortSignal, ctx: DaemonContext) => Promise<void>,
  options: RunDaemonOptions,
): Promise<void> {
  const { log, clock = systemClock, shutdownTimeoutMs = SHUTDOWN_TIMEOUT_MS } = options;
  const proc: DaemonProcess = options.process ?? process;
  const abort = new AbortController();
  let exited = false;
  const exit = (code: number): void => {
    if (exited) return;
    exited = true;
    clearInterval(keepAlive);
    log.flush();
    proc.exit(code);
  };
  // Timers of the clock do not keep a process alive, and at times a daemon holds no socket at all.
  const keepAlive = setInterval(() => undefined, 2 ** 30);

  for (const event of ['uncaughtException', 'unhandledRejection']) {
    proc.on(event, (err) => {
      log.error(err, event === 'uncaughtException' ? 'Uncaught exception' : 'Unhandled promise rejection', {
        stack: types.isNativeError(err) ? (err.stack ?? '') : '',
      });
      exit(EXIT_UNCAUGHT);
    });
  }
  proc.removeAllListeners('warning');
  proc.on('warning', (warning) => log.warn('Warning of the JavaScript runtime', { warning }));
  // Left alone, this signal would open the debugger's port to everything on the machine.
  proc.on('SIGUSR1', () => log.info('Ignored SIGUSR1'));

  const { openDatagram: open } = options;
  const notify = createNotifier({ env: proc.env, log, clock, ...(open === undefined ? {} : { open }) });
  for (const signalName of ['SIGTERM', 'SIGINT']) {
    proc.on(signalName, () => {
      if (abort.signal.aborted) {
        log.warn('Second signal: exiting at once', { signal: signalName });
        exit(1);
        return;
      }
      log.info('Shutting down', { signal: signalName });
      notify.stopping(`Shutting down on ${signalName}`);
      abort.abort(new Error(`received ${signalName}`));
      clock.setTimer(shutdownTimeoutMs, () => {
        log.error(new Error(`still running after ${shutdownTimeoutMs} ms`), 'Orderly shutdown timed out');
        exit(1);
      });
    });
  }

  try {
    await main(abort.signal, { name, signal: abort.signal, clock, log, notify });
    exit(0);
  } catch (err) {
    if (abort.signal.aborted && isConsequenceOf(err, abort.signal)) {
      exit(0);
      return;
    }
    log.error(err, 'command failed');
    if (log.v(4).enabled && types.isNativeError(err))
      log.v(4).info('Stack of the failure', { stack: err.stack ?? '' });
    exit(err instanceof ExitError ? err.exitCode : 1);
  }
}

function isConsequenceOf(err: unknown, signal: AbortSignal): boolean {
  for (let e = err; types.isNativeError(e); e = e.cause)
    if (e === signal.reason || e.name === 'AbortError') return true;
  return false;
}

/**
 * Names the process as its program: `ps`, `pgrep`, `top` and `killall` would otherwise show `node`. One that was started
 * under the name of the stock component (a link, or a file put in its place) is found by that name, as tools expect.
 *
 * @param startedBy path that the process was started by
 */
export function nameProcess(program: string, component: string, startedBy = process.argv[1] ?? ''): void {
  const name = basename(startedBy) === component ? component : program;
  try {
    // The kernel keeps 15 bytes. The command line is left as it is, with all flags.
    writeFileSync('/proc/self/comm', name.slice(0, 15));
  } catch {
    // No /proc, or not writable: the name stays.
  }
}
