/** The certificate a server makes for itself when it is given none. */
import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import * as d from './der.ts';
import { extension, name, signatureAlgorithm, subjectAltName } from './certificate_parts.ts';

/** A certificate (with intermediates after it) and its private key, both PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface SelfSignedOptions {
  readonly commonName: string;
  /** DNS names and IP addresses to be reached under. */
  readonly hosts: readonly string[];
  readonly nowMs: number;
  /** Default one year. */
  readonly lifetimeMs?: number;
}

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

/** Makes a P-256 key and a self-signed server certificate, valid from an hour ago. */
export function selfSignedCertificate(options: SelfSignedOptions): KeyPair {
  const { commonName, hosts, nowMs, lifetimeMs = YEAR_MS } = options;
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const subject = name({ commonName });
  const keyUsage = d.bitString(Buffer.from([0b10100100]), 2); // digitalSignature, keyEncipherment, keyCertSign
  const body = d.sequence(
    d.explicit(0, d.integer(Buffer.from([2]))), // v3
    d.integer(Buffer.concat([Buffer.from([0x01]), randomBytes(15)])),
    signatureAlgorithm,
    subject,
    d.sequence(d.time(nowMs - HOUR_MS), d.time(nowMs + lifetimeMs)),
    subject,
    publicKey,
    d.explicit(
      3,
      d.sequence(
        extension('2.5.29.15', true, keyUsage),
        extension('2.5.29.37', false, d.sequence(d.oid('1.3.6.1.5.5.7.3.1'))), // serverAuth
        extension('2.5.29.19', true, d.sequence(d.boolean(true))), // CA: clients may pin it as a root
        ...(hosts.length === 0 ? [] : [subjectAltName(hosts)]),
      ),
    ),
  );
  const signature = sign('sha256', body, createPrivateKey(privateKey));
  const certificate = d.sequence(body, signatureAlgorithm, d.bitString(signature));
  return { cert: d.pem('CERTIFICATE', certificate), key: privateKey };
}
