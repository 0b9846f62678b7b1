/** Several certificates on one port, chosen by the server name that the client asks for (`--tls-sni-cert-key`). */
import { X509Certificate } from 'node:crypto';
import type { KeyPair } from '../x509/self_signed.ts';
import type { Source } from './certificates.ts';

/** One value of `--tls-sni-cert-key`: `cert,key` with optional `:name,name`. */
export interface SniFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** Domain names, `*.` in front for all below; empty: those of the certificate. */
  readonly names: readonly string[];
}

/** @throws Error saying what the value must look like */
export function parseSniFiles(text: string): SniFiles {
  const [files = '', names = ''] = text.split(':');
  const [certFile, keyFile, ...more] = files.split(',');
  if (!certFile || !keyFile || more.length > 0 || text.split(':').length > 2)
    throw new Error(
      'expected comma separated certificate and key file paths, then optionally ":" and domain names',
    );
  return { certFile, keyFile, names: names.split(',').filter((n) => n !== '') };
}

export interface SniCertificate {
  readonly pair: Source<KeyPair>;
  readonly names: readonly string[];
}

/**
 * The certificate for a server name: an exact name before a wildcard, names given before those of certificates, earlier
 * entries before later ones. Undefined: the default certificate.
 */
export function chooseCertificate(
  serverName: string,
  certificates: readonly SniCertificate[],
): Source<KeyPair> | undefined {
  const wanted = serverName.toLowerCase().replace(/\.$/, '');
  const candidates = [
    ...certificates.map((c) => ({ pair: c.pair, names: c.names })),
    ...certificates
      .filter((c) => c.names.length === 0)
      .map((c) => ({ pair: c.pair, names: certificateNames(c.pair.current()) })),
  ];
  const exact = candidates.find((c) => c.names.some((n) => n.toLowerCase() === wanted));
  const wildcard = `*.${wanted.slice(wanted.indexOf('.') + 1)}`;
  return (
    exact ??
    (wanted.includes('.')
      ? candidates.find((c) => c.names.some((n) => n.toLowerCase() === wildcard))
      : undefined)
  )?.pair;
}

function certificateNames(pair: KeyPair): string[] {
  const certificate = new X509Certificate(pair.cert);
  const alternatives = (certificate.subjectAltName ?? '').split(', ');
  const names = alternatives.flatMap((a) => /^(?:DNS|IP Address):(.*)$/.exec(a)?.[1] ?? []);
  const common = /^CN=(.*)$/m.exec(certificate.subject)?.[1];
  return common === undefined ? names : [...names, common];
}
