/** Users named in headers by a proxy that shows a certificate of its own authority (the aggregation layer). */
import type { X509Certificate } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { Source } from '../serving/certificates.ts';
import { verifyClientCertificate } from '../x509/verify.ts';
import type { Authenticator, Headers } from './authenticator.ts';
import { certificateUser } from './client_certificate.ts';

export interface RequestHeaderConfig {
  /** Authorities of the proxies; without any, headers are never believed. */
  readonly authorities: readonly X509Certificate[];
  /** Common names of proxies; empty: any that the authorities vouch for. */
  readonly allowedNames: readonly string[];
  /** Header names, in any case. */
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraHeaderPrefixes: readonly string[];
}

export function requestHeaderAuthenticator(
  config: Source<RequestHeaderConfig | undefined>,
  clock: Pick<Clock, 'now'>,
): Authenticator {
  return {
    async authenticate({ headers, certificate, intermediates = [] }) {
      const now = config.current();
      if (now === undefined || certificate === undefined || now.authorities.length === 0) return undefined;
      const name = values(headers, now.usernameHeaders)[0];
      if (name === undefined) return undefined;
      // A client of another authority that sends such headers is judged by its certificate alone.
      if (verifyClientCertificate(certificate, intermediates, now.authorities, clock.now()) !== undefined)
        return undefined;
      const proxy = certificateUser(certificate).name;
      if (now.allowedNames.length > 0 && !now.allowedNames.includes(proxy)) return undefined;
      return {
        name,
        uid: values(headers, now.uidHeaders)[0] ?? '',
        groups: values(headers, now.groupHeaders),
        extra: extras(headers, now.extraHeaderPrefixes),
      };
    },
  };
}

function values(headers: Headers, names: readonly string[]): string[] {
  return names.flatMap((name) => (headers[name.toLowerCase()] ?? []).filter((v) => v !== ''));
}

function extras(headers: Headers, prefixes: readonly string[]): Record<string, string[]> {
  const result: Record<string, string[]> = {};
  for (const [header, value] of Object.entries(headers)) {
    const prefix = prefixes.find((p) => header.startsWith(p.toLowerCase()));
    if (prefix === undefined) continue;
    const key = decode(header.slice(prefix.length));
    result[key] = [...(result[key] ?? []), ...(value ?? [])];
  }
  return result;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
