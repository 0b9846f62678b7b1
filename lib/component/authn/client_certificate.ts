/** Users by client certificate: common name is the user, organizations are the groups. */
import type { X509Certificate } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { Source } from '../serving/certificates.ts';
import { verifyClientCertificate } from '../x509/verify.ts';
import type { Authenticator, User } from './authenticator.ts';
import { AuthenticationError } from './authenticator.ts';

/** Subject attribute that carries a user's UID (feature AllowParsingUserUIDFromCertAuth). */
const UID_ATTRIBUTE = '1.3.6.1.4.1.57683.2';
const CREDENTIAL_ID = 'authentication.kubernetes.io/credential-id';

/** @param authorities undefined while none are known: then certificates are not looked at */
export function clientCertificateAuthenticator(
  authorities: Source<readonly X509Certificate[] | undefined>,
  clock: Pick<Clock, 'now'>,
): Authenticator {
  return {
    async authenticate({ certificate, intermediates = [] }) {
      const roots = authorities.current();
      if (certificate === undefined || roots === undefined) return undefined;
      const problem = verifyClientCertificate(certificate, intermediates, roots, clock.now());
      if (problem !== undefined) throw new AuthenticationError(`client certificate: ${problem}`);
      const user = certificateUser(certificate);
      // A certificate without a common name names nobody; that is no reason to refuse other credentials.
      return user.name === '' ? undefined : user;
    },
  };
}

/** The user that a (verified) certificate names. */
export function certificateUser(certificate: X509Certificate): User {
  const subject = subjectAttributes(certificate);
  return {
    name: subject.get('CN')?.at(-1) ?? '',
    uid: subject.get(UID_ATTRIBUTE)?.[0] ?? '',
    groups: subject.get('O') ?? [],
    extra: {
      [CREDENTIAL_ID]: [`X509SHA256=${certificate.fingerprint256.replaceAll(':', '').toLowerCase()}`],
    },
  };
}

function subjectAttributes(certificate: X509Certificate): Map<string, string[]> {
  // The text form of a subject is ambiguous where values hold separators; this one is split by the TLS library.
  const subject: unknown = certificate.toLegacyObject().subject;
  const attributes = new Map<string, string[]>();
  if (typeof subject !== 'object' || subject === null) return attributes;
  for (const [type, value] of Object.entries(subject)) {
    const values: unknown[] = Array.isArray(value) ? value : [value];
    attributes.set(
      type,
      values.filter((v) => typeof v === 'string'),
    );
  }
  return attributes;
}
