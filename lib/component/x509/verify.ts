/** Verification of client certificates against a bundle of authorities (RFC 5280, as far as clients of a cluster go). */
import { X509Certificate } from 'node:crypto';

/** Extended key usage of TLS clients, and "any". */
const CLIENT_AUTH = new Set(['1.3.6.1.5.5.7.3.2', '2.5.29.37.0']);
const MAX_CHAIN = 8;

/** The certificates of a PEM bundle. @throws Error when a block is no certificate or there is none */
export function parseBundle(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new Error('holds no PEM certificate');
  return blocks.map((block) => new X509Certificate(block));
}

/**
 * Checks that `leaf` is a valid client certificate that leads to one of `roots`, over `intermediates` where needed.
 *
 * @returns why it is not, or undefined when it is
 */
export function verifyClientCertificate(
  leaf: X509Certificate,
  intermediates: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  nowMs: number,
): string | undefined {
  const usages: readonly string[] | undefined = leaf.keyUsage;
  if (usages !== undefined && usages.length > 0 && !usages.some((u) => CLIENT_AUTH.has(u)))
    return 'certificate specifies an incompatible key usage';
  let current = leaf;
  for (let depth = 0; depth < MAX_CHAIN; depth++) {
    const invalid = validityProblem(current, nowMs);
    if (invalid !== undefined) return invalid;
    const subject = current;
    if (roots.some((root) => sameCertificate(root, subject))) return undefined;
    const root = roots.find((r) => issued(r, subject));
    if (root !== undefined) return validityProblem(root, nowMs);
    const next = intermediates.find((i) => !sameCertificate(i, subject) && issued(i, subject));
    if (next === undefined) return 'certificate signed by unknown authority';
    current = next;
  }
  return 'certificate chain is too long';
}

function issued(issuer: X509Certificate, subject: X509Certificate): boolean {
  return issuer.ca && subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
}

function sameCertificate(a: X509Certificate, b: X509Certificate): boolean {
  return a.raw.equals(b.raw);
}

function validityProblem(certificate: X509Certificate, nowMs: number): string | undefined {
  if (nowMs < certificate.validFromDate.getTime())
    return `certificate is not yet valid: valid from ${certificate.validFromDate.toISOString()}`;
  if (nowMs > certificate.validToDate.getTime())
    return `certificate has expired: valid to ${certificate.validToDate.toISOString()}`;
  return undefined;
}
