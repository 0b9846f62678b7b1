/** The kubelet's servers, with who may ask them what. */
import { alwaysAllow, type Authorizer } from '../../component/authz/authorizer.ts';
import {
  delegatedAuthentication,
  type DelegatedAuthentication,
  delegatedAuthorization,
} from '../../component/delegated_auth.ts';
import { formatFlags, type ParsedFlags } from '../../component/flags.ts';
import { nodeTlsSettings } from '../../component/serving/tls_options.ts';
import { cgroupPath, parseCgroupRoot, qosCgroup } from '../cgroups/cgroup_names.ts';
import { QOS_CLASSES } from '../cgroups/pod_cgroups.ts';
import { kubeletFlags } from '../flags.ts';
import type { KubeletRouteOptions } from '../server/kubelet_routes.ts';
import { startHealthzServer, startKubeletServer, startReadOnlyServer } from '../server/server.ts';
import type { KubeletView } from '../server/view.ts';
import type { Base } from './base.ts';
import { kubeletCertificate } from './server_certificate.ts';
import { checkpointer } from './checkpoints.ts';
import type { KubeletMetrics } from './metrics.ts';
import type { NodeParts } from './node.ts';
import type { Pods } from './pods.ts';
import { podGroupPath, type Runtime } from './runtime.ts';
import type { Stats } from './stats.ts';

type Served = Base & KubeletMetrics & Runtime & Pods & NodeParts & Stats;

interface Closable {
  close(): Promise<void>;
}

/** @throws ListenError when a port is taken */
export async function startServers(
  kubelet: Served,
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
    curves: config.tlsCurvePreferences,
  });
  for (const warning of warnings) log.warn(warning);
  const certificate = await kubeletCertificate(kubelet);
  const routes: KubeletRouteOptions = {
    view: viewOf(kubelet),
    metrics: kubelet.metrics,
    probeMetrics: kubelet.probeMetrics.metrics,
    httpMetrics: kubelet.httpMetrics,
    flags: formatFlags(kubeletFlags, flags),
    debuggingHandlers: config.enableDebuggingHandlers,
    systemLogHandler: config.enableSystemLogHandler,
    systemLogQuery: config.enableSystemLogQuery && kubelet.gates.enabled('NodeLogQuery'),
    debugFlagsHandler: config.enableDebugFlagsHandler,
    log,
    clock,
    signal,
  };
  started.push(
    await startKubeletServer({
      ...routes,
      address: config.address,
      port: config.port,
      certificate,
      tls,
      authentication: await authentication(kubelet),
      authorizer: authorizer(kubelet),
      streamingIdleTimeoutMs: config.streamingConnectionIdleTimeout,
    }),
  );
  if (config.readOnlyPort > 0) {
    started.push(
      await startReadOnlyServer({ ...routes, address: config.address, port: config.readOnlyPort }),
    );
  }
  return started;
}

function viewOf(kubelet: Served): KubeletView {
  const { cache, document, exec, nodeName, podView, reporter, streaming, timeline } = kubelet;
  return {
    nodeName,
    pods: podView,
    runtime: cache,
    exec,
    streaming,
    stats: kubelet.stats,
    podCgroup: (uid) => {
      const pod = kubelet.pods.pod(uid);
      return pod === undefined ? undefined : podGroupPath(kubelet, pod);
    },
    classCgroups: () => classCgroupPaths(kubelet),
    hierarchy: kubelet.hierarchy,
    checkpoint: checkpointer(kubelet),
    timeline,
    node: () => reporter.node(),
    syncLoopProblem: () => cache.problem(),
    configuration: () => document,
  };
}

/** Of all pods (where those that are guaranteed what they ask for are right below), and of the classes below it. */
function classCgroupPaths({ cgroupDriver, config }: Served): readonly string[] {
  if (!config.cgroupsPerQOS) return [];
  const root = parseCgroupRoot(config.cgroupRoot);
  return QOS_CLASSES.map((qos) => `/${cgroupPath(qosCgroup(root, qos), cgroupDriver)}`);
}

function authentication({
  client,
  clock,
  config,
  hasApi,
  log,
  signal,
}: Base): Promise<DelegatedAuthentication> {
  const { anonymous, webhook, x509 } = config.authentication;
  if (webhook.enabled && !hasApi) throw new Error('no client provided, cannot use webhook authentication');
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

function authorizer({ client, clock, config, hasApi, log }: Base): Authorizer {
  const { mode, webhook } = config.authorization;
  if (mode === 'AlwaysAllow') return alwaysAllow;
  if (!hasApi) throw new Error('no client provided, cannot use webhook authorization');
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
