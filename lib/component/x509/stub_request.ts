/** PKCS #10 requests that say nothing but that their maker has the key, for podCertificate volumes (KEP-4317). */
import type { KeyObject } from 'node:crypto';
import { createPublicKey, sign } from 'node:crypto';
import { signatureAlgorithm } from './certificate_parts.ts';
import * as d from './der.ts';

const NULL = d.der(0x05);

/** How a key signs: what the request says of it, and the digest that is signed. Ed25519 makes its own. */
interface Signing {
  readonly algorithm: Buffer;
  readonly digest: string | null;
}

const RSA: Signing = {
  algorithm: d.sequence(d.oid('1.2.840.113549.1.1.11'), NULL),
  digest: 'sha256',
};
const ED25519: Signing = { algorithm: d.sequence(d.oid('1.3.101.112')), digest: null };
const ECDSA: Readonly<Record<string, Signing>> = {
  prime256v1: { algorithm: signatureAlgorithm, digest: 'sha256' },
  secp384r1: { algorithm: d.sequence(d.oid('1.2.840.10045.4.3.3')), digest: 'sha384' },
  secp521r1: { algorithm: d.sequence(d.oid('1.2.840.10045.4.3.4')), digest: 'sha512' },
};

/**
 * @param key private key: RSA, ECDSA on P-256, P-384 or P-521, or Ed25519
 * @returns DER, with an empty subject and no attributes
 * @throws TypeError for any other key
 */
export function stubRequest(key: KeyObject): Buffer {
  const { algorithm, digest } = signingOf(key);
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const body = d.sequence(d.integer(Buffer.from([0])), d.sequence(), publicKey, d.explicit(0));
  return d.sequence(body, algorithm, d.bitString(sign(digest, body, key)));
}

function signingOf({ asymmetricKeyDetails, asymmetricKeyType }: KeyObject): Signing {
  const signing = {
    rsa: RSA,
    ed25519: ED25519,
    ec: ECDSA[asymmetricKeyDetails?.namedCurve ?? ''],
  }[asymmetricKeyType === 'rsa' || asymmetricKeyType === 'ed25519' ? asymmetricKeyType : 'ec'];
  if (signing === undefined)
    throw new TypeError(`no requests are signed with ${asymmetricKeyType ?? 'such'} keys`);
  return signing;
}
