import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CertificateAuthority } from '../../../test/fixtures/pki.ts';
import { certificateUser } from '../authn/client_certificate.ts';
import { selfSignedCertificate } from './self_signed.ts';
import { signingRequest } from './signing_request.ts';
import { parseBundle, verifyClientCertificate } from './verify.ts';

const ca = new CertificateAuthority('root');
const alice = ca.issue({ commonName: 'alice', organizations: ['dev', 'ops'] });
const DAY = 24 * 3_600_000;

const check = (leaf: string, roots: string, at = Date.now()): string | undefined =>
  verifyClientCertificate(new X509Certificate(leaf), [], parseBundle(roots), at);

test('a certificate of the authority is good, one of several in a bundle too', () => {
  expect(check(alice.cert, ca.cert)).toBeUndefined();
  expect(check(alice.cert, `${new CertificateAuthority('x').cert}\n# comment\n${ca.cert}`)).toBeUndefined();
});

test.each([
  [
    'of another authority',
    () => check(alice.cert, new CertificateAuthority('root').cert),
    'certificate signed by unknown authority',
  ],
  ['that has expired', () => check(alice.cert, ca.cert, Date.now() + 5 * DAY), /certificate has expired/],
  [
    'that is not valid yet',
    () => check(alice.cert, ca.cert, Date.now() - 5 * DAY),
    /certificate is not yet valid/,
  ],
])('a certificate %s', (_, run, want) => {
  expect(run()).toMatch(want);
});

test('a certificate that is in the bundle itself is good', () => {
  expect(check(alice.cert, alice.cert)).toBeUndefined();
});

test('a server certificate is not one for clients', () => {
  const server = selfSignedCertificate({ commonName: 'node', hosts: ['a'], nowMs: Date.now() });
  expect(check(server.cert, server.cert)).toBe('certificate specifies an incompatible key usage');
});

test('intermediates that the client sends complete the chain', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tsk-chain-'));
  try {
    const openssl = (...args: string[]): void =>
      void execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
    writeFileSync(join(dir, 'ca.ext'), 'basicConstraints=critical,CA:TRUE\n');
    writeFileSync(join(dir, 'leaf.ext'), 'extendedKeyUsage=clientAuth\n');
    const issue = (name: string, issuer: string, ext: string): void => {
      openssl(
        'req',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-subj',
        `/CN=${name}`,
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.csr`,
      );
      openssl(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        `${issuer}.crt`,
        '-CAkey',
        `${issuer}.key`,
        '-CAcreateserial',
        '-days',
        '1',
        '-extfile',
        ext,
        '-out',
        `${name}.crt`,
      );
    };
    writeFileSync(join(dir, 'root.crt'), ca.cert);
    writeFileSync(join(dir, 'root.key'), ca.key);
    issue('middle', 'root', 'ca.ext');
    issue('leaf', 'middle', 'leaf.ext');
    issue('fake', 'leaf', 'leaf.ext');
    const read = (name: string): X509Certificate =>
      new X509Certificate(execFileSync('cat', [join(dir, `${name}.crt`)]));
    const roots = parseBundle(ca.cert);
    expect(verifyClientCertificate(read('leaf'), [read('middle')], roots, Date.now())).toBeUndefined();
    expect(verifyClientCertificate(read('leaf'), [], roots, Date.now())).toMatch(/unknown authority/);
    // A mere client certificate cannot issue others.
    expect(verifyClientCertificate(read('fake'), [read('leaf'), read('middle')], roots, Date.now())).toMatch(
      /unknown authority/,
    );
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('the user of a certificate', () => {
  expect(certificateUser(new X509Certificate(alice.cert))).toMatchObject({
    name: 'alice',
    groups: ['dev', 'ops'],
    extra: {
      'authentication.kubernetes.io/credential-id': [expect.stringMatching(/^X509SHA256=[0-9a-f]{64}$/)],
    },
  });
});

test('names in a subject cannot pretend to be other attributes', () => {
  const tricky = ca.issue({ commonName: 'eve,O=system:masters', organizations: ['a/CN=admin'] });
  expect(certificateUser(new X509Certificate(tricky.cert))).toMatchObject({
    name: 'eve,O=system:masters',
    groups: ['a/CN=admin'],
  });
});

test('a bundle without certificates is refused', () => {
  expect(() => parseBundle('')).toThrow('holds no PEM certificate');
});

test('self-signed certificates and signing requests hold the names asked for', () => {
  const pair = selfSignedCertificate({
    commonName: 'n1@5',
    hosts: ['n1', '10.0.0.1', 'fd00::1', '::'],
    nowMs: Date.now(),
  });
  const certificate = new X509Certificate(pair.cert);
  expect(certificate.checkHost('n1')).toBe('n1');
  expect(['10.0.0.1', 'fd00::1', '::'].map((ip) => certificate.checkIP(ip))).toEqual([
    '10.0.0.1',
    'fd00::1',
    '::',
  ]);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  const csr = signingRequest(
    createPrivateKey(pair.key),
    { commonName: 'system:node:n1', organizations: ['system:nodes'] },
    ['n1', '10.0.0.1'],
  );
  const text = execFileSync('openssl', ['req', '-noout', '-verify', '-subject', '-text'], {
    input: csr,
    stdio: 'pipe',
  }).toString();
  expect(text).toContain('O = system:nodes, CN = system:node:n1');
  expect(text).toContain('DNS:n1, IP Address:10.0.0.1');
});
