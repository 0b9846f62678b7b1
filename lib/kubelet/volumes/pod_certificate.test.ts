import { createPrivateKey, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import type { Pod, PodCertificateRequest } from '../../api/types.ts';
import { errorMessage } from '../../base/errors.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { RecordingLog } from '../../base/log.ts';
import { ApiError } from '../../client/errors.ts';
import { fakeClient } from '../../client/fake_client.ts';
import { createPodCertificates, type PodCredentials } from './pod_certificate.ts';

const MIN = 60_000;
const HOUR = 60 * MIN;
const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n';
const source = {
  signerName: 'example.com/ca',
  keyType: 'ED25519',
  maxExpirationSeconds: 7200,
  userAnnotations: { 'example.com/a': 'b' },
  credentialBundlePath: 'bundle.pem',
};
const pod: Pod = {
  metadata: { name: 'p', namespace: 'ns', uid: 'u' },
  spec: { containers: [], serviceAccountName: 'sa' },
};

type Status = PodCertificateRequest['status'];
const refusal = (type: 'Denied' | 'Failed'): Status => ({
  conditions: [{ type, status: 'True', reason: 'Why', message: 'the "text"', lastTransitionTime: '' }],
});

/** @param answer what the signer does with the nth request, from 1 */
function scene(answer: (n: number) => Status | 'gone', enabled = true) {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const events: string[] = [];
  const made: PodCertificateRequest['spec'][] = [];
  let refuses: Error | undefined;
  let refusals = Infinity;
  const give = <T>(value: unknown): Promise<T> =>
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each test asks for what it gives
    Promise.resolve(value as T);
  const client = fakeClient({
    create: (_resource, object) => {
      if (refuses !== undefined && refusals-- > 0) return Promise.reject(refuses);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else is created
      made.push((object as unknown as PodCertificateRequest).spec);
      return give({ ...object, metadata: { name: `req-${made.length}`, namespace: 'ns' } });
    },
    get: (resource, { name }) => {
      if (resource.plural === 'serviceaccounts') return give({ metadata: { name, uid: 'sa-uid' } });
      const status = answer(Number(name.slice('req-'.length)));
      return status === 'gone'
        ? Promise.reject(new ApiError('gone', { status: 404, reason: 'NotFound' }))
        : give({ metadata: { name }, spec: {}, status });
    },
  });
  const certificates = createPodCertificates({
    client,
    node: () => ({ metadata: { name: 'n', uid: 'n-uid' } }),
    events: { pod: (_pod, type, reason, message) => void events.push(`${type} ${reason}: ${message}`) },
    clock,
    log,
    enabled,
    random: () => 0.5,
    generateKey: () => Promise.resolve(generateKeyPairSync('ed25519').privateKey),
  });
  const ask = (): Promise<PodCredentials> =>
    certificates.credentials(pod, { volumeName: 'v', index: 0, source }, new AbortController().signal);
  /** With all the waiting that it does. */
  const outcome = async (): Promise<string> => {
    let text: string | undefined;
    const asked = ask().then(
      ({ chain }) => (text = chain),
      (error: unknown) => (text = `Error: ${errorMessage(error)}`),
    );
    for (;;) {
      await clock.advance(0);
      if (text !== undefined) break;
      await clock.advance(100);
    }
    return asked;
  };
  /** A certificate of an hour, to be renewed after half of it. */
  const issued = (chain = CERTIFICATE): Status => {
    const at = (ms: number): string => new Date(clock.now() + ms).toISOString();
    return {
      conditions: [{ type: 'Issued', status: 'True', reason: '', message: '', lastTransitionTime: '' }],
      certificateChain: chain,
      notBefore: at(-5 * MIN),
      beginRefreshAt: at(30 * MIN),
      notAfter: at(HOUR),
    };
  };
  return {
    ask,
    certificates,
    clock,
    events,
    issued,
    log,
    made,
    outcome,
    /** What creates a request is refused so often. */
    refuse: (error: Error | undefined, times = Infinity) => {
      refuses = error;
      refusals = times;
    },
    states: () => certificates.states().map(({ state }) => state),
  };
}

test('K15: podCertificate: the request names pod, account and node; the bundle is bare', async () => {
  const s: ReturnType<typeof scene> = scene(() =>
    s.issued(`leaf\n${CERTIFICATE.replace('QUJD', 'Proc-Type: x\n\nQUJD')}# and\r\n${CERTIFICATE}`),
  );
  expect(await s.outcome()).toBe(CERTIFICATE + CERTIFICATE);
  const { key } = await s.ask();
  expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  const [{ stubPKCS10Request, ...spec } = { stubPKCS10Request: '' }] = s.made;
  expect(spec).toEqual({
    signerName: 'example.com/ca',
    podName: 'p',
    podUID: 'u',
    serviceAccountName: 'sa',
    serviceAccountUID: 'sa-uid',
    nodeName: 'n',
    nodeUID: 'n-uid',
    maxExpirationSeconds: 7200,
    unverifiedUserAnnotations: { 'example.com/a': 'b' },
  });
  const publicKey = createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'der' });
  expect(Buffer.from(stubPKCS10Request, 'base64').includes(publicKey)).toBe(true);
  expect(s.made).toHaveLength(1);
});

