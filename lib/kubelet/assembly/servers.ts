/** The kubelet's servers, with who may ask them what. */
import { alwaysAllow, type Authorizer } from '../../component/authz/authorizer.ts';
import {
  delegatedAuthentication,
  type DelegatedAuthentication,
  delegatedAuthorization,
} from '../../component/delegated_auth.ts';
import { formatFlags, type ParsedFlags } from '../../component/flags.ts';
import { Metrics } from '../../component/metrics.ts';
import { servingCertificate } from '../../component/serving_certificate.ts';
import { nodeTlsSettings } from '../../component/serving/tls_options.ts';
import { kubeletFlags } from '../flags.ts';
import { startHealthzServer, startKubeletServer } from '../server/server.ts';
import type { KubeletView } from '../server/view.ts';
import { createStatsSource } from '../stats/stats_source.ts';
import type { Base } from './base.ts';
import type { NodeParts } from './node.ts';
import type { Pods } from './pods.ts';
import type { Runtime } from './runtime.ts';

interface Closable {
  close(): Promise<void>;
}

/** @throws ListenError when a port is taken */
export async function startServers(
  kubelet: Base & Runtime & Pods & NodeParts,
  flags: ParsedFlags<typeof kubeletFlags>,
): Promise<readonly Closable[]> {
  const { clock, config, log, signal } = kubelet;
  const started: Closable[] = [];
  if (config.healthzPort > 0) {
    started.push(
      await startHealthzServer({ address: config.healthzBindAddress, port: config.healthzPort, log }),
    );
  }
  if (!config.enableServer) return started;
  const { tls, warnings } = nodeTlsSettings({
    minVersion: config.tlsMinVersion,
    cipherSuites: config.tlsCipherSuites,
  });
  for (const warning of warnings) log.warn(warning);
  const certificate = await servingCertificate({
    certFile: config.tlsCertFile,
    keyFile: config.tlsPrivateKeyFile,
    certDir: kubelet.flags.certDir,
    name: 'kubelet',
    hosts: [kubelet.nodeName, ...kubelet.hostIPs()],
    clock,
    log,
    signal,
  });
  started.push(
    await startKubeletServer({
      view: viewOf(kubelet),
      address: config.address,
      port: config.port,
      certificate,
      tls,
      authentication: await authentication(kubelet),
      authorizer: authorizer(kubelet),
      metrics: new Metrics(),
      flags: formatFlags(kubeletFlags, flags),
      debuggingHandlers: config.enableDebuggingHandlers,
      systemLogHandler: config.enableSystemLogHandler,
      streamingIdleTimeoutMs: config.streamingConnectionIdleTimeout,
      log,
      clock,
      signal,
    }),
  );
  return started;
}

function viewOf(kubelet: Base & Runtime & Pods & NodeParts): KubeletView {
  const { cache, clock, cri, dirs, document, exec, nodeName, podView, reporter, streaming, timeline } =
    kubelet;
  return {
    nodeName,
    pods: podView,
    runtime: cache,
    exec,
    streaming,
    stats: createStatsSource({ cri, runtime: cache, clock, nodeName, rootDir: dirs.root }),
    timeline,
    node: () => reporter.node(),
    syncLoopProblem: () => cache.problem(),
    configuration: () => document,
  };
}

function authentication({ client, clock, config, log, signal }: Base): Promise<DelegatedAuthentication> {
  const { anonymous, webhook, x509 } = config.authentication;
  return delegatedAuthentication(
    {
      client,
      clientCAFile: x509.clientCAFile,
      requestHeader: {
        clientCAFile: '',
        allowedNames: [],
        usernameHeaders: [],
        uidHeaders: [],
        groupHeaders: [],
        extraHeaderPrefixes: [],
      },
      lookup: false,
      tolerateLookupFailure: true,
      tokens: webhook.enabled,
      tokenCacheTtlMs: webhook.cacheTTL,
      anonymous: anonymous.enabled,
    },
    { clock, log, signal },
  );
}

function authorizer({ client, clock, config, log }: Base): Authorizer {
  const { mode, webhook } = config.authorization;
  if (mode === 'AlwaysAllow') return alwaysAllow;
  return delegatedAuthorization(
    {
      client,
      alwaysAllowPaths: [],
      allowedTtlMs: webhook.cacheAuthorizedTTL,
      deniedTtlMs: webhook.cacheUnauthorizedTTL,
    },
    { clock, log },
  );
}
