/**
 * Addresses as they may reach the packet filter: parsed, canonical, of one family. Text that is not exactly an address
 * (zones, ports, IPv4 in IPv6 clothing, leading zeros) is refused, so that what is rendered can only be an address.
 */
import { isIPv4, isIPv6 } from 'node:net';

/** As `spec.ipFamilies` of a Service and `addressType` of an EndpointSlice spell it. */
export type Family = 'IPv4' | 'IPv6';

export const FAMILIES: readonly Family[] = ['IPv4', 'IPv6'];

export interface IPAddress {
  readonly family: Family;
  /** Canonical text, as the kernel's tools print it. */
  readonly ip: string;
}

/** Reads one address; `undefined` when the text is anything else. */
export function parseAddress(text: string): IPAddress | undefined {
  if (isIPv4(text)) return { family: 'IPv4', ip: text };
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const ip = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  return isMapped(ip) ? undefined : { family: 'IPv6', ip };
}

// ::ffff:a.b.c.d would name an IPv4 host by an IPv6 rule.
function isMapped(ip: string): boolean {
  return ip.startsWith('::ffff:');
}

/** An address as packets have it, 4 or 16 bytes; `undefined` when the text is anything else. */
export function packAddress(text: string): Buffer | undefined {
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  const digits = widthOf(address.family) / 4;
  return Buffer.from(numberOf(address).toString(16).padStart(digits, '0'), 'hex');
}

/** A range of addresses, host bits cleared. */
export class AddressRange {
  readonly family: Family;
  readonly prefix: number;
  /** First address of the range, canonical. */
  readonly ip: string;
  readonly #first: bigint;

  private constructor(family: Family, first: bigint, prefix: number) {
    this.family = family;
    this.prefix = prefix;
    this.#first = first;
    this.ip = addressOf(family, first);
  }

  /** Reads `address/prefix`; `undefined` when the text is anything else. Host bits may be set and are cleared. */
  static parse(text: string): AddressRange | undefined {
    const match = /^([0-9A-Fa-f.:]+)\/(\d{1,3})$/.exec(text);
    const address = parseAddress(match?.[1] ?? '');
    if (address === undefined) return undefined;
    const prefix = Number(match?.[2]);
    const width = widthOf(address.family);
    if (prefix > width) return undefined;
    const host = BigInt(width - prefix);
    return new AddressRange(address.family, (numberOf(address) >> host) << host, prefix);
  }

  contains(address: IPAddress): boolean {
    if (address.family !== this.family) return false;
    const host = BigInt(widthOf(this.family) - this.prefix);
    return numberOf(address) >> host === this.#first >> host;
  }

  /** True for 0.0.0.0/0 and ::/0. */
  get isEverything(): boolean {
    return this.prefix === 0;
  }

  toString(): string {
    return `${this.ip}/${this.prefix}`;
  }
}

function widthOf(family: Family): number {
  return family === 'IPv4' ? 32 : 128;
}

function numberOf(address: IPAddress): bigint {
  if (address.family === 'IPv4') {
    return address.ip.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  }
  const [head = '', tail] = address.ip.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...gap, ...right].reduce((sum, part) => (sum << 16n) | BigInt(`0x${part}`), 0n);
}

function addressOf(family: Family, value: bigint): string {
  if (family === 'IPv4') {
    return [24n, 16n, 8n, 0n].map((shift) => ((value >> shift) & 255n).toString()).join('.');
  }
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16),
  );
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

function ranges(...texts: string[]): readonly AddressRange[] {
  return texts.map((text) => {
    const range = AddressRange.parse(text);
    if (range === undefined) throw new TypeError(`not a range: ${text}`);
    return range;
  });
}

const UNROUTABLE: ReadonlyArray<readonly [string, readonly AddressRange[]]> = [
  ['an unspecified address', ranges('0.0.0.0/8', '::/128')],
  ['a loopback address', ranges('127.0.0.0/8', '::1/128')],
  ['a link-local address', ranges('169.254.0.0/16', 'fe80::/10')],
  ['a multicast address', ranges('224.0.0.0/4', 'ff00::/8')],
  ['a broadcast address', ranges('255.255.255.255/32')],
];

/** What makes an address unfit to be a destination of Service traffic, or `undefined` when nothing does. */
export function unroutableReason(address: IPAddress): string | undefined {
  return UNROUTABLE.find(([, list]) => list.some((range) => range.contains(address)))?.[0];
}

/** True for 127.0.0.0/8 and ::1. */
export function isLoopback(address: IPAddress): boolean {
  return unroutableReason(address) === 'a loopback address';
}

/** True for 0.0.0.0 and ::, which stand for all addresses of a machine. */
export function isUnspecified({ ip }: IPAddress): boolean {
  return ip === '0.0.0.0' || ip === '::';
}

/** `ip:port`, IPv6 in brackets. */
export function hostPort(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}
