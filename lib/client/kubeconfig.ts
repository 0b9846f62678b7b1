/** Reads kubeconfig files (kubernetes.io "Kubeconfig (v1)") and the service account of a pod. */
import { existsSync, readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { dirname, isAbsolute, join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import type {
  AuthConfig,
  ClientConfig,
  ExecPlugin,
  Impersonation,
  PemSource,
  TlsConfig,
} from './client_config.ts';
import { KubeconfigError } from './client_config.ts';
import { Fields } from './kubeconfig_fields.ts';
import { errorMessage } from '../base/errors.ts';

// Whoever has a configuration wants a client next.
export { createClient } from './http_client.ts';
export { KubeconfigError } from './client_config.ts';
export type { ClientConfig } from './client_config.ts';

export interface LoadOptions {
  /** The kubeconfig file. Left out: the pod's service account ({@link inClusterConfig}). */
  readonly path?: string;
  /** Instead of `current-context`. */
  readonly context?: string;
  /** Instead of the cluster's server (`--master`). Alone, without `path`: that server, no credentials. */
  readonly server?: string;
}

/**
 * The configuration of one context of a kubeconfig file.
 *
 * @throws KubeconfigError naming the file, the field and what is allowed
 */
export function loadKubeconfig(options: LoadOptions = {}): ClientConfig {
  const { path, context, server } = options;
  if (path === undefined || path === '') {
    if (server === undefined || server === '') return inClusterConfig();
    return { server: checkServer(server, '--master'), tls: {}, auth: {} };
  }
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (err) {
    throw new KubeconfigError(`cannot read kubeconfig ${path}: ${errorMessage(err)}`, { cause: err });
  }
  return parseKubeconfig(text, { ...options, path, ...(context === undefined ? {} : { context }) });
}

/** As {@link loadKubeconfig}, for the text of a file; relative paths in it start at the directory of `path`. */
export function parseKubeconfig(
  text: string,
  options: LoadOptions & { readonly path: string },
): ClientConfig {
  const { path } = options;
  let document: unknown;
  try {
    document = parseYaml(text);
  } catch (err) {
    throw new KubeconfigError(`kubeconfig ${path} is not valid YAML: ${errorMessage(err)}`, { cause: err });
  }
  const root = new Fields(document, `kubeconfig ${path}`, '');
  const kind = root.string('kind');
  if (kind !== undefined && kind !== 'Config') throw root.wrong('kind', kind, '"Config"');
  const name = options.context ?? root.string('current-context') ?? '';
  if (name === '') {
    throw new KubeconfigError(
      `kubeconfig ${path}: field "current-context" is empty and no context was given`,
    );
  }
  const context = root.named('contexts', name, 'context');
  const cluster = root.named('clusters', context.required('cluster'), 'cluster');
  const userName = context.string('user') ?? '';
  const user = userName === '' ? undefined : root.named('users', userName, 'user');
  const dir = dirname(path);
  const namespace = context.string('namespace');
  const override = options.server === '' ? undefined : options.server;

  const proxyUrl = proxyOf(cluster);
  return {
    server:
      override === undefined
        ? checkServer(cluster.required('server'), cluster.at('server'))
        : checkServer(override, '--master'),
    ...(proxyUrl === undefined ? {} : { proxyUrl }),
    ...(namespace === undefined || namespace === '' ? {} : { namespace }),
    tls: tlsOf(cluster, dir),
    auth: user === undefined ? {} : authOf(user, dir),
  };
}

function proxyOf(cluster: Fields): string | undefined {
  const given = cluster.string('proxy-url') ?? '';
  if (given === '') return undefined;
  // The URL may hold a password: messages name what is wrong with it, not the whole.
  const scheme = /^[a-z][a-z0-9+.-]*(?=:\/\/)/i.exec(given)?.[0]?.toLowerCase() ?? '';
  if (scheme === 'socks5' || scheme === 'socks5h')
    throw cluster.wrong('proxy-url', `${scheme}://...`, 'http:// or https://: SOCKS is not supported');
  if (!['http', 'https'].includes(scheme) || !URL.canParse(given))
    throw cluster.wrong(
      'proxy-url',
      scheme === '' ? given : `${scheme}://...`,
      'a URL with http:// or https://',
    );
  return given;
}

const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The configuration of a pod: its service account's token and the addresses in its environment.
 *
 * @param dir for tests: where the service account volume is mounted
 * @throws KubeconfigError when this process does not run in a pod
 */
export function inClusterConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
  dir: string = SERVICE_ACCOUNT_DIR,
): ClientConfig {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '';
  if (host === '' || port === '') {
    throw new KubeconfigError(
      'no kubeconfig given and not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set',
    );
  }
  const tokenFile = join(dir, 'token');
  if (!existsSync(tokenFile)) {
    throw new KubeconfigError(`no kubeconfig given and no service account token at ${tokenFile}`);
  }
  const caFile = join(dir, 'ca.crt');
  const namespaceFile = join(dir, 'namespace');
  return {
    server: checkServer(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`, 'KUBERNETES_SERVICE_HOST'),
    ...(existsSync(namespaceFile) ? { namespace: readFileSync(namespaceFile, 'utf8').trim() } : {}),
    tls: existsSync(caFile) ? { ca: { file: caFile } } : {},
    auth: { tokenFile },
  };
}

function checkServer(server: string, where: string): string {
  // Without a scheme upstream means http for localhost-style addresses given as --master; ask instead of guessing.
  let url: URL;
  try {
    url = new URL(server);
  } catch (err) {
    throw new KubeconfigError(
      `${where}: got ${JSON.stringify(server)}, want a URL such as https://10.0.0.1:6443`,
      { cause: err },
    );
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new KubeconfigError(
      `${where}: got ${JSON.stringify(server)}, want a URL that starts with https:// or http://`,
    );
  }
  if (url.search !== '' || url.hash !== '' || url.username !== '') {
    throw new KubeconfigError(
      `${where}: got ${JSON.stringify(server)}, want a URL without user, query and fragment`,
    );
  }
  return server.replace(/\/+$/, '');
}

function tlsOf(cluster: Fields, dir: string): TlsConfig {
  const ca = pem(cluster, 'certificate-authority', dir);
  const insecureSkipVerify = cluster.boolean('insecure-skip-tls-verify') ?? false;
  if (ca !== undefined && insecureSkipVerify) {
    throw cluster.wrong(
      'insecure-skip-tls-verify',
      true,
      'false (or absent) where a certificate authority is named',
    );
  }
  const serverName = cluster.string('tls-server-name');
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(insecureSkipVerify ? { insecureSkipVerify } : {}),
    ...(serverName === undefined || serverName === '' ? {} : { serverName }),
  };
}

