/** Messages of D-Bus on the wire (https://dbus.freedesktop.org/doc/dbus-specification.html), as far as logind and systemd need them. */

/** A message that breaks the protocol. */
export class DBusProtocolError extends Error {
  override readonly name = 'DBusProtocolError';
}

export type MessageType = 'call' | 'return' | 'error' | 'signal';
const TYPES: readonly MessageType[] = ['call', 'return', 'error', 'signal'];

export interface DBusMessage {
  readonly type: MessageType;
  readonly serial: number;
  readonly replySerial?: number;
  readonly path?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly errorName?: string;
  readonly destination?: string;
  readonly sender?: string;
  /** Of the body. */
  readonly signature: string;
  readonly body: readonly unknown[];
}

/** Arguments of a call: strings, booleans, 32-bit integers with their sign, and what systemd takes of a unit. */
export type Argument =
  | { readonly string: string }
  | { readonly int32: number }
  | { readonly boolean: boolean }
  /** `a(sv)`. */
  | { readonly properties: readonly Property[] }
  /** `a(sa(sv))`, of which none is ever given. */
  | { readonly auxiliaryUnits: readonly [] };

/** A property by its name. */
export type Property = readonly [
  name: string,
  value: { readonly uint64: bigint } | { readonly boolean: boolean } | { readonly string: string },
];

const FIELDS = {
  path: [1, 'o'],
  interface: [2, 's'],
  member: [3, 's'],
  errorName: [4, 's'],
  destination: [6, 's'],
  sender: [7, 's'],
} as const;
/** The specification's own limit. */
const MAX_MESSAGE = 128 * 1024 * 1024;

class Writer {
  readonly #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }
  align(to: number): void {
    while (this.#bytes.length % to !== 0) this.#bytes.push(0);
  }
  byte(value: number): void {
    this.#bytes.push(value);
  }
  uint32(value: number): void {
    this.align(4);
    for (let shift = 0; shift < 32; shift += 8) this.#bytes.push((value >>> shift) & 0xff);
  }
  uint64(value: bigint): void {
    this.align(8);
    for (let shift = 0n; shift < 64n; shift += 8n) this.#bytes.push(Number((value >> shift) & 0xffn));
  }
  string(text: string): void {
    const data = Buffer.from(text);
    this.uint32(data.length);
    this.#bytes.push(...data, 0);
  }
  /** Items that are aligned to 8; the padding before the first does not count. */
  array(write: () => void): void {
    this.uint32(0);
    const lengthAt = this.length - 4;
    this.align(8);
    const from = this.length;
    write();
    const length = this.length - from;
    for (let i = 0; i < 4; i++) this.#bytes[lengthAt + i] = (length >>> (8 * i)) & 0xff;
  }
  signature(text: string): void {
    this.#bytes.push(text.length, ...Buffer.from(text), 0);
  }
  append(data: Uint8Array): void {
    for (const byte of data) this.#bytes.push(byte);
  }
  toBuffer(): Buffer {
    return Buffer.from(this.#bytes);
  }
}

export interface OutgoingMessage extends Omit<DBusMessage, 'body'> {
  /** Marshalled by `signature`, aligned to 8. */
  readonly body: Uint8Array;
}

function writeProperty(writer: Writer, [name, value]: Property): void {
  writer.align(8);
  writer.string(name);
  if ('uint64' in value) {
    writer.signature('t');
    writer.uint64(value.uint64);
  } else if ('boolean' in value) {
    writer.signature('b');
    writer.uint32(value.boolean ? 1 : 0);
  } else {
    writer.signature('s');
    writer.string(value.string);
  }
}

/** The body of a call and its signature. */
export function marshal(args: readonly Argument[]): { readonly signature: string; readonly body: Buffer } {
  const writer = new Writer();
  let signature = '';
  for (const arg of args) {
    if ('string' in arg) {
      signature += 's';
      writer.string(arg.string);
    } else if ('int32' in arg) {
      signature += 'i';
      writer.uint32(arg.int32);
    } else if ('boolean' in arg) {
      signature += 'b';
      writer.uint32(arg.boolean ? 1 : 0);
    } else if ('properties' in arg) {
      signature += 'a(sv)';
      writer.array(() => {
        for (const property of arg.properties) writeProperty(writer, property);
      });
    } else {
      signature += 'a(sa(sv))';
      writer.array(() => undefined);
    }
  }
  return { signature, body: writer.toBuffer() };
}

export function encodeMessage(message: OutgoingMessage): Buffer {
  const fields = new Writer();
  const field = (code: number, type: string, write: () => void): void => {
    fields.align(8);
    fields.byte(code);
    fields.signature(type);
    write();
  };
  for (const [name, [code, type]] of Object.entries(FIELDS)) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of FIELDS
    const value = message[name as keyof typeof FIELDS];
    if (value !== undefined) field(code, type, () => fields.string(value));
  }
  const { replySerial } = message;
  if (replySerial !== undefined) field(5, 'u', () => fields.uint32(replySerial));
  if (message.signature !== '') field(8, 'g', () => fields.signature(message.signature));
  const array = fields.toBuffer();
  const out = new Writer();
  out.byte('l'.charCodeAt(0));
  out.byte(TYPES.indexOf(message.type) + 1);
  out.byte(0);
  out.byte(1);
  out.uint32(message.body.length);
  out.uint32(message.serial);
  out.uint32(array.length);
  out.append(array);
  out.align(8);
  out.append(message.body);
  return out.toBuffer();
}

/** Length of the message that begins the buffer; `undefined` while too little of it is there. @throws DBusProtocolError */
export function messageLength(data: Buffer): number | undefined {
  if (data.length < 16) return undefined;
  const order = data[0];
  if (order !== 0x6c && order !== 0x42) throw new DBusProtocolError(`byte order ${order}`);
  const little = order === 0x6c;
  const [body, fields] = [4, 12].map((at) => (little ? data.readUInt32LE(at) : data.readUInt32BE(at)));
  const length = Math.ceil((16 + (fields ?? 0)) / 8) * 8 + (body ?? 0);
  if (length > MAX_MESSAGE) throw new DBusProtocolError(`a message of ${length} bytes`);
  return length;
}

/** @throws DBusProtocolError */
export function decodeMessage(data: Buffer): DBusMessage {
  const reader = new Reader(data, data[0] === 0x6c);
  reader.at = 1;
  const type = TYPES[reader.byte() - 1];
  if (type === undefined) throw new DBusProtocolError('unknown type of message');
  reader.at = 8;
  const serial = reader.uint32();
  const found: Record<number, unknown> = {};
  for (const entry of reader.values('a(yv)').flat()) {
    if (!Array.isArray(entry)) throw new DBusProtocolError('header fields');
    const [code, value] = entry as readonly unknown[];
    found[Number(code)] = value;
  }
  const text = (code: number): string | undefined => {
    const value = found[code];
    return typeof value === 'string' ? value : undefined;
  };
  reader.align(8);
  const signature = text(8) ?? '';
  const replySerial = found[5];
  return {
    type,
    serial,
    ...(typeof replySerial === 'number' ? { replySerial } : {}),
    ...given('path', text(1)),
    ...given('interface', text(2)),
    ...given('member', text(3)),
    ...given('errorName', text(4)),
    ...given('destination', text(6)),
    ...given('sender', text(7)),
    signature,
    body: reader.values(signature),
  };
}

function given<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a computed key loses its literal type
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: string };
}

