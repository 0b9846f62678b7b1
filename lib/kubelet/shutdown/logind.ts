/** logind over the system bus; the inhibitor lock itself through systemd-inhibit, which holds it while it runs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFileAtomic } from '../../base/atomic_file.ts';
import { DBusConnection, systemBusPath } from '../dbus/dbus_connection.ts';
import type { InhibitorLock, Logind } from './shutdown_manager.ts';

export interface LogindOptions {
  /** Default: the system bus. */
  readonly busPath?: string;
  /** Default: `/etc/systemd/logind.conf.d/99-kubelet.conf`, as stock. */
  readonly overridePath?: string;
  /** Program and arguments that hold the lock while they run and copy stdin to stdout; default: systemd-inhibit. */
  readonly inhibitArgv?: readonly [string, ...string[]];
}

const LOGIN = {
  destination: 'org.freedesktop.login1',
  path: '/org/freedesktop/login1',
  interface: 'org.freedesktop.login1.Manager',
} as const;
const SYSTEMD = {
  destination: 'org.freedesktop.systemd1',
  path: '/org/freedesktop/systemd1',
  interface: 'org.freedesktop.systemd1.Manager',
} as const;
const SIGHUP = 1;

const INHIBIT: readonly [string, ...string[]] = [
  'systemd-inhibit',
  '--what=shutdown',
  '--mode=delay',
  '--who=kubelet',
  '--why=Kubelet needs time to handle node shutdown',
  'cat',
];

export function systemLogind(options: LogindOptions = {}): Logind {
  const busPath = options.busPath ?? systemBusPath();
  const overridePath = options.overridePath ?? '/etc/systemd/logind.conf.d/99-kubelet.conf';

  const withBus = async <T>(signal: AbortSignal, use: (bus: DBusConnection) => Promise<T>): Promise<T> => {
    const bus = await DBusConnection.connect(busPath, signal);
    try {
      return await use(bus);
    } finally {
      bus.close();
    }
  };

  return {
    maxDelayMs: (signal) =>
      withBus(signal, async (bus) => {
        const [value] = await bus.call(
          {
            ...LOGIN,
            interface: 'org.freedesktop.DBus.Properties',
            member: 'Get',
            args: [{ string: LOGIN.interface }, { string: 'InhibitDelayMaxUSec' }],
          },
          signal,
        );
        if (typeof value !== 'bigint')
          throw new Error('InhibitDelayMaxUSec from logind is not a uint64 as expected');
        return Number(value / 1000n);
      }),
    async raiseMaxDelay(ms, signal) {
      await mkdir(dirname(overridePath), { recursive: true, mode: 0o755 });
      const text = `# Kubelet logind override\n[Login]\nInhibitDelayMaxSec=${Math.ceil(ms / 1000)}\n`;
      await writeFileAtomic(overridePath, text, { mode: 0o644 });
      await withBus(signal, (bus) =>
        bus.call(
          {
            ...SYSTEMD,
            member: 'KillUnit',
            args: [{ string: 'systemd-logind.service' }, { string: 'all' }, { int32: SIGHUP }],
          },
          signal,
        ),
      );
    },
    inhibit: (signal) => inhibit(options.inhibitArgv ?? INHIBIT, signal),
    async follow(changed, signal) {
      await withBus(signal, async (bus) => {
        await bus.subscribe(
          { interface: LOGIN.interface, member: 'PrepareForShutdown' },
          ([goingDown]) => changed(goingDown === true),
          signal,
        );
        const aborted = once(signal, 'abort');
        if (!signal.aborted) await Promise.race([aborted, bus.ended]);
      });
    },
  };
}

/** The lock is taken when the program behind it echoes, and gone when its input ends: also when this process dies. */
async function inhibit(argv: readonly [string, ...string[]], signal: AbortSignal): Promise<InhibitorLock> {
  const [program, ...args] = argv;
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const exited = new Promise<string>((resolve) => {
    let stderr = '';
    child.stderr.on('data', (data) => {
      stderr = `${stderr}${String(data)}`.slice(-1000);
    });
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code) => resolve(`exit code ${code ?? 'none'}: ${stderr.trim()}`));
  });
  child.stdin.on('error', () => undefined); // shows as its exit
  child.stdin.write('.');
  const abort = (): void => void child.kill();
  signal.addEventListener('abort', abort, { once: true });
  const taken = once(child.stdout, 'data').then(() => undefined);
  const failure = await Promise.race([taken, exited]);
  signal.removeEventListener('abort', abort);
  if (failure !== undefined) throw new Error(`failed creating systemd inhibitor: ${failure}`);
  return {
    async release() {
      child.stdin.end();
      await exited;
    },
  };
}
