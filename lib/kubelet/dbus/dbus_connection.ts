/** A connection to a message bus: calls with their answers, and signals. */
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { errorMessage } from '../../base/errors.ts';
import {
  type Argument,
  decodeMessage,
  type DBusMessage,
  encodeMessage,
  marshal,
  messageLength,
} from './dbus_message.ts';

/** The bus or the called object answered with an error. */
export class DBusError extends Error {
  override readonly name = 'DBusError';
  /** `org.freedesktop.DBus.Error.ServiceUnknown` and the like. */
  readonly errorName: string;
  constructor(errorName: string, message: string) {
    super(`${errorName}: ${message}`);
    this.errorName = errorName;
  }
}

export interface Call {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly args?: readonly Argument[];
}

const SYSTEM_BUS = '/run/dbus/system_bus_socket';
const CALL_TIMEOUT_MS = 25_000;

/** Path of the system bus: `DBUS_SYSTEM_BUS_ADDRESS` where it names a path, else the usual one. */
export function systemBusPath(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return /unix:path=([^,;]+)/.exec(env['DBUS_SYSTEM_BUS_ADDRESS'] ?? '')?.[1] ?? SYSTEM_BUS;
}

export class DBusConnection {
  readonly #socket: Socket;
  readonly #calls = new Map<
    number,
    { resolve(body: readonly unknown[]): void; reject(error: Error): void }
  >();
  readonly #listeners = new Set<(message: DBusMessage) => void>();
  #data: Buffer = Buffer.alloc(0);
  #serial = 0;
  #failure: Error | undefined;
  /** Rejects when the connection ends. */
  readonly ended: Promise<never>;

  private constructor(socket: Socket, rest: Buffer) {
    this.#socket = socket;
    let fail: (error: Error) => void = () => undefined;
    this.ended = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    this.ended.catch(() => undefined); // for those who do not wait for it
    const end = (error: Error): void => {
      if (this.#failure !== undefined) return;
      this.#failure = error;
      socket.destroy();
      for (const call of this.#calls.values()) call.reject(error);
      this.#calls.clear();
      fail(error);
    };
    socket.on('data', (chunk) => {
      try {
        this.#received(chunk);
      } catch (error) {
        end(error instanceof Error ? error : new Error('broken message', { cause: error }));
      }
    });
    socket.on('error', (error) => end(new Error(`message bus: ${error.message}`, { cause: error })));
    socket.on('close', () => end(new Error('the message bus closed the connection')));
    if (rest.length > 0) this.#received(rest);
  }

  /** Connects and says who it is. Rejects when there is no bus, or it does not let this user in. */
  static async connect(path: string, signal: AbortSignal): Promise<DBusConnection> {
    const socket = connect({ path, signal });
    try {
      await once(socket, 'connect', { signal });
      const uid = Buffer.from(String(process.getuid?.() ?? 0)).toString('hex');
      socket.write(`\0AUTH EXTERNAL ${uid}\r\n`);
      const answer = await line(socket, signal);
      if (!answer.text.startsWith('OK ')) throw new Error(`message bus ${path} refuses: ${answer.text}`);
      socket.write('BEGIN\r\n');
      const connection = new DBusConnection(socket, answer.rest);
      await connection.call({ ...BUS, member: 'Hello' }, signal);
      return connection;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /** The body of the answer. @throws DBusError */
  async call(call: Call, signal: AbortSignal): Promise<readonly unknown[]> {
    if (this.#failure !== undefined) throw this.#failure;
    const { args = [], ...header } = call;
    const serial = ++this.#serial;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]);
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#calls.delete(serial);
        reject(new Error(`no answer to ${call.member} from ${call.destination}`, { cause: limit.reason }));
      };
      const done = (): void => limit.removeEventListener('abort', abort);
      limit.addEventListener('abort', abort, { once: true });
      this.#calls.set(serial, {
        resolve: (body) => {
          done();
          resolve(body);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      });
      this.#socket.write(encodeMessage({ type: 'call', serial, ...header, ...marshal(args) }));
    });
  }

  /** Signals of an interface and member from now on. */
  async subscribe(
    match: { readonly interface: string; readonly member: string },
    listener: (body: readonly unknown[]) => void,
    signal: AbortSignal,
  ): Promise<void> {
    this.#listeners.add((message) => {
      if (message.interface === match.interface && message.member === match.member) listener(message.body);
    });
    const rule = `type='signal',interface='${match.interface}',member='${match.member}'`;
    await this.call({ ...BUS, member: 'AddMatch', args: [{ string: rule }] }, signal);
  }

  close(): void {
    this.#socket.destroy();
  }

  #received(chunk: Buffer): void {
    this.#data = Buffer.concat([this.#data, chunk]);
    for (;;) {
      const length = messageLength(this.#data);
      if (length === undefined || this.#data.length < length) return;
      const message = decodeMessage(this.#data.subarray(0, length));
      this.#data = this.#data.subarray(length);
      this.#dispatch(message);
    }
  }

  #dispatch(message: DBusMessage): void {
    if (message.type === 'signal') {
      for (const listener of this.#listeners) listener(message);
      return;
    }
    const serial = message.replySerial ?? 0;
    const call = this.#calls.get(serial);
    this.#calls.delete(serial);
    if (message.type === 'return') call?.resolve(message.body);
    else if (message.type === 'error')
      call?.reject(new DBusError(message.errorName ?? 'unknown error', errorMessage(message.body[0])));
  }
}

const BUS = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
} as const;

/** One line of the authentication dialogue, and what came after it. */
async function line(socket: Socket, signal: AbortSignal): Promise<{ text: string; rest: Buffer }> {
  let data = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      socket.off('data', take);
      socket.off('close', closed);
      signal.removeEventListener('abort', closed);
    };
    const closed = (): void => {
      stop();
      reject(new Error('the message bus closed the connection'));
    };
    const take = (chunk: Buffer): void => {
      data = Buffer.concat([data, chunk]);
      const end = data.indexOf('\r\n');
      if (end < 0) return;
      stop();
      resolve({ text: data.subarray(0, end).toString(), rest: data.subarray(end + 2) });
    };
    socket.on('data', take);
    socket.once('close', closed);
    signal.addEventListener('abort', closed, { once: true });
  });
}
