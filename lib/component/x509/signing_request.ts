/** PKCS #10 certificate signing requests (RFC 2986), for TLS bootstrap and certificate rotation. */
import type { KeyObject } from 'node:crypto';
import { createPublicKey, sign } from 'node:crypto';
import * as d from './der.ts';
import type { Subject } from './certificate_parts.ts';
import { name, signatureAlgorithm, subjectAltName } from './certificate_parts.ts';

/**
 * @param key EC private key on P-256
 * @param hosts DNS names and IP addresses to be in the certificate; none for client certificates
 * @returns PEM, as `spec.request` of a CertificateSigningRequest takes it (base64-encoded once more)
 */
export function signingRequest(key: KeyObject, subject: Subject, hosts: readonly string[] = []): string {
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const attributes =
    hosts.length === 0
      ? d.explicit(0)
      : d.explicit(
          0,
          d.sequence(d.oid('1.2.840.113549.1.9.14'), d.set(d.sequence(subjectAltName(hosts)))), // extensionRequest
        );
  const body = d.sequence(d.integer(Buffer.from([0])), name(subject), publicKey, attributes);
  const request = d.sequence(body, signatureAlgorithm, d.bitString(sign('sha256', body, key)));
  return d.pem('CERTIFICATE REQUEST', request);
}
