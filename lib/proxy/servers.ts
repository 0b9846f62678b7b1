/** The proxy's HTTP servers: health on 10256, metrics and what runs here on 10249. */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { encodeConfig } from '../component/config/document.ts';
import type { Metrics } from '../component/metrics.ts';
import type { Handler } from '../component/serving/exchange.ts';
import { json, text, textError } from '../component/serving/exchange.ts';
import { Routes } from '../component/serving/routes.ts';
import type { RunningServer } from '../component/serving/server.ts';
import { createPlainServer } from '../component/serving/server.ts';
import { configz, flagz, statusz } from '../component/zpages.ts';
import type { ProxyConfig } from './config/proxy_config.ts';
import { HEALTHZ_PORT, METRICS_PORT, PROXY_CONFIG_KIND, splitEndpoint } from './config/proxy_config.ts';
import type { ExplainSource } from './explain/explain.ts';
import { explainDestination, explainService, parseDestination } from './explain/explain.ts';
import type { ProxyHealth } from './healthcheck/proxy_health.ts';
import { openLater } from './late_server.ts';
import { installUi } from './ui/proxy_ui.ts';
import type { SyncHistory } from './ui/sync_history.ts';

export interface ServersOptions {
  readonly config: ProxyConfig;
  /** All flags with their values, for /flagz. */
  readonly flags: ReadonlyMap<string, string>;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly health: ProxyHealth;
  readonly nodeName: string;
  readonly history: SyncHistory;
  readonly explainSources: () => readonly ExplainSource[];
  readonly isNodeAddress: (ip: string) => boolean;
}

/**
 * Starts the servers that the configuration asks for.
 *
 * @throws ListenError with `bindAddressHardFail`; without, a port that is taken (often by the proxy that this one takes over
 *   from) is logged and tried again, while the proxy works on
 */
export async function startServers(options: ServersOptions): Promise<RunningServer[]> {
  const { config, log, clock } = options;
  const servers: RunningServer[] = [];
  const start = async (name: string, bind: string, defaultPort: number, handler: Handler): Promise<void> => {
    const at = splitEndpoint(bind, defaultPort);
    if (at === undefined) return;
    const open = (): Promise<RunningServer> => createPlainServer({ ...at, log, handler });
    try {
      servers.push(await open());
    } catch (err) {
      if (config.bindAddressHardFail) throw err;
      const which = { server: name, address: bind };
      log.error(err, 'Cannot start a server; trying again and going on without', which);
      const onOpened = (): void => log.info('Started the server that could not be started', which);
      servers.push(openLater({ port: at.port, clock, open, onOpened }));
    }
  };
  await start('healthz', config.healthzBindAddress, HEALTHZ_PORT, healthRoutes(options).handle);
  await start('metrics', config.metricsBindAddress, METRICS_PORT, metricsRoutes(options).handle);
  return servers;
}

function healthRoutes({ health }: ServersOptions): Routes {
  return new Routes().exact('/healthz', health.healthz).exact('/livez', health.livez);
}

function metricsRoutes(options: ServersOptions): Routes {
  const { config, flags, clock, metrics } = options;
  const routes = new Routes()
    .exact('/healthz', ({ res }) => text(res, 'ok'))
    .exact('/proxyMode', ({ res }) => text(res, config.mode))
    .exact('/metrics', metrics.handle)
    .exact('/configz', configz({ 'kubeproxy.config.k8s.io': () => encodeConfig(config, PROXY_CONFIG_KIND) }))
    .exact('/flagz', flagz('kube-proxy', flags))
    .exact('/debug/explain', explain(options))
    .prefix('/debug/explain/services/', explainOneService(options));
  installUi(routes, { ...options, mode: config.mode });
  return routes.exact('/statusz', statusz('kube-proxy', clock, routes));
}

const EXPLAIN_USAGE =
  'want ?destination=IP:PORT&protocol=tcp|udp|sctp&source=IP (of the same family, may be left out), or /debug/explain/services/NAMESPACE/NAME';

function explain({ explainSources, isNodeAddress }: ServersOptions): Handler {
  return ({ res, query }) => {
    const destination = parseDestination(
      query.get('destination') ?? '',
      query.get('protocol') ?? 'tcp',
      query.get('source') ?? '',
    );
    if (destination === undefined) textError(res, 400, EXPLAIN_USAGE);
    else json(res, 200, explainDestination(explainSources(), destination, isNodeAddress));
  };
}

function explainOneService({ explainSources }: ServersOptions): Handler {
  return ({ res, path }) => {
    const key = decodeURIComponent(path.slice('/debug/explain/services/'.length));
    if (!/^[^/]+\/[^/]+$/.test(key)) textError(res, 400, EXPLAIN_USAGE);
    else json(res, 200, explainService(explainSources(), key));
  };
}
