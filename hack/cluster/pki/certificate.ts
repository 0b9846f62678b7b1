/** X.509 certificates (RFC 5280) on P-256 keys: an authority, and what it signs. */
import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import {
  bitString,
  boolean,
  context,
  objectIdentifier,
  octetString,
  sequence,
  set,
  time,
  unsignedInteger,
  utf8String,
} from './der.ts';

/** Who a certificate speaks for: Kubernetes reads user and groups from these. */
export interface Subject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
}

/** A certificate with its private key, both PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateRequest {
  readonly subject: Subject;
  readonly usages: readonly ('client' | 'server')[];
  /** DNS names and IP addresses it serves at. */
  readonly names?: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const ECDSA_WITH_SHA256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));
const USAGE = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

/** Makes a self-signed authority. */
export function createAuthority(commonName: string, notBefore: Date, notAfter: Date): KeyPair {
  const key = newKey();
  const subject: Subject = { commonName };
  const extensions = [
    extension('2.5.29.19', true, sequence(boolean(true))),
    extension('2.5.29.15', true, bitString(Buffer.from([0b1000_0110]), 1)), // digitalSignature, keyCertSign, cRLSign
    subjectKeyIdentifier(key.publicKey),
  ];
  return assemble(key, key.privateKey, subject, subject, notBefore, notAfter, extensions);
}

/** Lets `authority` sign a new key for `request`. */
export function issue(authority: KeyPair, request: CertificateRequest): KeyPair {
  const key = newKey();
  const issuerCertificate = new X509Certificate(authority.certificate);
  const issuerKey = createPrivateKey(authority.key);
  const extensions = [
    extension('2.5.29.19', true, sequence()),
    extension('2.5.29.15', true, bitString(Buffer.from([0b1000_0000]), 7)),
    extension('2.5.29.37', false, sequence(...request.usages.map((usage) => objectIdentifier(USAGE[usage])))),
    subjectKeyIdentifier(key.publicKey),
    extension('2.5.29.35', false, sequence(context(0, false, keyIdentifier(issuerCertificate.publicKey)))),
    ...(request.names === undefined || request.names.length === 0 ? [] : [alternativeNames(request.names)]),
  ];
  const issuer: Subject = { commonName: commonNameOf(issuerCertificate) };
  return assemble(key, issuerKey, request.subject, issuer, request.notBefore, request.notAfter, extensions);
}

/** A P-256 key pair for signing service account tokens, both PEM. */
export function createSigningKey(): { publicKey: string; privateKey: string } {
  const { publicKey, privateKey } = newKey();
  return { publicKey: pem(publicKey), privateKey: pem(privateKey) };
}

function newKey(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function pem(key: KeyObject): string {
  return key.export({ format: 'pem', type: key.type === 'public' ? 'spki' : 'pkcs8' }).toString();
}

function assemble(
  key: { publicKey: KeyObject; privateKey: KeyObject },
  issuerKey: KeyObject,
  subject: Subject,
  issuer: Subject,
  notBefore: Date,
  notAfter: Date,
  extensions: readonly Buffer[],
): KeyPair {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40; // positive, and never short
  const body = sequence(
    context(0, true, unsignedInteger(Buffer.from([2]))),
    unsignedInteger(serial),
    ECDSA_WITH_SHA256,
    distinguishedName(issuer),
    sequence(time(notBefore), time(notAfter)),
    distinguishedName(subject),
    key.publicKey.export({ format: 'der', type: 'spki' }),
    context(3, true, sequence(...extensions)),
  );
  const certificate = sequence(body, ECDSA_WITH_SHA256, bitString(sign('sha256', body, issuerKey)));
  return { certificate: certificatePem(certificate), key: pem(key.privateKey) };
}

function distinguishedName(subject: Subject): Buffer {
  const attribute = (oid: string, value: string): Buffer =>
    set(sequence(objectIdentifier(oid), utf8String(value)));
  return sequence(
    ...(subject.organizations ?? []).map((name) => attribute('2.5.4.10', name)),
    attribute('2.5.4.3', subject.commonName),
  );
}

function commonNameOf(certificate: X509Certificate): string {
  const name = /^CN=(.*)$/m.exec(certificate.subject)?.[1];
  if (name === undefined) throw new Error(`authority without a common name: ${certificate.subject}`);
  return name;
}

function extension(oid: string, critical: boolean, value: Buffer): Buffer {
  return sequence(objectIdentifier(oid), ...(critical ? [boolean(true)] : []), octetString(value));
}

function subjectKeyIdentifier(key: KeyObject): Buffer {
  return extension('2.5.29.14', false, octetString(keyIdentifier(key)));
}

// Any stable digest of the key will do (RFC 5280 section 4.2.1.2 leaves the method open).
function keyIdentifier(key: KeyObject): Buffer {
  const spki = key.export({ format: 'der', type: 'spki' });
  return createHash('sha256').update(spki).digest().subarray(0, 20);
}

function alternativeNames(names: readonly string[]): Buffer {
  const encoded = names.map((name) =>
    isIP(name) === 0 ? context(2, false, Buffer.from(name, 'ascii')) : context(7, false, addressOctets(name)),
  );
  return extension('2.5.29.17', false, sequence(...encoded));
}

function addressOctets(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const left = groups(head);
  const right = groups(tail ?? '');
  const all = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function certificatePem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
