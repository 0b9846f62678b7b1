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

/**
 * What makes an address unfit to be a destination of Service traffic, or `undefined` when nothing does. It is asked of every
 * endpoint there is, so it looks at the canonical text alone.
 */
export function unroutableReason({ family, ip }: IPAddress): string | undefined {
  return family === 'IPv4' ? unroutable4(ip) : unroutable6(ip);
}

function unroutable4(ip: string): string | undefined {
  const first = Number(ip.slice(0, ip.indexOf('.')));
  if (first === 0) return 'an unspecified address';
  if (first === 127) return 'a loopback address';
  if (ip.startsWith('169.254.')) return 'a link-local address';
  if (first >= 224 && first < 240) return 'a multicast address';
  return ip === '255.255.255.255' ? 'a broadcast address' : undefined;
}

// Leading zeros are never written: ff00::/8 and fe80::/10 are first groups of four digits.
function unroutable6(ip: string): string | undefined {
  if (ip === '::') return 'an unspecified address';
  if (ip === '::1') return 'a loopback address';
  if (/^fe[89ab][\da-f]:/.test(ip)) return 'a link-local address';
  return /^ff[\da-f]{2}:/.test(ip) ? 'a multicast address' : undefined;
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
