/** Parts that self-signed certificates and certificate signing requests share (RFC 5280, RFC 2986). */
import { isIP } from 'node:net';
import * as d from './der.ts';

const OID = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectAltName: '2.5.29.17',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const;

export interface Subject {
  readonly commonName: string;
  /** Kubernetes reads them as groups. */
  readonly organizations?: readonly string[];
}

/** ECDSA with SHA-256. */
export const signatureAlgorithm = d.sequence(d.oid(OID.ecdsaWithSha256));

export function name(subject: Subject): Buffer {
  const attribute = (type: string, text: string): Buffer =>
    d.set(d.sequence(d.oid(type), d.utf8String(text)));
  return d.sequence(
    ...(subject.organizations ?? []).map((o) => attribute(OID.organization, o)),
    attribute(OID.commonName, subject.commonName),
  );
}

export function extension(type: string, critical: boolean, value: Uint8Array): Buffer {
  return d.sequence(d.oid(type), ...(critical ? [d.boolean(true)] : []), d.octetString(value));
}

/** @param hosts DNS names and IP addresses */
export function subjectAltName(hosts: readonly string[]): Buffer {
  const names = hosts.map((host) =>
    isIP(host) === 0 ? d.implicit(2, Buffer.from(host)) : d.implicit(7, addressBytes(host)),
  );
  return extension(OID.subjectAltName, false, d.sequence(...names));
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  // The URL parser brings IPv6 text into its canonical form, IPv4 tails included.
  const [head = '', tail] = new URL(`http://[${address.split('%')[0] ?? ''}]/`).hostname
    .slice(1, -1)
    .split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const middle = Array<string>(8 - left.length - right.length).fill('0');
  const groups = [...left, ...middle, ...right].map((g) => Number.parseInt(g, 16));
  return Buffer.from(groups.flatMap((g) => [g >> 8, g & 0xff]));
}
