/** A message bus of a test's own on a Unix socket, with one answering machine behind all names. */
import { createServer, type Server, type Socket } from 'node:net';
import {
  type DBusMessage,
  decodeMessage,
  encodeMessage,
  messageLength,
  type OutgoingMessage,
} from '../dbus/dbus_message.ts';

/** A marshalled body, or an error by its name. */
export type BusAnswer =
  { readonly signature: string; readonly body: Buffer } | { readonly error: string; readonly text: string };

export const NOTHING: BusAnswer = { signature: '', body: Buffer.alloc(0) };

export abstract class FakeBus {
  /** What was called, as `Member(argument, ...)`. */
  readonly calls: string[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  constructor(path: string) {
    this.#server = createServer((socket) => this.#serve(socket));
    this.#server.listen(path);
  }

  /** To everything but the greeting. */
  protected abstract answer(message: DBusMessage): BusAnswer;

  protected signal(
    signal: Pick<OutgoingMessage, 'path' | 'interface' | 'member' | 'signature' | 'body'>,
  ): void {
    for (const socket of this.#sockets)
      socket.write(encodeMessage({ type: 'signal', serial: 2, sender: ':1.2', ...signal }));
  }

  disconnect(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.disconnect();
    await new Promise((resolve) => this.#server.close(resolve));
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
        this.#take(socket, decodeMessage(data.subarray(0, length)));
        data = data.subarray(length);
        length = messageLength(data);
      }
    });
  }

  #take(socket: Socket, message: DBusMessage): void {
    this.calls.push(`${message.member}(${message.body.map(spell).join(', ')})`);
    const answer = message.member === 'Hello' ? NOTHING : this.answer(message);
    const reply = { serial: 1, replySerial: message.serial };
    if ('error' in answer) {
      const text = Buffer.from(answer.text);
      const body = Buffer.concat([Buffer.from([text.length, 0, 0, 0]), text, Buffer.from([0])]);
      socket.write(encodeMessage({ type: 'error', ...reply, errorName: answer.error, signature: 's', body }));
    } else socket.write(encodeMessage({ type: 'return', ...reply, ...answer }));
  }
}

function spell(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spell).join(' ')}]`;
  return String(value);
}
