import type { Volume } from '../../api/types.ts';
import type { ObjectReader } from '../objects/object_cache.ts';
import { configMapFiles, downwardFiles, secretFiles, type Files } from './payload.ts';
import type { VolumePlugin, VolumeRequest } from './plugin.ts';
import { DEFAULT_MODE, optionally, project, type ProjectionDeps } from './projection.ts';
import type { PodCertificates } from './pod_certificate.ts';
import type { TokenSource } from './token.ts';
import type { TrustBundleReader } from './trust_bundle.ts';

type Source = NonNullable<NonNullable<Volume['projected']>['sources']>[number];

export interface ProjectedDeps extends ProjectionDeps {
  readonly objects: ObjectReader;
  readonly tokens: TokenSource;
  readonly trustBundles: TrustBundleReader;
  readonly certificates: PodCertificates;
  readonly allocatable: () => Readonly<Record<string, string>>;
}

interface Part {
  readonly files: Files;
  readonly refreshAtMs?: number;
}

/** projected: several sources as files of one volume, tokens and certificates among them. */
export function projectedPlugin(deps: ProjectedDeps): VolumePlugin {
  return {
    name: 'kubernetes.io/projected',
    supports: (volume) => volume.projected !== undefined,
    async setUp(request) {
      const source = request.volume.projected ?? {};
      const mode = source.defaultMode ?? DEFAULT_MODE;
      const parts = await Promise.allSettled(
        (source.sources ?? []).map((s, i) => part(s, i, mode, request, deps)),
      );
      const payload: Files = new Map();
      let refreshAtMs = Infinity;
      const failures: string[] = [];
      for (const settled of parts) {
        if (settled.status === 'rejected') {
          failures.push(settled.reason instanceof Error ? settled.reason.message : String(settled.reason));
          continue;
        }
        for (const [path, file] of settled.value.files) payload.set(path, file);
        refreshAtMs = Math.min(refreshAtMs, settled.value.refreshAtMs ?? Infinity);
      }
      if (failures.length > 0) {
        throw new Error(failures.length === 1 ? failures[0] : `[${failures.join(', ')}]`);
      }
      const ready = await project(request, payload, 'memory', deps);
      return refreshAtMs === Infinity ? ready : { ...ready, refreshAtMs };
    },
    podGone: (uid) => deps.certificates.forget(uid),
  };
}

async function part(
  source: Source,
  index: number,
  mode: number,
  request: VolumeRequest,
  deps: ProjectedDeps,
): Promise<Part> {
  const { pod, signal } = request;
  const namespace = pod.metadata.namespace ?? '';
  if (source.configMap !== undefined) {
    const { name = '', items, optional = false } = source.configMap;
    const found = await optionally(optional, deps.objects.configMap(namespace, name, signal));
    return { files: configMapFiles(found, { items, optional, defaultMode: mode }) };
  }
  if (source.secret !== undefined) {
    const { name = '', items, optional = false } = source.secret;
    const found = await optionally(optional, deps.objects.secret(namespace, name, signal));
    return { files: secretFiles(found, { items, optional, defaultMode: mode }) };
  }
  if (source.downwardAPI !== undefined) {
    return { files: downwardFiles(pod, source.downwardAPI.items, mode, deps.allocatable()) };
  }
  if (source.serviceAccountToken !== undefined) {
    const { path, audience = '', expirationSeconds = 3600 } = source.serviceAccountToken;
    const { token, refreshAtMs } = await deps.tokens.token(pod, { audience, expirationSeconds }, signal);
    const file = { data: Buffer.from(token), mode: secretMode(mode, request), uid: request.fsUser };
    return { files: new Map([[path, file]]), refreshAtMs };
  }
  if (source.clusterTrustBundle !== undefined) {
    const { pem, refreshAtMs } = await deps.trustBundles.anchors(source.clusterTrustBundle, signal);
    const file = { data: Buffer.from(pem), mode, uid: request.fsUser };
    return { files: new Map([[source.clusterTrustBundle.path, file]]), refreshAtMs };
  }
  if (source.podCertificate !== undefined) {
    const of = { volumeName: request.volume.name, index, source: source.podCertificate };
    const { key, chain, refreshAtMs } = await deps.certificates.credentials(pod, of, signal);
    const { credentialBundlePath = '', keyPath = '', certificateChainPath = '' } = source.podCertificate;
    const files: Files = new Map();
    const show = (path: string, text: string, fileMode: number): void => {
      if (path !== '') files.set(path, { data: Buffer.from(text), mode: fileMode, uid: request.fsUser });
    };
    show(credentialBundlePath, key + chain, secretMode(mode, request));
    show(keyPath, key, secretMode(mode, request));
    show(certificateChainPath, chain, mode);
    return { files, refreshAtMs };
  }
  const kind = Object.keys(source)[0] ?? 'empty';
  throw new Error(`projected volume source ${kind} is not supported by this kubelet`);
}

/** What is for one user or one group is for nobody else to read. */
function secretMode(mode: number, { fsGroup, fsUser }: VolumeRequest): number {
  return fsUser !== undefined || fsGroup !== undefined ? 0o600 : mode;
}
