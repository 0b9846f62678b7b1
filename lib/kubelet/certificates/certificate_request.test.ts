import { X509Certificate, createPrivateKey, createPublicKey } from 'node:crypto';
import type { CertificateSigningRequest } from '../../api/types.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import type { ApiClient } from '../../client/client.ts';
import { selfSignedCertificate } from '../../component/x509/self_signed.ts';
import { requestCertificate } from './certificate_request.ts';

type Status = NonNullable<CertificateSigningRequest['status']>;

/** An apiserver whose requests get the given statuses, one at each look. */
function api(statuses: readonly Status[]) {
  const created: unknown[] = [];
  let looks = 0;
  const object = (status: Status): unknown => ({ metadata: { name: 'csr-1' }, spec: {}, status });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the two calls that are made
  const client = {
    create: async (_r: unknown, body: unknown) => {
      created.push(body);
      return object({});
    },
    get: async () => object(statuses[Math.min(looks++, statuses.length - 1)] ?? {}),
  } as unknown as Pick<ApiClient, 'create' | 'get'>;
  return { client, created };
}

async function ask(statuses: readonly Status[], timeoutMs = 60_000) {
  const { client, created } = api(statuses);
  const clock = new FakeClock();
  const asked = requestCertificate(
    { kind: 'serving', nodeName: 'node-1', hosts: ['node-1', '10.0.0.1'] },
    { client, clock, signal: new AbortController().signal, timeoutMs },
  );
  asked.catch(() => undefined);
  for (let i = 0; i < 70; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(1000);
  }
  return { pair: await asked, created };
}

test('K19: the certificate is handed over with the key that was made for it', async () => {
  const { cert } = selfSignedCertificate({ commonName: 'x', hosts: ['x'], nowMs: Date.now() });
  const { pair, created } = await ask([{}, {}, { certificate: Buffer.from(cert).toString('base64') }]);
  expect(new X509Certificate(pair.cert).subject).toContain('x');
  expect(createPublicKey(createPrivateKey(pair.key)).asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  expect(created).toMatchObject([
    {
      metadata: { generateName: 'csr-' },
      spec: { signerName: 'kubernetes.io/kubelet-serving', usages: ['digital signature', 'server auth'] },
    },
  ]);
});

const condition = (type: string) => ({ type, status: 'True', reason: 'Policy', message: 'no' });
test.each<[string, readonly Status[], string]>([
  ['denied', [{ conditions: [condition('Denied')] }], 'csr-1 was denied (Policy: no)'],
  [
    'that the signer cannot sign',
    [{ conditions: [condition('Failed')] }],
    'csr-1 could not be signed (Policy: no)',
  ],
  ['that nobody approves', [{}], 'was not approved in time'],
])('K19: a request %s is an error', async (_what, statuses, message) => {
  await expect(ask(statuses)).rejects.toThrow(message);
});
