/** IPv4 and IPv6 addresses and address ranges as values: parsed once, compared as numbers, printed canonically. */

export type IPFamily = 4 | 6;

const BITS: Readonly<Record<IPFamily, number>> = { 4: 32, 6: 128 };

/** An address. Made by {@link parseIP}; two addresses are the same when {@link IP.equals} says so. */
export class IP {
  readonly family: IPFamily;
  /** The address as an unsigned number of 32 or 128 bits. */
  readonly value: bigint;
  #text: string | undefined;

  /** @param value 0 up to 2^32-1 or 2^128-1 by `family` */
  constructor(family: IPFamily, value: bigint) {
    if (value < 0n || value >> BigInt(BITS[family]) !== 0n) {
      throw new RangeError(`${value} is no IPv${family} address`);
    }
    this.family = family;
    this.value = value;
  }

  /** Dotted decimal for IPv4; for IPv6 the form of RFC 5952 (lower case, longest run of zeros as `::`). */
  toString(): string {
    this.#text ??= this.family === 4 ? formatIPv4(this.value) : formatIPv6(this.value);
    return this.#text;
  }

  toJSON(): string {
    return this.toString();
  }

  equals(other: IP): boolean {
    return this.family === other.family && this.value === other.value;
  }

  /** 127.0.0.0/8 or ::1. */
  get isLoopback(): boolean {
    return this.family === 4 ? this.value >> 24n === 127n : this.value === 1n;
  }

  /** 0.0.0.0 or `::`: no particular address. */
  get isUnspecified(): boolean {
    return this.value === 0n;
  }

  /** 169.254.0.0/16 or fe80::/10. */
  get isLinkLocal(): boolean {
    return this.family === 4 ? this.value >> 16n === 0xa9fen : this.value >> 118n === 0x3fan;
  }

  /** 224.0.0.0/4 or ff00::/8. */
  get isMulticast(): boolean {
    return this.family === 4 ? this.value >> 28n === 0xen : this.value >> 120n === 0xffn;
  }
}

/** IPv4 before IPv6, then by number; for sorting. */
export function compareIPs(a: IP, b: IP): number {
  if (a.family !== b.family) return a.family - b.family;
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}

/**
 * An address from its text, or undefined when it is none. Leading zeros in IPv4, zones (`%eth0`) and prefixes are
 * not allowed. An IPv4-mapped address (`::ffff:10.0.0.1`) is the IPv4 address, as in Kubernetes' own parser.
 */
export function parseIP(text: string): IP | undefined {
  if (!text.includes(':')) {
    const value = parseIPv4(text);
    return value === undefined ? undefined : new IP(4, value);
  }
  const value = parseIPv6(text);
  if (value === undefined) return undefined;
  return value >> 32n === 0xffffn ? new IP(4, value & 0xffff_ffffn) : new IP(6, value);
}

/** A range of addresses that share a prefix. Made by {@link parseCIDR}. */
export class CIDR {
  /** The lowest address of the range: all bits after the prefix are zero. */
  readonly network: IP;
  /** Length of the prefix in bits. */
  readonly prefix: number;
  /** The address as it was written, which may have bits after the prefix (`10.0.0.5/24`). */
  readonly address: IP;

  constructor(address: IP, prefix: number) {
    const bits = BITS[address.family];
    if (!Number.isInteger(prefix) || prefix < 0 || prefix > bits) {
      throw new RangeError(`prefix length is ${prefix}, must be a whole number from 0 to ${bits}`);
    }
    const host = BigInt(bits - prefix);
    this.address = address;
    this.prefix = prefix;
    this.network = new IP(address.family, (address.value >> host) << host);
  }

  get family(): IPFamily {
    return this.network.family;
  }

  /** Number of addresses in the range. */
  get size(): bigint {
    return 1n << this.#hostBits;
  }

  /** The highest address of the range (IPv4: the broadcast address). */
  get last(): IP {
    return new IP(this.family, this.network.value + this.size - 1n);
  }

  /** The address `index` places after the lowest one; undefined when that is outside the range. */
  at(index: number | bigint): IP | undefined {
    const offset = BigInt(index);
    return offset < 0n || offset >= this.size ? undefined : new IP(this.family, this.network.value + offset);
  }

  contains(ip: IP): boolean {
    return ip.family === this.family && ip.value >> this.#hostBits === this.network.value >> this.#hostBits;
  }

  /** Whether every address of `other` is in this range. */
  containsCIDR(other: CIDR): boolean {
    return other.prefix >= this.prefix && this.contains(other.network);
  }

  /** Whether any address is in both. */
  overlaps(other: CIDR): boolean {
    return this.containsCIDR(other) || other.containsCIDR(this);
  }

  equals(other: CIDR): boolean {
    return this.prefix === other.prefix && this.network.equals(other.network);
  }

  /** Canonical: the lowest address and the prefix, `10.0.0.0/24`. */
  toString(): string {
    return `${this.network.toString()}/${this.prefix}`;
  }

  toJSON(): string {
    return this.toString();
  }

  get #hostBits(): bigint {
    return BigInt(BITS[this.family] - this.prefix);
  }
}

