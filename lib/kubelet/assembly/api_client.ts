/** How the kubelet reaches its apiserver and as whom: none (standalone), a kubeconfig, or one made by TLS bootstrap. */
import { readFile } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { ApiClient } from '../../client/client.ts';
import type { ObservedRequest } from '../../client/http_client.ts';
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
  /** For events, with a rate limit of their own: a flood of them holds up nothing else. */
  readonly eventClient: ApiClient;
  /** For the node's status and lease, never held up by a rate limit: whoever is late with them is given up. */
  readonly heartbeatClient: ApiClient;
  /** Has a listener told of every request to the API server. */
  readonly onRequest: (listener: (request: ObservedRequest) => void) => void;
  /** Absent: the client certificate is not rotated. */
  readonly clientRotation?: CertificateRotation;
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
export async function apiAccess(given: AccessOptions): Promise<ApiAccess> {
  const { background, clock, log, options, signal } = given;
  const { config, flags, nodeName } = options;
  const { kubeconfig, bootstrapKubeconfig } = flags;
  if (kubeconfig === '') {
    if (bootstrapKubeconfig !== '')
      throw new Error('--bootstrap-kubeconfig needs --kubeconfig: the path to write the kubeconfig to');
    log.warn('Standalone mode, no API client');
    const client = standaloneClient();
    return {
      client,
      eventClient: client,
      heartbeatClient: client,
      onRequest: () => undefined,
      hasApi: false,
    };
  }
  const listeners: ((request: ObservedRequest) => void)[] = [];
  const store = new CertificateStore(flags.certDir, 'kubelet-client');
  const clientFor = (
    clientConfig: ClientConfig,
    rate = { qps: config.kubeAPIQPS, burst: config.kubeAPIBurst },
  ): ApiClient =>
    createClient(clientConfig, {
      ...rate,
      observe: (request) => {
        for (const listener of listeners) listener(request);
      },
      userAgent: `kubelet/${given.version} (linux/amd64) ts-kubelet`,
      clock,
    });
  const clientsFor = (clientConfig: ClientConfig): ApiAccess => ({
    client: clientFor(clientConfig),
    eventClient: clientFor(clientConfig, { qps: config.eventRecordQPS, burst: config.eventBurst }),
    heartbeatClient: clientFor(clientConfig, { qps: 0, burst: 1 }),
    onRequest: (listener) => listeners.push(listener),
    hasApi: true,
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
  if (!config.rotateCertificates) return clientsFor(loaded);
  const access = clientsFor(await fromStore(loaded, store, clock));
  const rotation = new CertificateRotation({ store, request: requestWith(access.client), clock, log });
  background.start('Rotation of the client certificate failed', rotation.run(signal));
  return { ...access, clientRotation: rotation };
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