test('K15: podCertificate: a server before 1.36 is given the proof that it knows', async () => {
  const s: ReturnType<typeof scene> = scene(() => s.issued());
  s.refuse(new ApiError('spec.pkixPublicKey: Required value', { status: 422, reason: 'Invalid' }), 1);
  expect(await s.outcome()).toBe(CERTIFICATE);
  const [{ pkixPublicKey = '', proofOfPossession = '', stubPKCS10Request } = { stubPKCS10Request: 'none' }] =
    s.made;
  const publicKey = createPublicKey({
    key: Buffer.from(pkixPublicKey, 'base64'),
    format: 'der',
    type: 'spki',
  });
  expect(verify(null, Buffer.from('u'), publicKey, Buffer.from(proofOfPossession, 'base64'))).toBe(true);
  expect(stubPKCS10Request).toBe('');
});

test('K15: podCertificate: with the gate off nothing is asked for', async () => {
  const s = scene(() => undefined, false);
  expect(await s.outcome()).toMatch('PodCertificateRequest is not enabled');
  expect(s.made).toEqual([]);
});

test('K15: podCertificate: a pod waits for its signer with the one request that it made', async () => {
  let done = false;
  const s: ReturnType<typeof scene> = scene(() => (done ? s.issued() : {}));
  expect(await s.outcome()).toBe('Error: credential bundle is not issued yet');
  expect(s.states()).toEqual(['not_yet_issued']);
  done = true;
  expect(await s.outcome()).toBe(CERTIFICATE);
  expect(s.made).toHaveLength(1);
  expect(s.states()).toEqual(['fresh']);
});

test.each([
  ['Denied', 'was denied', 'denied'],
  ['Failed', 'failed', 'failed'],
] as const)('K15: podCertificate: %s is final for a pod that has none', async (type, what, state) => {
  const s = scene(() => refusal(type));
  const permanently = `Error: PodCertificateRequest was permanently ${state}: reason="Why" message="the \\"text\\""`;
  expect(await s.outcome()).toBe(permanently);
  await s.clock.advance(HOUR);
  expect(await s.outcome()).toBe(permanently);
  expect(s.made).toHaveLength(1);
  expect(s.events).toEqual([
    `Warning ${type}: PodCertificateRequest req-1 ${what}, reason="Why", message="the \\"text\\""`,
  ]);
  expect(s.states()).toEqual([state]);
});

test('K15: podCertificate: a request that is gone, and one that cannot be made, are made again with back-off', async () => {
  const s: ReturnType<typeof scene> = scene((n) => (n === 1 ? 'gone' : s.issued()));
  expect(await s.outcome()).toMatch('gone');
  expect(await s.outcome()).toMatch('gone');
  expect(s.made).toHaveLength(1);
  await s.clock.advance(2000);
  s.refuse(new Error('no API server'));
  expect(await s.outcome()).toMatch('no API server');
  s.refuse(undefined);
  await s.clock.advance(3000);
  expect(await s.outcome()).toMatch('no API server');
  await s.clock.advance(1000);
  expect(await s.outcome()).toBe(CERTIFICATE);
  expect(s.made).toHaveLength(2);
});