function authOf(user: Fields, dir: string): AuthConfig {
  const cert = pem(user, 'client-certificate', dir);
  const key = pem(user, 'client-key', dir);
  if (cert !== undefined && key === undefined) {
    throw user.wrong('client-key', undefined, 'the private key of client-certificate');
  }
  if (key !== undefined && cert === undefined) {
    throw user.wrong('client-certificate', undefined, 'the certificate of client-key');
  }
  const token = user.string('token');
  const tokenFile = user.string('tokenFile');
  const username = user.string('username');
  const password = user.string('password');
  const provider = user.object('auth-provider');
  if (provider !== undefined) {
    throw new KubeconfigError(
      `${user.at('auth-provider')}: auth providers were removed in Kubernetes 1.26; use an exec plugin`,
    );
  }
  const exec = user.object('exec');
  const impersonate = impersonationOf(user);
  return {
    ...(cert === undefined || key === undefined ? {} : { clientCertificate: { cert, key } }),
    ...(token === undefined || token === '' ? {} : { token }),
    ...(tokenFile === undefined || tokenFile === '' ? {} : { tokenFile: resolvePath(dir, tokenFile) }),
    ...(username === undefined || username === '' ? {} : { basic: { username, password: password ?? '' } }),
    ...(exec === undefined ? {} : { exec: execOf(exec, dir) }),
    ...(impersonate === undefined ? {} : { impersonate }),
  };
}

function execOf(exec: Fields, dir: string): ExecPlugin {
  const apiVersion = exec.required('apiVersion');
  if (
    apiVersion !== 'client.authentication.k8s.io/v1' &&
    apiVersion !== 'client.authentication.k8s.io/v1beta1'
  ) {
    throw exec.wrong(
      'apiVersion',
      apiVersion,
      '"client.authentication.k8s.io/v1" or "client.authentication.k8s.io/v1beta1"',
    );
  }
  const mode = exec.string('interactiveMode');
  if (mode !== undefined && mode !== 'Never' && mode !== 'IfAvailable') {
    throw exec.wrong('interactiveMode', mode, '"Never" or "IfAvailable": a daemon has no terminal to ask at');
  }
  if (mode === undefined && apiVersion === 'client.authentication.k8s.io/v1') {
    throw exec.wrong('interactiveMode', undefined, '"Never" or "IfAvailable"');
  }
  const command = exec.required('command');
  const env: Record<string, string> = {};
  for (const entry of exec.objects('env')) env[entry.required('name')] = entry.string('value') ?? '';
  const installHint = exec.string('installHint');
  return {
    apiVersion,
    command: command.includes('/') ? resolvePath(dir, command) : command,
    args: exec.strings('args'),
    env,
    ...(installHint === undefined ? {} : { installHint }),
    provideClusterInfo: exec.boolean('provideClusterInfo') ?? false,
  };
}

function impersonationOf(user: Fields): Impersonation | undefined {
  const name = user.string('as') ?? '';
  const uid = user.string('as-uid');
  const groups = user.strings('as-groups');
  const extraFields = user.object('as-user-extra');
  if (name === '') {
    if (groups.length > 0 || (uid ?? '') !== '' || extraFields !== undefined) {
      throw user.wrong('as', undefined, 'a user name where as-uid, as-groups or as-user-extra is given');
    }
    return undefined;
  }
  const extra: Record<string, readonly string[]> = {};
  for (const key of extraFields?.names() ?? []) extra[key] = extraFields?.strings(key) ?? [];
  return { user: name, groups, extra, ...(uid === undefined || uid === '' ? {} : { uid }) };
}

/** `FIELD-data` (base64) wins over `FIELD` (path), as in kubectl. */
function pem(fields: Fields, field: string, dir: string): PemSource | undefined {
  const data = fields.string(`${field}-data`);
  if (data !== undefined && data !== '') {
    const text = Buffer.from(data, 'base64').toString('utf8');
    if (!text.includes('-----BEGIN ')) {
      throw new KubeconfigError(`${fields.at(`${field}-data`)}: want PEM text, base64-encoded`);
    }
    return { data: text };
  }
  const file = fields.string(field);
  return file === undefined || file === '' ? undefined : { file: resolvePath(dir, file) };
}

function resolvePath(dir: string, path: string): string {
  return isAbsolute(path) ? path : join(dir, path);
}
