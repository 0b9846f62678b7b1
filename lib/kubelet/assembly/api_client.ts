/** How the kubelet reaches its apiserver and as whom: none (standalone), a kubeconfig, or one made by TLS bootstrap. */
import { readFile } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { ApiClient } from '../../client/client.ts';
import { type ClientConfig, createClient, loadKubeconfig } from '../../client/kubeconfig.ts';
import { bootstrap, needsBootstrap } from '../certificates/bootstrap.ts';
import { requestCertificate } from '../certificates/certificate_request.ts';
import { CertificateStore, validity } from '../certificates/certificate_store.ts';
import { CertificateRotation } from '../certificates/rotation.ts';
import type { KubeletOptions } from '../config/kubelet_config.ts';
import type { Background } from './background.ts';
import { standaloneClient } from './standalone_client.ts';

export interface ApiAccess {
  readonly client: ApiClient;
  /** False: standalone; the client refuses everything. */
  readonly hasApi: boolean;
}

interface AccessOptions {
  readonly options: KubeletOptions;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly background: Background;
}

/** @throws KubeconfigError; Error when the bootstrap is refused */
export async function apiAccess(access: AccessOptions): Promise<ApiAccess> {
  const { background, clock, log, options, signal } = access;
  const { config, flags, nodeName } = options;
  const { kubeconfig, bootstrapKubeconfig } = flags;
  if (kubeconfig === '') {
    if (bootstrapKubeconfig !== '')
      throw new Error('--bootstrap-kubeconfig needs --kubeconfig: the path to write the kubeconfig to');
    log.warn('Standalone mode, no API client');
    return { client: standaloneClient(), hasApi: false };
  }
  const store = new CertificateStore(flags.certDir, 'kubelet-client');
  const clientFor = (clientConfig: ClientConfig): ApiClient =>
    createClient(clientConfig, {
      qps: config.kubeAPIQPS,
      burst: config.kubeAPIBurst,
      userAgent: `kubelet/${access.version} (linux/amd64) ts-kubelet`,
      clock,
    });
  const requestWith = (client: ApiClient) => (requestSignal: AbortSignal) =>
    requestCertificate({ kind: 'client', nodeName, hosts: [] }, { client, clock, signal: requestSignal });

  const load = (): ClientConfig => loadKubeconfig({ path: kubeconfig });
  const why = bootstrapKubeconfig === '' ? undefined : needsBootstrap(kubeconfig, load, clock.now());
  if (why !== undefined) {
    log.info('Bootstrapping the client certificate', { reason: why, bootstrapKubeconfig });
    const bootstrapConfig = loadKubeconfig({ path: bootstrapKubeconfig });
    const client = clientFor(bootstrapConfig);
    try {
      const request = requestWith(client);
      await bootstrap({ config: bootstrapConfig, kubeconfig, store, request, clock, log, signal });
    } finally {
      await client.close();
    }
  }
  const loaded = load();
  if (!config.rotateCertificates) return { client: clientFor(loaded), hasApi: true };
  const client = clientFor(await fromStore(loaded, store, clock));
  const rotation = new CertificateRotation({ store, request: requestWith(client), clock, log });
  background.start('Rotation of the client certificate failed', rotation.run(signal));
  return { client, hasApi: true };
}

/** The configuration with the stored certificate; a first one is taken over from the kubeconfig. */
async function fromStore(loaded: ClientConfig, store: CertificateStore, clock: Clock): Promise<ClientConfig> {
  const { clientCertificate } = loaded.auth;
  if (clientCertificate === undefined) return loaded;
  const stored = await store.current().catch(() => undefined);
  const usable = stored !== undefined && validity(stored.cert).untilMs > clock.now();
  if (!usable) {
    const [cert, key] = await Promise.all(
      [clientCertificate.cert, clientCertificate.key].map(async (source) =>
        'data' in source ? source.data : readFile(source.file, 'utf8'),
      ),
    );
    await store.update({ cert: cert ?? '', key: key ?? '' }, clock.now());
  }
  const source = { file: store.path };
  return { ...loaded, auth: { ...loaded.auth, clientCertificate: { cert: source, key: source } } };
}
