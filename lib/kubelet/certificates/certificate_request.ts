/** One certificate from the cluster: a CertificateSigningRequest made, and waited for (certificates.k8s.io/v1). */
import { generateKeyPairSync } from 'node:crypto';
import type { CertificateSigningRequest } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import type { ApiClient } from '../../client/client.ts';
import { CERTIFICATE_SIGNING_REQUESTS } from '../../client/resource.ts';
import type { KeyPair } from '../../component/x509/self_signed.ts';
import { signingRequest } from '../../component/x509/signing_request.ts';

/** The request was denied, could not be signed, or was not answered in time. */
export class CertificateRequestError extends Error {
  override readonly name = 'CertificateRequestError';
}

export interface CertificateRequest {
  readonly kind: 'client' | 'serving';
  readonly nodeName: string;
  /** Names and addresses of a serving certificate. */
  readonly hosts: readonly string[];
}

export interface RequestOptions {
  readonly client: Pick<ApiClient, 'create' | 'get'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How long to wait for the approval. Default 15 min, as stock. */
  readonly timeoutMs?: number;
}

const SIGNERS = {
  client: {
    name: 'kubernetes.io/kube-apiserver-client-kubelet',
    usages: ['digital signature', 'client auth'],
  },
  serving: { name: 'kubernetes.io/kubelet-serving', usages: ['digital signature', 'server auth'] },
} as const;
const POLL_MS = 1000;
const TIMEOUT_MS = 15 * 60_000;

/** Rejects with {@link CertificateRequestError}, or as the client does when the apiserver refuses the request. */
export async function requestCertificate(
  request: CertificateRequest,
  options: RequestOptions,
): Promise<KeyPair> {
  const { client, clock, signal } = options;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = { commonName: `system:node:${request.nodeName}`, organizations: ['system:nodes'] };
  const pem = signingRequest(privateKey, subject, request.hosts);
  const signer = SIGNERS[request.kind];
  const created = await client.create(
    CERTIFICATE_SIGNING_REQUESTS,
    {
      metadata: { generateName: 'csr-' },
      spec: {
        request: Buffer.from(pem).toString('base64'),
        signerName: signer.name,
        usages: [...signer.usages],
      },
    },
    { signal },
  );
  const { name } = created.metadata;
  const until = clock.monotonic() + (options.timeoutMs ?? TIMEOUT_MS);
  let csr: CertificateSigningRequest = created;
  for (;;) {
    const cert = issued(csr);
    if (cert !== undefined) {
      const key = privateKey.export({ type: 'sec1', format: 'pem' }).toString();
      return { cert, key };
    }
    if (clock.monotonic() >= until) {
      throw new CertificateRequestError(`certificate signing request ${name} was not approved in time`);
    }
    await clock.sleep(POLL_MS, signal);
    csr = await client.get(CERTIFICATE_SIGNING_REQUESTS, { name }, { signal });
  }
}

/** The certificate once it is there. @throws CertificateRequestError when there will be none */
function issued({ metadata, status }: CertificateSigningRequest): string | undefined {
  for (const type of ['Denied', 'Failed']) {
    const condition = status?.conditions?.find((c) => c.type === type);
    if (condition === undefined) continue;
    const why = [condition.reason, condition.message].filter((text) => (text ?? '') !== '').join(': ');
    throw new CertificateRequestError(
      `certificate signing request ${metadata.name} ${type === 'Denied' ? 'was denied' : 'could not be signed'}${why === '' ? '' : ` (${why})`}`,
    );
  }
  const certificate = status?.certificate ?? '';
  return certificate === '' ? undefined : Buffer.from(certificate, 'base64').toString();
}
