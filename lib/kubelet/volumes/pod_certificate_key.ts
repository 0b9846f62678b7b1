/** Keys of podCertificate volume sources, by the names of the API. */
import { generateKeyPair, type KeyObject } from 'node:crypto';

/** `podCertificate.keyType`, each with what makes such a key. Off the main thread: a large RSA key takes seconds. */
const KEY_TYPES: Readonly<Record<string, () => Promise<KeyObject>>> = {
  RSA3072: () => rsa(3072),
  RSA4096: () => rsa(4096),
  ECDSAP256: () => ecdsa('P-256'),
  ECDSAP384: () => ecdsa('P-384'),
  ECDSAP521: () => ecdsa('P-521'),
  ED25519: () => pair((done) => generateKeyPair('ed25519', {}, done)),
};

/** A new private key. Rejects for a type that the API does not have. */
export async function generatePodKey(keyType: string): Promise<KeyObject> {
  const generate = Object.hasOwn(KEY_TYPES, keyType) ? KEY_TYPES[keyType] : undefined;
  if (generate === undefined)
    throw new Error(
      `keyType: got ${JSON.stringify(keyType)}, want one of ${Object.keys(KEY_TYPES).join(', ')}`,
    );
  return generate();
}

type Done = (error: Error | null, publicKey: KeyObject, privateKey: KeyObject) => void;

function pair(generate: (done: Done) => void): Promise<KeyObject> {
  return new Promise((resolve, reject) => {
    generate((error, _publicKey, privateKey) => (error === null ? resolve(privateKey) : reject(error)));
  });
}

function rsa(modulusLength: number): Promise<KeyObject> {
  return pair((done) => generateKeyPair('rsa', { modulusLength }, done));
}

function ecdsa(namedCurve: string): Promise<KeyObject> {
  return pair((done) => generateKeyPair('ec', { namedCurve }, done));
}
