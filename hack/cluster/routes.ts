/** Which address ranges this machine already routes somewhere: a new cluster keeps out of them. */
import { readFileSync } from 'node:fs';

/** An IPv4 range as first address and prefix length. */
export interface Range {
  readonly address: number;
  readonly length: number;
  readonly device: string;
}

/** Parses `/proc/net/route` (addresses are little-endian hex); the default route is left out. */
export function parseRoutes(text: string): Range[] {
  return text
    .trim()
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const fields = line.split(/\s+/);
      const [device, destination, mask] = [fields[0], fields[1], fields[7]];
      if (device === undefined || destination === undefined || mask === undefined) return [];
      const address = Buffer.from(destination, 'hex').reverse().readUInt32BE();
      const bits = Buffer.from(mask, 'hex').reverse().readUInt32BE();
      const length = bits === 0 ? 0 : 32 - Math.log2(2 ** 32 - bits);
      return length === 0 ? [] : [{ address, length, device }];
    });
}

/** Parses `10.100.0.0/16`. */
export function parseRange(cidr: string): Range {
  const [address = '', length = ''] = cidr.split('/');
  return {
    address: Buffer.from(address.split('.').map(Number)).readUInt32BE(),
    length: Number(length),
    device: '',
  };
}

/** Whether two ranges share an address. */
export function overlap(a: Range, b: Range): boolean {
  const shift = 2 ** (32 - Math.min(a.length, b.length));
  return Math.floor(a.address / shift) === Math.floor(b.address / shift);
}

export function currentRoutes(): Range[] {
  return parseRoutes(readFileSync('/proc/net/route', 'utf8'));
}
