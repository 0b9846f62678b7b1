/** logind as it is spoken to, with a message bus of this test's own and `cat` in place of systemd-inhibit. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemBusPath } from './dbus_connection.ts';
import { type DBusMessage, decodeMessage, encodeMessage, messageLength } from './dbus_message.ts';
import { systemLogind } from './logind.ts';

/** A bus with one logind on it. */
class FakeBus {
  delayUSec = 5_000_000n;
  readonly calls: string[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  /** Answers to nothing but the greeting. */
  broken = false;

  constructor(path: string) {
    this.#server = createServer((socket) => this.#serve(socket));
    this.#server.listen(path);
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    let data = Buffer.alloc(0);
    let greeted = false;
    socket.on('data', (chunk) => {
      data = Buffer.concat([data, chunk]);
      while (!greeted) {
        const end = data.indexOf('\r\n');
        if (end < 0) return;
        const text = data.subarray(0, end).toString();
        data = data.subarray(end + 2);
        if (text.startsWith('\0AUTH EXTERNAL ')) socket.write('OK 0123456789abcdef\r\n');
        greeted = text === 'BEGIN';
      }
      for (let length = messageLength(data); length !== undefined && data.length >= length;) {
        this.#answer(socket, decodeMessage(data.subarray(0, length)));
        data = data.subarray(length);
        length = messageLength(data);
      }
    });
  }

  #answer(socket: Socket, message: DBusMessage): void {
    this.calls.push(`${message.member}(${message.body.join(', ')})`);
    const reply = (signature: string, body: Buffer): void =>
      void socket.write(
        encodeMessage({ type: 'return', serial: 1, replySerial: message.serial, signature, body }),
      );
    if (this.broken && message.member !== 'Hello') {
      const text = Buffer.from('no such thing');
      const body = Buffer.concat([Buffer.from([text.length, 0, 0, 0]), text, Buffer.from([0])]);
      socket.write(
        encodeMessage({
          type: 'error',
          serial: 1,
          replySerial: message.serial,
          errorName: 'org.freedesktop.DBus.Error.ServiceUnknown',
          signature: 's',
          body,
        }),
      );
    } else if (message.member === 'Get') {
      const body = Buffer.alloc(16);
      body.set([1, 't'.charCodeAt(0), 0]);
      body.writeBigUInt64LE(this.delayUSec, 8);
      reply('v', body);
    } else reply('', Buffer.alloc(0));
  }

  prepareForShutdown(goingDown: boolean): void {
    for (const socket of this.#sockets)
      socket.write(
        encodeMessage({
          type: 'signal',
          serial: 2,
          path: '/org/freedesktop/login1',
          interface: 'org.freedesktop.login1.Manager',
          member: 'PrepareForShutdown',
          sender: ':1.2',
          signature: 'b',
          body: Buffer.from([goingDown ? 1 : 0, 0, 0, 0]),
        }),
      );
  }

  disconnect(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.disconnect();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

let dir: string;
let bus: FakeBus;
const signal = new AbortController().signal;
const holds = [process.execPath, '-e', 'process.stdin.pipe(process.stdout)'] as const;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tsk-logind-'));
  bus = new FakeBus(join(dir, 'bus'));
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