/** A range from `address/prefix`, or undefined when it is none. */
export function parseCIDR(text: string): CIDR | undefined {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const [, address = '', length = ''] = match ?? [];
  if (match === null) return undefined;
  const ip = parseIP(address);
  // A mapped address under an IPv6 prefix is an IPv6 range with no IPv4 meaning: refused, as upstream does.
  if (ip === undefined || (ip.family === 4 && address.includes(':'))) return undefined;
  const prefix = Number(length);
  return prefix > BITS[ip.family] ? undefined : new CIDR(ip, prefix);
}

/** IPv4 before IPv6, then by lowest address, then wider before narrower; for sorting. */
export function compareCIDRs(a: CIDR, b: CIDR): number {
  return compareIPs(a.network, b.network) || a.prefix - b.prefix;
}

/** The family that the text of an address (or range) belongs to; undefined when it is neither. */
export function ipFamilyOf(text: string): IPFamily | undefined {
  return (parseIP(text) ?? parseCIDR(text))?.family;
}

/**
 * A set of addresses and ranges. A lookup costs one probe per distinct prefix length in the set, however many
 * members it has.
 */
export class IPSet {
  /** By family and prefix length: the prefixes present. */
  readonly #prefixes: Readonly<Record<IPFamily, Map<number, Set<bigint>>>> = { 4: new Map(), 6: new Map() };

  constructor(members: Iterable<IP | CIDR> = []) {
    for (const member of members) this.add(member);
  }

  add(member: IP | CIDR): this {
    const { family, prefix, key } = place(member);
    const byLength = this.#prefixes[family];
    const keys = byLength.get(prefix) ?? new Set();
    byLength.set(prefix, keys.add(key));
    return this;
  }

  /** Takes out exactly this address or range; wider and narrower ones stay. Returns whether it was there. */
  delete(member: IP | CIDR): boolean {
    const { family, prefix, key } = place(member);
    const keys = this.#prefixes[family].get(prefix);
    if (keys?.delete(key) !== true) return false;
    if (keys.size === 0) this.#prefixes[family].delete(prefix);
    return true;
  }

  /** Whether the address is a member or lies in a member range. */
  has(ip: IP): boolean {
    const bits = BITS[ip.family];
    for (const [prefix, keys] of this.#prefixes[ip.family]) {
      if (keys.has(ip.value >> BigInt(bits - prefix))) return true;
    }
    return false;
  }

  /** Number of members; overlapping ones count each. */
  get size(): number {
    let size = 0;
    for (const family of [4, 6] as const)
      for (const keys of this.#prefixes[family].values()) size += keys.size;
    return size;
  }

  /** The members in order, single addresses as ranges of full prefix length. */
  members(): CIDR[] {
    const members: CIDR[] = [];
    for (const family of [4, 6] as const) {
      for (const [prefix, keys] of this.#prefixes[family]) {
        const host = BigInt(BITS[family] - prefix);
        for (const key of keys) members.push(new CIDR(new IP(family, key << host), prefix));
      }
    }
    return members.sort(compareCIDRs);
  }
}

function place(member: IP | CIDR): { family: IPFamily; prefix: number; key: bigint } {
  const { family } = member;
  const prefix = member instanceof CIDR ? member.prefix : BITS[family];
  const value = member instanceof CIDR ? member.network.value : member.value;
  return { family, prefix, key: value >> BigInt(BITS[family] - prefix) };
}

function parseIPv4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part)) return undefined;
    const byte = Number(part);
    if (byte > 255) return undefined;
    value = value * 256 + byte;
  }
  return BigInt(value);
}

function parseIPv6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [headText = '', tailText] = halves;
  const head = parseGroups(headText, tailText === undefined);
  if (head === undefined) return undefined;
  if (tailText === undefined) return head.length === 8 ? joinGroups(head) : undefined;
  const tail = parseGroups(tailText, true);
  // `::` stands for at least one group of zeros.
  if (tail === undefined || head.length + tail.length > 7) return undefined;
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0);
  return joinGroups([...head, ...zeros, ...tail]);
}

function parseGroups(text: string, mayEndInIPv4: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(parseInt(part, 16));
    } else if (mayEndInIPv4 && i === parts.length - 1) {
      const ipv4 = parseIPv4(part);
      if (ipv4 === undefined) return undefined;
      groups.push(Number(ipv4 >> 16n), Number(ipv4 & 0xffffn));
    } else {
      return undefined;
    }
  }
  return groups;
}

function joinGroups(groups: readonly number[]): bigint {
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

function formatIPv4(value: bigint): string {
  const n = Number(value);
  return `${n >>> 24}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;
}

function formatIPv6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn));
  const run = longestZeroRun(groups);
  const hex = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return run === undefined ? hex(0, 8) : `${hex(0, run.start)}::${hex(run.start + run.length, 8)}`;
}

// The first of the longest runs; a single zero group is not shortened (RFC 5952, 4.2).
function longestZeroRun(groups: readonly number[]): { start: number; length: number } | undefined {
  let best: { start: number; length: number } | undefined;
  let start = 0;
  for (let i = 0; i <= groups.length; i++) {
    if (groups[i] === 0) continue;
    const length = i - start;
    if (length > 1 && length > (best?.length ?? 0)) best = { start, length };
    start = i + 1;
  }
  return best;
}
