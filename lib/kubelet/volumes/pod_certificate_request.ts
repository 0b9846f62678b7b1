/** PodCertificateRequests (certificates.k8s.io/v1beta1): how one is made and what became of it. */
import { constants, createPublicKey, type KeyObject, sign } from 'node:crypto';
import type { Node, Pod, PodCertificateRequest, Volume } from '../../api/types.ts';
import type { ApiClient, NewObject } from '../../client/client.ts';
import { ApiError } from '../../client/errors.ts';
import { POD_CERTIFICATE_REQUESTS, SERVICE_ACCOUNTS } from '../../client/resource.ts';
import { pem } from '../../component/x509/der.ts';
import { stubRequest } from '../../component/x509/stub_request.ts';

type Source = NonNullable<NonNullable<Volume['projected']>['sources']>[number];
export type PodCertificateSource = NonNullable<Source['podCertificate']>;

/** A certificate that was issued; times in milliseconds since the epoch by the clock of the signer. */
export interface IssuedCertificate {
  /** PEM: the pod's certificate, then those between it and its root. */
  readonly chain: string;
  readonly notBefore: number;
  readonly beginRefreshAt: number;
  readonly notAfter: number;
}

/** What became of a request. `undefined` in place of it: nothing yet. */
export type Outcome =
  | { readonly issued: IssuedCertificate }
  | { readonly refused: 'Denied' | 'Failed'; readonly reason: string; readonly message: string };

/** A signer's answer breaks the contract of the API. */
export class CertificateAnswerError extends Error {
  override readonly name = 'CertificateAnswerError';
}

export interface RequestMaker {
  readonly client: Pick<ApiClient, 'create' | 'get'>;
  /** This node as the server has it. */
  readonly node: () => Node;
}

/** Asks for a certificate of the key; resolves to the name of the request, in the pod's namespace. */
export async function requestPodCertificate(
  { client, node }: RequestMaker,
  pod: Pod,
  source: PodCertificateSource,
  key: KeyObject,
  signal: AbortSignal,
): Promise<string> {
  const { namespace = '', name, uid = '' } = pod.metadata;
  const { serviceAccountName = 'default' } = pod.spec;
  const { name: nodeName, uid: nodeUID } = node().metadata;
  if (nodeUID === undefined) throw new Error('the node is not registered yet');
  const account = await client.get(SERVICE_ACCOUNTS, { namespace, name: serviceAccountName }, { signal });
  const request = (proof: Proof): NewObject<PodCertificateRequest> => ({
    metadata: {
      generateName: `req-${name}-`,
      namespace,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid }],
    },
    spec: {
      signerName: source.signerName,
      podName: name,
      podUID: uid,
      serviceAccountName,
      serviceAccountUID: account.metadata.uid ?? '',
      nodeName,
      nodeUID,
      ...(source.maxExpirationSeconds === undefined
        ? {}
        : { maxExpirationSeconds: source.maxExpirationSeconds }),
      ...(source.userAnnotations === undefined ? {} : { unverifiedUserAnnotations: source.userAnnotations }),
      ...proof,
    },
  });
  const create = (proof: Proof): Promise<PodCertificateRequest> =>
    client.create(POD_CERTIFICATE_REQUESTS, request(proof), { signal });
  const stub = { stubPKCS10Request: stubRequest(key).toString('base64') };
  const created = await create(stub).catch((error: unknown) => {
    if (!wantsOldProof(error)) throw error;
    return create({ ...proofBySignature(key, uid), stubPKCS10Request: '' });
  });
  return created.metadata.name;
}

/** That the kubelet has the key: base64. */
type Proof = Pick<PodCertificateRequest['spec'], 'pkixPublicKey' | 'proofOfPossession' | 'stubPKCS10Request'>;

/** A server before 1.36 does not know the stub; it misses the fields in whose place it came. */
function wantsOldProof(error: unknown): boolean {
  return error instanceof ApiError && error.status === 422 && error.message.includes('spec.pkixPublicKey');
}

function proofBySignature(
  key: KeyObject,
  podUid: string,
): { readonly pkixPublicKey: string; readonly proofOfPossession: string } {
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const padding = key.asymmetricKeyType === 'rsa' ? { padding: constants.RSA_PKCS1_PSS_PADDING } : {};
  const digest = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  return {
    pkixPublicKey: publicKey.toString('base64'),
    proofOfPossession: sign(digest, Buffer.from(podUid), { key, ...padding }).toString('base64'),
  };
}

/** @throws CertificateAnswerError for a certificate without its chain or times */
export function outcomeOf({ status }: PodCertificateRequest): Outcome | undefined {
  for (const refused of ['Denied', 'Failed'] as const) {
    const condition = status?.conditions?.find(({ type }) => type === refused);
    if (condition === undefined) continue;
    return { refused, reason: condition.reason, message: condition.message };
  }
  if (status?.conditions?.some(({ type }) => type === 'Issued') !== true) return undefined;
  const at = (field: 'notBefore' | 'beginRefreshAt' | 'notAfter'): number => {
    const ms = Date.parse(status[field] ?? '');
    if (Number.isNaN(ms))
      throw new CertificateAnswerError(`status.${field}: want a time, got ${status[field] ?? 'none'}`);
    return ms;
  };
  return {
    issued: {
      chain: bareChain(status.certificateChain ?? ''),
      notBefore: at('notBefore'),
      beginRefreshAt: at('beginRefreshAt'),
      notAfter: at('notAfter'),
    },
  };
}

/** The certificates of a chain and nothing else: no text around them, no headers in them. */
function bareChain(text: string): string {
  const blocks = [...text.matchAll(/-----BEGIN CERTIFICATE-----([^]*?)-----END CERTIFICATE-----/g)];
  if (blocks.length === 0) throw new CertificateAnswerError('status.certificateChain: no certificate in it');
  return blocks
    .map(([, body = '']) => {
      const lines = body.split(/\r?\n/).filter((line) => !line.includes(':'));
      return pem('CERTIFICATE', Buffer.from(lines.join(''), 'base64'));
    })
    .join('');
}
