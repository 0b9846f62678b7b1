/** The kubelet's servers: 10250 with authentication and authorization, 10248 for its own health, 10255 to read only. */
import { errorMessage } from '../../base/errors.ts';
import type { Authorizer } from '../../component/authz/authorizer.ts';
import type { DelegatedAuthentication } from '../../component/delegated_auth.ts';
import { HealthChecks } from '../../component/health.ts';
import type { RootLogger } from '../../component/logging.ts';
import type { Source } from '../../component/serving/certificates.ts';
import type { Handler } from '../../component/serving/exchange.ts';
import { Routes } from '../../component/serving/routes.ts';
import type { RunningServer, UpgradeHandler } from '../../component/serving/server.ts';
import { createPlainServer, createSecureServer, refuseUpgrade } from '../../component/serving/server.ts';
import type { NodeTlsSettings } from '../../component/serving/tls_options.ts';
import type { KeyPair } from '../../component/x509/self_signed.ts';
import { kubeletAttributes, kubeletRefusals, plain } from './access.ts';
import type { KubeletRouteOptions } from './kubelet_routes.ts';
import { kubeletRoutes, readOnlyRoutes } from './kubelet_routes.ts';
import { RequestError } from './request_error.ts';
import { sessionUrl } from './streaming_request.ts';
import { tunnel } from './streaming_tunnel.ts';

export interface KubeletServerOptions extends KubeletRouteOptions {
  address: string;
  port: number;
  certificate: Source<KeyPair>;
  tls: NodeTlsSettings;
  authentication: DelegatedAuthentication;
  /** `alwaysAllow` for authorization mode AlwaysAllow, else delegated. */
  authorizer: Authorizer;
  /** `streamingConnectionIdleTimeout` */
  streamingIdleTimeoutMs: number;
}

/** Starts the server. @throws ListenError */
export function startKubeletServer(options: KubeletServerOptions): Promise<RunningServer> {
  const { view, address, port, certificate, tls, authentication, authorizer, log, clock } = options;
  return createSecureServer({
    address,
    port,
    certificate,
    tls,
    clientAuthorities: authentication.clientAuthorities,
    authenticator: authentication.authenticator,
    authorizer,
    attributes: kubeletAttributes(view.nodeName),
    refusals: kubeletRefusals,
    handler: counted(options, 'readwrite', kubeletRoutes(options).handle),
    ...(options.debuggingHandlers ? { upgrade: upgradeHandler(options) } : {}),
    clock,
    log,
  });
}

/** Starts the health server for the machine itself (`healthzPort`). @throws ListenError */
export function startHealthzServer(options: {
  address: string;
  port: number;
  log: RootLogger;
}): Promise<RunningServer> {
  const routes = new Routes();
  new HealthChecks(options.log).install(routes, '/healthz');
  return createPlainServer({ ...options, handler: routes.handle });
}

/** Starts the server without credentials of `readOnlyPort`, off unless asked for. @throws ListenError */
export function startReadOnlyServer(
  options: KubeletRouteOptions & { address: string; port: number },
): Promise<RunningServer> {
  const { address, port, log } = options;
  return createPlainServer({
    address,
    port,
    log,
    handler: counted(options, 'readonly', readOnlyRoutes(options).handle),
  });
}

function counted(
  { httpMetrics }: KubeletRouteOptions,
  serverType: 'readwrite' | 'readonly',
  handler: Handler,
): Handler {
  return httpMetrics === undefined ? handler : httpMetrics.around(serverType, handler);
}

function upgradeHandler(options: KubeletServerOptions): UpgradeHandler {
  const { view, log, streamingIdleTimeoutMs, signal } = options;
  return async ({ req, path, query }, socket, head) => {
    const refuse = (err: RequestError): void =>
      refuseUpgrade(req, socket, (res) => plain(res, err.status, err.message));
    if (!['GET', 'POST'].includes(req.method ?? '')) {
      refuse(new RequestError(405, '405: Method Not Allowed'));
      return;
    }
    try {
      const url = await sessionUrl(view, { path, query }, signal);
      await tunnel({ url, req, socket, head, idleTimeoutMs: streamingIdleTimeoutMs, log, signal });
    } catch (err) {
      if (!(err instanceof RequestError)) log.error(err, 'Streaming request failed', { path });
      refuse(err instanceof RequestError ? err : new RequestError(500, errorMessage(err)));
    }
  };
}
