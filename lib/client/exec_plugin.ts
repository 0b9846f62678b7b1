/** Runs an exec credential plugin and reads what it answers (client.authentication.k8s.io ExecCredential). */
import { spawn } from 'node:child_process';
import { errorMessage } from '../base/errors.ts';
import type { ExecPlugin } from './client_config.ts';
import { CredentialError } from './errors.ts';

/** What a plugin gave. At least one of token and certificate is there. */
export interface ExecCredential {
  readonly token?: string;
  /** PEM. */
  readonly clientCertificate?: { readonly cert: string; readonly key: string };
  /** Milliseconds since the epoch; without it the credential is used until the server refuses it. */
  readonly expiresAtMs?: number;
}

/** The cluster, for plugins with `provideClusterInfo`. */
export interface ExecCluster {
  readonly server: string;
  readonly 'tls-server-name'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  /** Base64. */
  readonly 'certificate-authority-data'?: string;
}

const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 1 << 20;

/**
 * Runs the plugin once.
 *
 * @throws CredentialError when it cannot be started, fails, takes over a minute or answers something else
 */
export async function runExecPlugin(plugin: ExecPlugin, cluster: ExecCluster): Promise<ExecCredential> {
  const what = `exec plugin ${plugin.command}`;
  const info = {
    apiVersion: plugin.apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: false, ...(plugin.provideClusterInfo ? { cluster } : {}) },
  };
  const env = { ...process.env, ...plugin.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) };
  let output: string;
  try {
    output = await outputOf(plugin, env);
  } catch (err) {
    const hint = plugin.installHint === undefined ? '' : `\n${plugin.installHint}`;
    throw new CredentialError(`${what}: ${errorMessage(err)}${hint}`, { cause: err });
  }
  return parseExecCredential(output, plugin.apiVersion, what);
}

function outputOf(plugin: ExecPlugin, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    // A group of its own, so that a plugin that hangs is killed with everything it started.
    const child = spawn(plugin.command, plugin.args, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let bytes = 0;
    const kill = (why: string): void => {
      reject(new Error(why));
      if (child.pid !== undefined) {
        try {
          process.kill(-child.pid, 'SIGKILL');
        } catch {
          // gone already
        }
      }
    };
    const timer = setTimeout(() => kill(`no answer within ${TIMEOUT_MS / 1000} s`), TIMEOUT_MS);
    const collect = (into: Buffer[]) => (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_OUTPUT_BYTES) kill(`more than ${MAX_OUTPUT_BYTES} bytes of output`);
      else into.push(chunk);
    };
    child.stdout.on('data', collect(out));
    child.stderr.on('data', collect(err));
    child.on('error', (e) => {
      clearTimeout(timer);
      reject(e);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const text = Buffer.concat(err).toString('utf8').trim().slice(0, 500);
      if (code === 0) resolve(Buffer.concat(out).toString('utf8'));
      else reject(new Error(`${signal ?? `exit code ${code}`}${text === '' ? '' : `: ${text}`}`));
    });
  });
}

/** Checks and decodes a plugin's answer. Never quotes it: it holds secrets. */
export function parseExecCredential(output: string, apiVersion: string, what: string): ExecCredential {
  const bad = (want: string, cause?: unknown): CredentialError =>
    new CredentialError(`${what}: ${want}`, cause === undefined ? undefined : { cause });
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch {
    throw bad('its output is not JSON');
  }
  const root = record(value);
  if (root?.['kind'] !== 'ExecCredential') throw bad('its output is not an ExecCredential');
  if (root['apiVersion'] !== apiVersion) {
    throw bad(
      `it answered apiVersion ${JSON.stringify(root['apiVersion'])}, the kubeconfig says "${apiVersion}"`,
    );
  }
  const status = record(root['status']);
  if (status === undefined) throw bad('its ExecCredential has no status');
  const text = (field: string): string | undefined => {
    const v = status[field];
    if (v === undefined || v === null || v === '') return undefined;
    if (typeof v !== 'string') throw bad(`field "status.${field}" is not a string`);
    return v;
  };
  const token = text('token');
  const cert = text('clientCertificateData');
  const key = text('clientKeyData');
  if ((cert === undefined) !== (key === undefined)) {
    throw bad('status.clientCertificateData and status.clientKeyData must come together');
  }
  if (token === undefined && cert === undefined) throw bad('status holds neither token nor certificate');
  const expiration = text('expirationTimestamp');
  const expiresAtMs = expiration === undefined ? undefined : Date.parse(expiration);
  if (expiresAtMs !== undefined && Number.isNaN(expiresAtMs)) {
    throw bad('field "status.expirationTimestamp" is not an RFC 3339 time');
  }
  return {
    ...(token === undefined ? {} : { token }),
    ...(cert === undefined || key === undefined ? {} : { clientCertificate: { cert, key } }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  };
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : undefined;
}
