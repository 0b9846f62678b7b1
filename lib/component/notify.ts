/**
 * Tells systemd how the daemon does (sd_notify(3)): READY=1 once it serves, STATUS= for `systemctl status`, WATCHDOG=1
 * while it is healthy, STOPPING=1 when it leaves. Without NOTIFY_SOCKET in the environment everything is a no-op.
 */
import type { Clock, Timer } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { DatagramSender } from './unix_datagram.ts';

export interface Notifier {
  /** Whether a service manager listens. */
  readonly enabled: boolean;
  ready(status?: string): void;
  status(text: string): void;
  stopping(status?: string): void;
  /** Asks for more time to start or stop, beyond the unit's timeouts. */
  extendTimeout(ms: number): void;
  /**
   * Sends WATCHDOG=1 at half the interval the unit asks for, as long as `healthy` says so within that time: a hung or
   * unhealthy daemon misses its beat and systemd restarts it. No-op when the unit has no WatchdogSec.
   */
  startWatchdog(healthy: () => boolean | Promise<boolean>, signal: AbortSignal): void;
}

export interface NotifierOptions {
  /** NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID are read, and removed so that child processes do not inherit them. */
  env: Record<string, string | undefined>;
  log: Log;
  clock: Clock;
  pid?: number;
  /** Opens the sender for a socket path; `@name` is an abstract socket. Default: the machine's sockets. */
  open?: (path: string) => DatagramSender;
}

export function createNotifier(options: NotifierOptions): Notifier {
  const { env, log, clock, pid = process.pid } = options;
  const path = env['NOTIFY_SOCKET'];
  const watchdogUsec = Number(env['WATCHDOG_USEC'] ?? 0);
  const watchdogPid = env['WATCHDOG_PID'];
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name];
  if (path === undefined || path === '') return SILENT;
  // vsock: and relative paths exist in newer systemd for virtual machines; a node daemon has no use for them.
  if (!path.startsWith('/') && !path.startsWith('@')) {
    log.warn('Cannot notify the service manager: NOTIFY_SOCKET must begin with / or @', { socket: path });
    return SILENT;
  }
  const meant = watchdogPid === undefined || watchdogPid === '' || watchdogPid === String(pid);
  const beatMs = meant && Number.isFinite(watchdogUsec) && watchdogUsec > 0 ? watchdogUsec / 2000 : 0;
  return new SocketNotifier(path, beatMs, log, clock, options.open);
}

const SILENT: Notifier = {
  enabled: false,
  ready: () => undefined,
  status: () => undefined,
  stopping: () => undefined,
  extendTimeout: () => undefined,
  startWatchdog: () => undefined,
};

class SocketNotifier implements Notifier {
  readonly enabled = true;
  readonly #path: string;
  readonly #beatMs: number;
  readonly #log: Log;
  readonly #clock: Clock;
  #open: ((path: string) => DatagramSender) | undefined;
  #sender: DatagramSender | undefined;
  /** Messages wait here, in order, while the native module loads. */
  #queue: Promise<void> = Promise.resolve();
  #failed = false;

  constructor(
    path: string,
    beatMs: number,
    log: Log,
    clock: Clock,
    open: ((path: string) => DatagramSender) | undefined,
  ) {
    this.#path = path;
    this.#beatMs = beatMs;
    this.#log = log;
    this.#clock = clock;
    this.#open = open;
  }

  ready(status?: string): void {
    this.#send('READY=1', status);
  }

  status(text: string): void {
    this.#send(undefined, text);
  }

  stopping(status?: string): void {
    this.#send('STOPPING=1', status);
  }

  extendTimeout(ms: number): void {
    this.#send(`EXTEND_TIMEOUT_USEC=${Math.ceil(ms * 1000)}`);
  }

  startWatchdog(healthy: () => boolean | Promise<boolean>, signal: AbortSignal): void {
    if (this.#beatMs === 0 || signal.aborted) return;
    let timer: Timer | undefined;
    let wasHealthy = true;
    let asking = false;
    const beat = async (): Promise<void> => {
      if (asking) return; // the question before is unanswered: no beat
      asking = true;
      try {
        const ok = await healthy();
        if (ok && !signal.aborted) this.#send('WATCHDOG=1');
        if (!ok && wasHealthy) this.#log.warn('Not healthy: the watchdog of the service manager is not fed');
        wasHealthy = ok;
      } catch (err) {
        if (wasHealthy)
          this.#log.error(err, 'Health check failed: the watchdog of the service manager is not fed');
        wasHealthy = false;
      } finally {
        asking = false;
      }
    };
    const arm = (): void => {
      timer = this.#clock.setTimer(this.#beatMs, () => {
        void beat();
        arm();
      });
    };
    arm();
    signal.addEventListener('abort', () => timer?.cancel(), { once: true });
    void beat();
  }

  #send(assignment: string | undefined, status?: string): void {
    const lines: string[] = [];
    if (assignment !== undefined) lines.push(assignment);
    // A line feed would start another assignment.
    if (status !== undefined) lines.push(`STATUS=${status.replaceAll(/[\r\n]+/g, ' ')}`);
    const datagram = Buffer.from(lines.join('\n'));
    if (this.#sender !== undefined) {
      this.#deliver(this.#sender, datagram);
      return;
    }
    this.#queue = this.#after(this.#queue, datagram);
  }

  async #after(earlier: Promise<void>, datagram: Buffer): Promise<void> {
    await earlier;
    try {
      this.#open ??= (await import('./unix_datagram.ts')).openUnixDatagram;
      this.#sender ??= this.#open(this.#path);
      this.#deliver(this.#sender, datagram);
    } catch (err) {
      this.#report(err);
    }
  }

  #deliver(sender: DatagramSender, datagram: Buffer): void {
    try {
      sender.send(datagram);
      this.#failed = false;
    } catch (err) {
      this.#report(err);
    }
  }

  /** Said once per run of failures: the watchdog would repeat it at every beat. */
  #report(err: unknown): void {
    if (!this.#failed) this.#log.error(err, 'Cannot notify the service manager', { socket: this.#path });
    this.#failed = true;
  }
}