test('K15: podCertificate: an answer that breaks the contract is not believed', async () => {
  const s: ReturnType<typeof scene> = scene((n) =>
    n === 1 ? { ...s.issued(), beginRefreshAt: '' } : s.issued('no certificate'),
  );
  expect(await s.outcome()).toMatch('status.beginRefreshAt: want a time, got ');
  await s.clock.advance(2000);
  expect(await s.outcome()).toMatch('status.certificateChain: no certificate in it');
});

test('K15: podCertificate: renewed with a new key when the signer said, some minutes apart', async () => {
  const s: ReturnType<typeof scene> = scene(() => s.issued());
  await s.outcome();
  const first = await s.ask();
  await s.clock.advance(32 * MIN);
  expect((await s.ask()).key).toBe(first.key);
  expect(s.made).toHaveLength(1);
  await s.clock.advance(MIN);
  const meanwhile = await s.ask();
  expect([meanwhile.key, s.made.length]).toEqual([first.key, 2]);
  await s.clock.advance(meanwhile.refreshAtMs - s.clock.monotonic());
  expect((await s.ask()).key).not.toBe(first.key);
});

test.each([2 * HOUR, -2 * HOUR])(
  'K31: podCertificate: renewed in time by a machine whose clock is %d ms off',
  async (off) => {
    const s: ReturnType<typeof scene> = scene(() => {
      s.clock.stepWall(-off);
      const status = s.issued();
      s.clock.stepWall(off);
      return status;
    });
    await s.outcome();
    await s.clock.advance(30 * MIN);
    await s.ask();
    expect(s.made).toHaveLength(1);
    await s.clock.advance(8 * MIN);
    await s.ask();
    expect(s.made).toHaveLength(2);
  },
);

test('K15: podCertificate: a renewal that is denied is tried again; the old serves until it expires', async () => {
  let works = true;
  const s: ReturnType<typeof scene> = scene(() => (works ? s.issued() : refusal('Denied')));
  await s.outcome();
  const { key } = await s.ask();
  works = false;
  // As the volume manager does, until the certificate has expired.
  const last = async (): Promise<string> => {
    for (;;) {
      try {
        const { key: now, refreshAtMs } = await s.ask();
        expect(now).toBe(key);
        await s.clock.advance(Math.max(0, refreshAtMs - s.clock.monotonic()));
      } catch (error) {
        return errorMessage(error);
      }
    }
  };
  expect(await last()).toMatch(/^certificate has expired and is not renewed yet: PodCertificateRequest was/);
  expect(s.clock.monotonic()).toBeGreaterThanOrEqual(HOUR);
  expect(s.states()).toEqual(['expired']);
  const requests = s.made.length;
  expect(requests).toBeGreaterThan(5);
  expect(requests).toBeLessThan(15);
  expect(s.events.filter((event) => event.includes('CertificateOverdueForRefresh'))).toEqual([
    'Warning CertificateOverdueForRefresh: The certificate of signer example.com/ca in volume "v" is overdue for its renewal: ' +
      'PodCertificateRequest was permanently denied: reason="Why" message="the \\"text\\""',
  ]);
  expect(s.log.messages).toContain('Could not renew the certificate of a pod; the old one is still valid');
  expect(JSON.stringify(s.log)).not.toContain('PRIVATE KEY');
  works = true;
  await s.clock.advance(5 * MIN);
  await s.outcome();
  await s.clock.advance(10_000);
  expect(await s.outcome()).toBe(CERTIFICATE);
  expect(s.states()).toEqual(['fresh']);
});

test('K15: podCertificate: a pod that is gone leaves no key; the next of that UID asks anew', async () => {
  const s: ReturnType<typeof scene> = scene(() => s.issued());
  await s.outcome();
  const { key } = await s.ask();
  s.certificates.forget('u');
  expect(s.states()).toEqual([]);
  await s.outcome();
  expect((await s.ask()).key).not.toBe(key);
  expect(s.made).toHaveLength(2);
});
