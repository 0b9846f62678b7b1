/**
 * TLS bootstrap: with a kubeconfig that may do no more than ask for a certificate, the kubelet gets its own identity and
 * writes the kubeconfig that it runs with from then on.
 */
import { mkdir } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { stringify } from 'yaml';
import { writeFileAtomic } from '../../base/atomic_file.ts';
import type { Clock } from '../../base/clock.ts';
import { errorMessage } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { ClientConfig } from '../../client/client_config.ts';
import type { KeyPair } from '../../component/x509/self_signed.ts';
import { type CertificateStore, validity } from './certificate_store.ts';

/** Why the kubeconfig cannot be used as it is, undefined when it can: it is missing, or its certificate is or has ended. */
export function needsBootstrap(path: string, load: () => ClientConfig, nowMs: number): string | undefined {
  if (!existsSync(path)) return 'there is no kubeconfig yet';
  try {
    const { auth } = load();
    if (auth.clientCertificate === undefined) return undefined;
    const { cert } = auth.clientCertificate;
    const text = 'data' in cert ? cert.data : readFileSync(cert.file, 'utf8');
    return validity(text).untilMs <= nowMs ? 'the client certificate has expired' : undefined;
  } catch (error) {
    return errorMessage(error);
  }
}

export interface BootstrapOptions {
  /** Of the bootstrap kubeconfig. */
  readonly config: ClientConfig;
  /** `--kubeconfig`: written. */
  readonly kubeconfig: string;
  readonly store: CertificateStore;
  readonly request: (signal: AbortSignal) => Promise<KeyPair>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Rejects when the request is refused; the message says why. */
export async function bootstrap(options: BootstrapOptions): Promise<void> {
  const { clock, config, kubeconfig, log, request, signal, store } = options;
  const before = await store.current().catch(() => undefined);
  if (before === undefined || validity(before.cert).untilMs <= clock.now()) {
    log.info('Asking the cluster for a client certificate', { certificate: store.path });
    await store.update(await request(signal), clock.now());
  }
  await mkdir(dirname(kubeconfig), { recursive: true, mode: 0o755 });
  await writeFileAtomic(kubeconfig, stringify(kubeconfigFor(config, store.path)), { mode: 0o600 });
  log.info('Wrote the kubeconfig', { kubeconfig });
}

/** A kubeconfig for the same apiserver with the certificate at `path`. Pure. */
export function kubeconfigFor(config: ClientConfig, path: string): object {
  const { ca, insecureSkipVerify, serverName } = config.tls;
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'default-cluster',
        cluster: {
          server: config.server,
          ...(ca === undefined
            ? {}
            : 'file' in ca
              ? { 'certificate-authority': ca.file }
              : { 'certificate-authority-data': Buffer.from(ca.data).toString('base64') }),
          ...(insecureSkipVerify === true ? { 'insecure-skip-tls-verify': true } : {}),
          ...(serverName === undefined ? {} : { 'tls-server-name': serverName }),
        },
      },
    ],
    users: [{ name: 'default-auth', user: { 'client-certificate': path, 'client-key': path } }],
    contexts: [
      {
        name: 'default-context',
        context: {
          cluster: 'default-cluster',
          user: 'default-auth',
          namespace: config.namespace ?? 'default',
        },
      },
    ],
    'current-context': 'default-context',
  };
}
