import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { stubRequest } from './stub_request.ts';

const ec = (namedCurve: string): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey;

test.each<[string, KeyObject]>([
  ['RSA', generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey],
  ['P-256', ec('P-256')],
  ['P-384', ec('P-384')],
  ['P-521', ec('P-521')],
  ['Ed25519', generateKeyPairSync('ed25519').privateKey],
])('openssl takes the request of a key: %s', (_, key) => {
  const openssl = (...args: string[]): string =>
    execFileSync('openssl', ['req', '-inform', 'DER', '-noout', ...args], {
      input: stubRequest(key),
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'ignore'],
    });
  // Exits with 1 when the signature is not that of the key.
  openssl('-verify');
  expect(openssl('-subject').trim()).toBe('subject=');
});

test('a curve that signers do not take is refused', () => {
  expect(() => stubRequest(ec('secp256k1'))).toThrow('no requests are signed with ec keys');
});
