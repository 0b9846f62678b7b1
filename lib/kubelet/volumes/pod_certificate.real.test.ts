/** podCertificate sources against a real apiserver with the Node authorizer and NodeRestriction, and a signer in the test. */
import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Node, Pod, PodCertificateRequest } from '../../api/types.ts';
import { systemClock } from '../../base/clock.ts';
import { nullLog } from '../../base/log.ts';
import type { ApiClient } from '../../client/client.ts';
import { ApiError } from '../../client/errors.ts';
import { createClient, loadKubeconfig } from '../../client/kubeconfig.ts';
import { NODES, POD_CERTIFICATE_REQUESTS, PODS, SERVICE_ACCOUNTS } from '../../client/resource.ts';
import { pem } from '../../component/x509/der.ts';
import { startApiserver, type Apiserver } from '../../../test/fixtures/apiserver.ts';
import { createPodCertificates } from './pod_certificate.ts';
import { generatePodKey } from './pod_certificate_key.ts';
import { requestPodCertificate } from './pod_certificate_request.ts';

jest.setTimeout(120_000);

const NODE = 'n1';
const SIGNER = 'example.com/ca';
let server: Apiserver;
let client: ApiClient;
let dir: string;
let node: Node;

beforeAll(async () => {
  server = await startApiserver({
    rbac: true,
    tokens: [{ token: 'node-token', user: `system:node:${NODE}`, groups: ['system:nodes'] }],
    flags: [
      '--feature-gates=PodCertificateRequest=true',
      '--runtime-config=certificates.k8s.io/v1beta1/podcertificaterequests=true',
    ],
  });
  client = createClient(loadKubeconfig({ path: server.writeKubeconfig('node', { token: 'node-token' }) }), {
    qps: 0,
  });
  node = await server.client.create(NODES, { metadata: { name: NODE } });
  dir = mkdtempSync(join(tmpdir(), 'tsk-signer-'));
  writeFileSync(join(dir, 'ca.crt'), server.ca.cert);
  writeFileSync(join(dir, 'ca.key'), server.ca.key, { mode: 0o600 });
});

afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  await client?.close();
  await server?.stop();
});

/** What a signer does with a request that it grants. */
function signed(request: PodCertificateRequest): NonNullable<PodCertificateRequest['status']> {
  const file = (name: string): string => join(dir, name);
  writeFileSync(
    file('csr'),
    pem('CERTIFICATE REQUEST', Buffer.from(request.spec.stubPKCS10Request, 'base64')),
  );
  const ca = ['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-CAcreateserial'];
  execFileSync('openssl', ['x509', '-req', '-in', file('csr'), ...ca, '-days', '1', '-out', file('crt')], {
    stdio: 'pipe',
  });
  const chain = readFileSync(file('crt'), 'utf8');
  const { validFrom, validTo } = new X509Certificate(chain);
  const at = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+/, '');
  return {
    conditions: [condition('Issued', 'Issued', '')],
    certificateChain: `${chain}${server.ca.cert}`,
    notBefore: at(Date.parse(validFrom)),
    beginRefreshAt: at(Date.parse(validFrom) + 12 * 3_600_000),
    notAfter: at(Date.parse(validTo)),
  };
}

function condition(type: string, reason: string, message: string) {
  return { type, status: 'True', reason, message, lastTransitionTime: new Date().toISOString() };
}

/** A pod on the node, with a service account of its own. */
async function podOnNode(name: string): Promise<Pod> {
  const key = { namespace: 'default', name };
  await server.client.create(SERVICE_ACCOUNTS, { metadata: key });
  return server.client.create(PODS, {
    metadata: key,
    spec: {
      nodeName: NODE,
      serviceAccountName: name,
      automountServiceAccountToken: false,
      containers: [{ name: 'c', image: 'i' }],
    },
  });
}

test.each(['RSA3072', 'ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519', 'denied'])(
  'K15: podCertificate: %s',
  async (keyType) => {
    const name = `pod-${keyType.toLowerCase()}`;
    const admin = server.client;
    const pod = await podOnNode(name);
    const events: string[] = [];
    const certificates = createPodCertificates({
      client,
      node: () => node,
      events: { pod: (_pod, _type, reason) => void events.push(reason) },
      clock: systemClock,
      log: nullLog,
      enabled: true,
    });
    const denied = keyType === 'denied';
    const source = {
      signerName: SIGNER,
      keyType: denied ? 'ECDSAP256' : keyType,
      userAnnotations: { 'example.com/a': 'b' },
    };
    const signal = AbortSignal.timeout(60_000);
    const asked = certificates.credentials(pod, { volumeName: 'v', index: 0, source }, signal);
    const settled = asked.catch(() => undefined);
    let request: PodCertificateRequest | undefined;
    while (request === undefined && !signal.aborted) {
      const { items } = await admin.list(POD_CERTIFICATE_REQUESTS, { namespace: 'default' });
      request = items.find(({ spec }) => spec.podName === name);
      await Promise.race([settled, systemClock.sleep(50)]);
    }
    if (request === undefined) throw new Error('the request was not made');
    expect(request.spec).toMatchObject({
      podUID: pod.metadata.uid,
      serviceAccountName: name,
      nodeName: NODE,
      maxExpirationSeconds: 86_400,
      unverifiedUserAnnotations: { 'example.com/a': 'b' },
    });
    const status = denied
      ? { conditions: [condition('Denied', 'UnsupportedKeyType', 'no')] }
      : signed(request);
    await admin.update(POD_CERTIFICATE_REQUESTS, { ...request, status }, { subresource: 'status' });
    if (denied) {
      await expect(asked).rejects.toThrow(
        'PodCertificateRequest was permanently denied: reason="UnsupportedKeyType" message="no"',
      );
      expect(events).toEqual(['Denied']);
      return;
    }
    const { chain, key: privateKey } = await asked;
    expect(chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    const leaf = new X509Certificate(chain);
    expect(leaf.checkPrivateKey(createPrivateKey(privateKey))).toBe(true);
    expect(leaf.checkIssued(new X509Certificate(server.ca.cert))).toBe(true);
  },
);

test('K15: podCertificate: the proof of a server before 1.36 is one that is accepted', async () => {
  const admin = server.client;
  const pod = await podOnNode('pod-old');
  for (const keyType of ['RSA3072', 'ECDSAP384', 'ED25519']) {
    let first = true;
    const source = { signerName: SIGNER, keyType };
    const made = await requestPodCertificate(
      {
        node: () => node,
        client: {
          get: (...args) => client.get(...args),
          create: (resource, object, options) => {
            if (!first) return client.create(resource, object, options);
            first = false;
            const error = { status: 422, reason: 'Invalid' };
            return Promise.reject(new ApiError('spec.pkixPublicKey: Required value', error));
          },
        },
      },
      pod,
      source,
      await generatePodKey(keyType),
      AbortSignal.timeout(30_000),
    );
    const { spec } = await admin.get(POD_CERTIFICATE_REQUESTS, { namespace: 'default', name: made });
    expect([spec.pkixPublicKey === '', spec.stubPKCS10Request]).toEqual([false, '']);
  }
});
