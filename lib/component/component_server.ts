/**
 * The HTTPS server of a component that is configured by the generic flags (secure serving, delegated authentication and
 * authorization): health, metrics and the z-pages, and what the component adds.
 */
import { hostname } from 'node:os';
import type { ApiClient } from '../client/client.ts';
import type { ClientOptions } from '../client/http_client.ts';
import { createClient, inClusterConfig, loadKubeconfig } from '../client/kubeconfig.ts';
import { errorMessage } from '../base/errors.ts';
import { delegatedAuthentication, delegatedAuthorization } from './delegated_auth.ts';
import type { FlagValues } from './flags.ts';
import type { HealthChecks } from './health.ts';
import { installSlis } from './health_slis.ts';
import type { DaemonContext } from './lifecycle.ts';
import type { Metrics } from './metrics.ts';
import { fileKeyPair } from './serving/certificates.ts';
import type { FileSourceOptions } from './serving/certificates.ts';
import { Routes } from './serving/routes.ts';
import type { RunningServer } from './serving/server.ts';
import { createSecureServer } from './serving/server.ts';
import { nodeTlsSettings } from './serving/tls_options.ts';
import { servingCertificate } from './serving_certificate.ts';
import type { delegatedAuthFlags, secureServingFlags } from './serving_flags.ts';
import { checkServingFlags } from './serving_flags.ts';
import { userAgent } from './version.ts';
import { verbosityHandler } from './verbosity_handler.ts';
import { configz, flagz, statusz } from './zpages.ts';

type ServingValues = FlagValues<ReturnType<typeof secureServingFlags>> &
  FlagValues<typeof delegatedAuthFlags>;

export interface ComponentServerOptions {
  ctx: DaemonContext;
  values: ServingValues;
  /** Every flag with its value, for /flagz (`formatFlags`). */
  flags: ReadonlyMap<string, string>;
  healthz: HealthChecks;
  /** Default: as `healthz`. */
  livez?: HealthChecks;
  /** Default: as `healthz`. */
  readyz?: HealthChecks;
  metrics: Metrics;
  /** Name to effective configuration, for /configz. */
  configurations: Readonly<Record<string, () => unknown>>;
  /** Adds paths of the component's own. */
  addRoutes?: (routes: Routes) => void;
}

/**
 * Starts the server; undefined when `--secure-port` is 0.
 *
 * @throws FlagError, CertificateError, TlsOptionError, ListenError, KubeconfigError: each names what is wrong
 */
export async function startComponentServer(
  options: ComponentServerOptions,
): Promise<RunningServer | undefined> {
  const { ctx, values, healthz, livez = healthz, readyz = healthz } = options;
  checkServingFlags(values);
  if (values['secure-port'] === 0) return undefined;
  const { tls, warnings } = nodeTlsSettings({
    minVersion: values['tls-min-version'],
    cipherSuites: values['tls-cipher-suites'],
    curves: values['tls-curve-preferences'],
  });
  for (const warning of warnings) ctx.log.warn(warning);
  const fileOptions: FileSourceOptions = ctx;
  const address = values['bind-address'];
  const certificate = await servingCertificate({
    ...fileOptions,
    certFile: values['tls-cert-file'],
    keyFile: values['tls-private-key-file'],
    certDir: values['cert-dir'],
    name: ctx.name,
    hosts: [
      hostname(),
      'localhost',
      '127.0.0.1',
      ...(['0.0.0.0', '::', ''].includes(address) ? [] : [address]),
    ],
  });
  const routes = new Routes();
  healthz.install(routes, '/healthz');
  livez.install(routes, '/livez');
  readyz.install(routes, '/readyz');
  routes.exact('/metrics', options.metrics.handle);
  installSlis(routes, { healthz, livez, readyz });
  routes.exact('/configz', configz(options.configurations));
  routes.exact('/statusz', statusz(ctx.name, ctx.clock, routes));
  routes.exact('/flagz', flagz(ctx.name, options.flags));
  routes.exact('/debug/flags/v', verbosityHandler(ctx.log));
  options.addRoutes?.(routes);
  const { authentication, authorizer } = await delegatedAuth(ctx, values);
  return createSecureServer({
    address,
    port: values['secure-port'],
    reusePort: values['permit-port-sharing'],
    certificate,
    sni: values['tls-sni-cert-key'].map(({ certFile, keyFile, names }) => ({
      pair: fileKeyPair(certFile, keyFile, fileOptions),
      names,
    })),
    tls,
    clientAuthorities: authentication.clientAuthorities,
    authenticator: authentication.authenticator,
    authorizer,
    handler: routes.handle,
    clock: ctx.clock,
    log: ctx.log,
  });
}

/** Authentication and authorization as the generic flags say. */
async function delegatedAuth(ctx: DaemonContext, values: ServingValues) {
  const { clock, log } = ctx;
  const authenticationClient = reviewClient(ctx, values['authentication-kubeconfig'], 'authentication');
  const authorizationClient = reviewClient(ctx, values['authorization-kubeconfig'], 'authorization');
  const authentication = await delegatedAuthentication(
    {
      ...(authenticationClient === undefined ? {} : { client: authenticationClient }),
      clientCAFile: values['client-ca-file'],
      requestHeader: {
        clientCAFile: values['requestheader-client-ca-file'],
        allowedNames: values['requestheader-allowed-names'],
        usernameHeaders: values['requestheader-username-headers'],
        uidHeaders: values['requestheader-uid-headers'],
        groupHeaders: values['requestheader-group-headers'],
        extraHeaderPrefixes: values['requestheader-extra-headers-prefix'],
      },
      lookup: !values['authentication-skip-lookup'],
      tolerateLookupFailure: values['authentication-tolerate-lookup-failure'],
      tokens: true,
      tokenCacheTtlMs: values['authentication-token-webhook-cache-ttl'],
      anonymous: true,
    },
    ctx,
  );
  const authorizer = delegatedAuthorization(
    {
      ...(authorizationClient === undefined ? {} : { client: authorizationClient }),
      alwaysAllowPaths: values['authorization-always-allow-paths'],
      allowedTtlMs: values['authorization-webhook-cache-authorized-ttl'],
      deniedTtlMs: values['authorization-webhook-cache-unauthorized-ttl'],
    },
    { clock, log },
  );
  return { authentication, authorizer };
}

/** From the kubeconfig, else from the pod that this may run in, else none. */
function reviewClient(ctx: DaemonContext, path: string, purpose: string): ApiClient | undefined {
  const options: ClientOptions = {
    // Caches and the number of clients bound the reviews; to queue them would be to queue our own clients.
    qps: 0,
    userAgent: userAgent(ctx.name),
    clock: ctx.clock,
    onError: (err) => ctx.log.error(err, `Client for ${purpose}`),
  };
  let client: ApiClient;
  if (path === '') {
    try {
      client = createClient(inClusterConfig(), options);
    } catch (err) {
      const lost =
        purpose === 'authentication'
          ? 'bearer tokens and client certificates are not accepted'
          : 'all but the always allowed paths is forbidden';
      ctx.log.warn(`No --${purpose}-kubeconfig and not in a cluster: ${lost}`, { reason: errorMessage(err) });
      return undefined;
    }
  } else client = createClient(loadKubeconfig({ path }), options);
  ctx.signal.addEventListener('abort', () => void client.close().catch(() => undefined), { once: true });
  return client;
}