class Reader {
  readonly #data: Buffer;
  readonly #little: boolean;
  at = 0;

  constructor(data: Buffer, little: boolean) {
    this.#data = data;
    this.#little = little;
  }

  align(to: number): void {
    this.at = Math.ceil(this.at / to) * to;
  }

  #take(length: number): Buffer {
    const from = this.at;
    this.at += length;
    if (this.at > this.#data.length)
      throw new DBusProtocolError('a value goes beyond the end of its message');
    return this.#data.subarray(from, this.at);
  }

  byte(): number {
    return this.#take(1)[0] ?? 0;
  }

  uint32(): number {
    this.align(4);
    const bytes = this.#take(4);
    return this.#little ? bytes.readUInt32LE(0) : bytes.readUInt32BE(0);
  }

  /** Values of a signature, one after the other. */
  values(signature: string): unknown[] {
    const values: unknown[] = [];
    for (let rest = signature; rest !== '';) {
      const type = firstType(rest);
      values.push(this.#value(type));
      rest = rest.slice(type.length);
    }
    return values;
  }

  #value(type: string): unknown {
    const little = this.#little;
    switch (type.charAt(0)) {
      case 'y':
        return this.byte();
      case 'b':
        return this.uint32() !== 0;
      case 'n':
      case 'q': {
        this.align(2);
        const bytes = this.#take(2);
        if (type === 'n') return little ? bytes.readInt16LE(0) : bytes.readInt16BE(0);
        return little ? bytes.readUInt16LE(0) : bytes.readUInt16BE(0);
      }
      case 'i':
        return this.uint32() | 0;
      case 'u':
      case 'h':
        return this.uint32();
      case 'x':
      case 't': {
        this.align(8);
        const bytes = this.#take(8);
        if (type === 'x') return little ? bytes.readBigInt64LE(0) : bytes.readBigInt64BE(0);
        return little ? bytes.readBigUInt64LE(0) : bytes.readBigUInt64BE(0);
      }
      case 'd': {
        this.align(8);
        const bytes = this.#take(8);
        return little ? bytes.readDoubleLE(0) : bytes.readDoubleBE(0);
      }
      case 's':
      case 'o': {
        const text = this.#take(this.uint32()).toString();
        this.byte();
        return text;
      }
      case 'g': {
        const text = this.#take(this.byte()).toString();
        this.byte();
        return text;
      }
      case 'v': {
        const signature = this.#value('g');
        const [value] = this.values(typeof signature === 'string' ? signature : '');
        return value;
      }
      case 'a': {
        const length = this.uint32();
        const inner = type.slice(1);
        this.align(alignmentOf(inner));
        const end = this.at + length;
        const items: unknown[] = [];
        while (this.at < end) items.push(this.#value(inner));
        return items;
      }
      case '(':
      case '{':
        this.align(8);
        return this.values(type.slice(1, -1));
      default:
        throw new DBusProtocolError(`unknown type "${type}"`);
    }
  }
}

const ALIGNMENT: Readonly<Record<string, number>> = {
  y: 1,
  g: 1,
  v: 1,
  n: 2,
  q: 2,
  x: 8,
  t: 8,
  d: 8,
  '(': 8,
  '{': 8,
};

function alignmentOf(type: string): number {
  return ALIGNMENT[type[0] ?? ''] ?? 4;
}

/** The first complete type of a signature. */
function firstType(signature: string): string {
  const [head] = signature;
  if (head === 'a') return `a${firstType(signature.slice(1))}`;
  if (head !== '(' && head !== '{') return head ?? '';
  let depth = 0;
  for (let index = 0; index < signature.length; index++) {
    const char = signature.charAt(index);
    if (char === '(' || char === '{') depth++;
    if (char === ')' || char === '}') depth--;
    if (depth === 0) return signature.slice(0, index + 1);
  }
  throw new DBusProtocolError(`signature "${signature}" does not end`);
}
