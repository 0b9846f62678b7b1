/** logind as it is spoken to, with a message bus of this test's own and `cat` in place of systemd-inhibit. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemBusPath } from '../dbus/dbus_connection.ts';
import type { DBusMessage } from '../dbus/dbus_message.ts';
import { type BusAnswer, FakeBus, NOTHING } from '../testing/fake_bus.ts';
import { systemLogind } from './logind.ts';

/** A bus with one logind on it. */
class LogindBus extends FakeBus {
  delayUSec = 5_000_000n;
  broken = false;

  protected override answer(message: DBusMessage): BusAnswer {
    if (this.broken) return { error: 'org.freedesktop.DBus.Error.ServiceUnknown', text: 'no such thing' };
    if (message.member !== 'Get') return NOTHING;
    const body = Buffer.alloc(16);
    body.set([1, 't'.charCodeAt(0), 0]);
    body.writeBigUInt64LE(this.delayUSec, 8);
    return { signature: 'v', body };
  }

  prepareForShutdown(goingDown: boolean): void {
    this.signal({
      path: '/org/freedesktop/login1',
      interface: 'org.freedesktop.login1.Manager',
      member: 'PrepareForShutdown',
      signature: 'b',
      body: Buffer.from([goingDown ? 1 : 0, 0, 0, 0]),
    });
  }
}

let dir: string;
let bus: LogindBus;
const signal = new AbortController().signal;
const holds = [process.execPath, '-e', 'process.stdin.pipe(process.stdout)'] as const;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tsk-logind-'));
  bus = new LogindBus(join(dir, 'bus'));
});
afterEach(async () => {
  await bus.close();
  await rm(dir, { recursive: true, force: true });
});

function logind(inhibitArgv: readonly [string, ...string[]] = holds) {
  return systemLogind({ busPath: join(dir, 'bus'), overridePath: join(dir, 'conf.d/99.conf'), inhibitArgv });
}

test('K23: reads the delay that is allowed, and raises it by an override', async () => {
  expect(await logind().maxDelayMs(signal)).toBe(5000);
  await logind().raiseMaxDelay(45_500, signal);
  expect(await readFile(join(dir, 'conf.d/99.conf'), 'utf8')).toBe(
    '# Kubelet logind override\n[Login]\nInhibitDelayMaxSec=46\n',
  );
  expect(bus.calls).toEqual([
    'Hello()',
    'Get(org.freedesktop.login1.Manager, InhibitDelayMaxUSec)',
    'Hello()',
    'KillUnit(systemd-logind.service, all, 1)',
  ]);
});

test('K23: follows what logind announces until told to stop', async () => {
  const stop = new AbortController();
  const seen: boolean[] = [];
  const two = Promise.withResolvers<void>();
  const following = logind().follow((goingDown) => {
    seen.push(goingDown);
    if (seen.length === 2) two.resolve();
  }, stop.signal);
  while (!bus.calls.some((call) => call.startsWith('AddMatch'))) await new Promise(setImmediate);
  bus.prepareForShutdown(true);
  bus.prepareForShutdown(false);
  await two.promise;
  expect(seen).toEqual([true, false]);
  stop.abort();
  await following;
});

test('K23: a lost connection is told', async () => {
  const following = logind().follow(() => undefined, signal);
  while (!bus.calls.some((call) => call.startsWith('AddMatch'))) await new Promise(setImmediate);
  bus.disconnect();
  await expect(following).rejects.toThrow('the message bus closed the connection');
});

test('K23: what the bus refuses is told by its name', async () => {
  bus.broken = true;
  await expect(logind().maxDelayMs(signal)).rejects.toThrow(
    'org.freedesktop.DBus.Error.ServiceUnknown: no such thing',
  );
});

test('K23: the lock is held while the program runs, and let go with its input', async () => {
  const lock = await logind().inhibit(signal);
  await lock.release();
  await expect(logind(['false']).inhibit(signal)).rejects.toThrow(
    'failed creating systemd inhibitor: exit code 1',
  );
  await expect(logind(['/nonexistent/inhibit']).inhibit(signal)).rejects.toThrow('ENOENT');
});

test('K23: no bus at all', async () => {
  const none = systemLogind({ busPath: join(dir, 'none') });
  await expect(none.maxDelayMs(signal)).rejects.toThrow('ENOENT');
});

test.each([
  [undefined, '/run/dbus/system_bus_socket'],
  ['unix:path=/x/bus,guid=1', '/x/bus'],
  ['tcp:host=x', '/run/dbus/system_bus_socket'],
])('K23: DBUS_SYSTEM_BUS_ADDRESS %s', (address, path) => {
  expect(systemBusPath({ DBUS_SYSTEM_BUS_ADDRESS: address })).toBe(path);
});
