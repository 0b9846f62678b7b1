import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import { request } from 'node:https';
import { createAuthority, issue } from './certificate.ts';

const NOW = new Date('2026-11-21T05:00:00Z');
const LATER = new Date('2051-01-01T00:00:00Z');
const authority = createAuthority('test-ca', NOW, LATER);

test('an authority signs itself and may sign others', () => {
  const certificate = new X509Certificate(authority.certificate);
  expect(certificate.ca).toBe(true);
  expect(certificate.subject).toBe('CN=test-ca');
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(new Date(certificate.validTo)).toEqual(LATER); // past 2049 the time has another form
});

test('a client certificate carries user and groups', () => {
  const pair = issue(authority, {
    subject: { commonName: 'system:node:node-1', organizations: ['system:nodes', 'others'] },
    usages: ['client'],
    notBefore: NOW,
    notAfter: LATER,
  });
  const certificate = new X509Certificate(pair.certificate);
  expect(certificate.subject.split('\n')).toEqual(['O=system:nodes', 'O=others', 'CN=system:node:node-1']);
  expect(certificate.issuer).toBe('CN=test-ca');
  expect(certificate.ca).toBe(false);
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  expect(certificate.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
});

test('a serving certificate names hosts and addresses', () => {
  const { certificate } = issue(authority, {
    subject: { commonName: 'apiserver' },
    usages: ['server'],
    names: ['kubernetes.default', '10.100.0.1', 'fd00::1', '::1'],
    notBefore: NOW,
    notAfter: LATER,
  });
  expect(new X509Certificate(certificate).subjectAltName).toBe(
    'DNS:kubernetes.default, IP Address:10.100.0.1, IP Address:FD00:0:0:0:0:0:0:1, IP Address:0:0:0:0:0:0:0:1',
  );
});

test('two certificates never share a serial number', () => {
  const serial = (): string =>
    new X509Certificate(
      issue(authority, { subject: { commonName: 'a' }, usages: ['client'], notBefore: NOW, notAfter: LATER })
        .certificate,
    ).serialNumber;
  expect(serial()).not.toBe(serial());
});

test('a real handshake, in both directions', async () => {
  const now = Date.now();
  const span = { notBefore: new Date(now - 60_000), notAfter: new Date(now + 600_000) };
  const ca = createAuthority('handshake-ca', span.notBefore, span.notAfter);
  const serving = issue(ca, {
    subject: { commonName: 'server' },
    usages: ['server'],
    names: ['127.0.0.1'],
    ...span,
  });
  const client = issue(ca, { subject: { commonName: 'somebody' }, usages: ['client'], ...span });
  const server = createServer(
    {
      cert: serving.certificate,
      key: serving.key,
      ca: ca.certificate,
      requestCert: true,
      rejectUnauthorized: true,
    },
    (_, response) => response.end('hello'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const call = (pair?: typeof client): Promise<number> =>
    new Promise((resolve, reject) => {
      const identity = pair === undefined ? {} : { cert: pair.certificate, key: pair.key };
      const one = request(
        { host: '127.0.0.1', port, ca: ca.certificate, agent: false, ...identity },
        (response) => {
          response.resume();
          response.once('end', () => resolve(response.statusCode ?? 0));
          response.once('error', reject);
        },
      );
      one.once('error', reject);
      one.end();
    });
  try {
    await expect(call(client)).resolves.toBe(200);
    await expect(call()).rejects.toThrow(/certificate required|socket hang up|ECONNRESET|bad certificate/);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
