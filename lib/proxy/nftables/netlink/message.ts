/** Netlink messages as the kernel's nf_tables reads and writes them (include/uapi/linux/netlink.h, nfnetlink.h). Pure. */
import { endianness } from 'node:os';

/** An attribute: a type, and bytes or further attributes. */
export interface Attribute {
  readonly type: number;
  readonly content: Uint8Array | readonly Attribute[];
}

/** A message that came in. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** What follows the header. */
  readonly payload: Buffer;
}

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP_INTERRUPTED = 0x10;
export const NLM_F_DUMP = 0x300;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
export const NLMSG_ERROR = 0x2;
export const NLMSG_DONE = 0x3;

const NLA_F_NESTED = 0x8000;
const HEADER = 16;
/** Comes before the attributes of each message of netfilter's. */
export const NETFILTER_HEADER = 4;
const ATTRIBUTE_HEADER = 4;
// Headers are in the byte order of the machine, contents of nf_tables mostly in that of the network.
const LITTLE = endianness() === 'LE';

/** In the byte order of the machine. */
export function hostU32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  if (LITTLE) bytes.writeUInt32LE(value);
  else bytes.writeUInt32BE(value);
  return bytes;
}

function hostU16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  if (LITTLE) bytes.writeUInt16LE(value);
  else bytes.writeUInt16BE(value);
  return bytes;
}

/** In the byte order of the network; negative values as two's complement. */
export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

/** Text as attributes have it: with a zero byte at its end. */
export function zeroTerminated(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

function padding(length: number): Buffer {
  return Buffer.alloc(-length & 3);
}

function encodeAttribute({ type, content }: Attribute): Buffer {
  const nested = !(content instanceof Uint8Array);
  const body = nested ? encodeAttributes(content) : Buffer.from(content);
  const length = ATTRIBUTE_HEADER + body.length;
  return Buffer.concat([
    hostU16(length),
    hostU16(nested ? type | NLA_F_NESTED : type),
    body,
    padding(length),
  ]);
}

function encodeAttributes(attributes: readonly Attribute[]): Buffer {
  return Buffer.concat(attributes.map(encodeAttribute));
}

export interface NewMessage {
  readonly type: number;
  readonly flags: number;
  /** AF_INET, AF_INET6, or 0 for none. */
  readonly family: number;
  /** The subsystem that a batch is for. */
  readonly resource?: number;
  readonly attributes?: readonly Attribute[];
}

export function encodeMessage(
  { type, flags, family, resource = 0, attributes = [] }: NewMessage,
  sequence: number,
): Buffer {
  const body = encodeAttributes(attributes);
  return Buffer.concat([
    hostU32(HEADER + NETFILTER_HEADER + body.length),
    hostU16(type),
    hostU16(NLM_F_REQUEST | flags),
    hostU32(sequence),
    hostU32(0),
    Buffer.from([family, 0]),
    u16(resource),
    body,
  ]);
}

/** The messages in what was received. Bytes that make no whole message end it. */
export function decodeMessages(bytes: Buffer): Message[] {
  const read = (at: number, size: 2 | 4): number =>
    LITTLE ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);
  const messages: Message[] = [];
  for (let at = 0; at + HEADER <= bytes.length;) {
    const length = read(at, 4);
    if (length < HEADER || at + length > bytes.length) break;
    messages.push({
      type: read(at + 4, 2),
      flags: read(at + 6, 2),
      sequence: read(at + 8, 4),
      payload: bytes.subarray(at + HEADER, at + length),
    });
    at += (length + 3) & ~3;
  }
  return messages;
}

/** What is in attributes, as it is; attributes in it may be read in their turn. Bytes that make no whole one end it. */
export function decodeAttributes(bytes: Buffer): Array<{ readonly type: number; readonly content: Buffer }> {
  const attributes: Array<{ readonly type: number; readonly content: Buffer }> = [];
  for (let at = 0; at + ATTRIBUTE_HEADER <= bytes.length;) {
    const length = LITTLE ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
    const type = LITTLE ? bytes.readUInt16LE(at + 2) : bytes.readUInt16BE(at + 2);
    if (length < ATTRIBUTE_HEADER || at + length > bytes.length) break;
    attributes.push({
      type: type & ~NLA_F_NESTED,
      content: bytes.subarray(at + ATTRIBUTE_HEADER, at + length),
    });
    at += (length + 3) & ~3;
  }
  return attributes;
}

/** The number of the error that a message of type {@link NLMSG_ERROR} tells of; 0: an acknowledgement. */
export function errorNumber(message: Message): number {
  if (message.payload.length < 4) return -1;
  return -(LITTLE ? message.payload.readInt32LE(0) : message.payload.readInt32BE(0));
}
