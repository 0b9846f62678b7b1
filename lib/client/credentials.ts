/** The identity of a client as it is at the moment: header values and TLS material, renewed from files and plugins. */
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Clock } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import type { ClientConfig, PemSource } from './client_config.ts';
import { CredentialError } from './errors.ts';
import type { ExecCredential } from './exec_plugin.ts';
import { runExecPlugin } from './exec_plugin.ts';

/** PEM for the TLS handshake. The object stays the same until something in it changes. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface Identity {
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly tls: TlsMaterial;
}

// How long file contents are used before they are looked at again.
const FILE_CHECK_MS = 5_000;
// Plugin credentials are renewed that long before they expire, to allow for requests under way and clock skew.
const EXPIRY_MARGIN_MS = 10_000;

/** Keeps the identity of a {@link ClientConfig} current. */
export class Credentials {
  readonly #config: ClientConfig;
  readonly #clock: Clock;
  readonly #onError: (err: unknown) => void;
  readonly #fixedHeaders: Readonly<Record<string, string | string[]>>;
  #tls: TlsMaterial | undefined;
  #token: string | undefined;
  #filesReadAt = Number.NEGATIVE_INFINITY;
  #exec: ExecCredential | undefined;
  #renewal: Promise<Identity> | undefined;

  /** @param onError told when a file cannot be read but its last good content still serves */
  constructor(config: ClientConfig, clock: Clock, onError: (err: unknown) => void) {
    this.#config = config;
    this.#clock = clock;
    this.#onError = onError;
    this.#fixedHeaders = impersonationHeaders(config);
    this.#token = config.auth.token;
  }

  /**
   * The identity to use for a request that starts now.
   *
   * @throws CredentialError when there is none: nothing good was ever read, or the plugin failed
   */
  current(): Promise<Identity> | Identity {
    const { tls } = this;
    if (tls !== undefined) return { headers: this.#headers(), tls };
    // One renewal at a time, however many requests wait for it.
    this.#renewal ??= this.#renew().finally(() => (this.#renewal = undefined));
    return this.#renewal;
  }

  /** The server answered 401: whatever can be renewed is renewed before the next request. */
  invalidate(): void {
    this.#exec = undefined;
    this.#filesReadAt = Number.NEGATIVE_INFINITY;
  }

  /** Whether {@link invalidate} can lead to other credentials. */
  get renewable(): boolean {
    return this.#config.auth.exec !== undefined || this.#config.auth.tokenFile !== undefined;
  }

  private get tls(): TlsMaterial | undefined {
    if (this.#clock.monotonic() - this.#filesReadAt >= FILE_CHECK_MS) return undefined;
    if (this.#config.auth.exec !== undefined) {
      if (this.#exec === undefined) return undefined;
      const { expiresAtMs } = this.#exec;
      if (expiresAtMs !== undefined && this.#clock.now() >= expiresAtMs - EXPIRY_MARGIN_MS) return undefined;
    }
    return this.#tls;
  }

  async #renew(): Promise<Identity> {
    const ca = await this.#readCa();
    await this.#renewExec(ca);
    await this.#readToken();
    const pair = this.#exec?.clientCertificate ?? (await this.#readPair());
    const old = this.#tls;
    if (
      old === undefined ||
      old.ca !== ca ||
      (pair !== undefined && (old.cert !== pair.cert || old.key !== pair.key))
    ) {
      this.#tls = { ...(ca === undefined ? {} : { ca }), ...pair };
    }
    this.#filesReadAt = this.#clock.monotonic();
    const tls = this.#tls ?? {};
    return { headers: this.#headers(), tls };
  }

  async #readCa(): Promise<string | undefined> {
    const { ca } = this.#config.tls;
    if (ca === undefined) return undefined;
    try {
      const text = await read(ca);
      createSecureContext({ ca: text }); // throws on garbage, e.g. a file half written
      return text;
    } catch (err) {
      return this.#keep(this.#tls?.ca, `certificate authority ${nameOf(ca)}`, err);
    }
  }

  async #readPair(): Promise<{ cert: string; key: string } | undefined> {
    const source = this.#config.auth.clientCertificate;
    if (source === undefined) return undefined;
    try {
      const pair = { cert: await read(source.cert), key: await read(source.key) };
      // During a rotation the two files may not fit each other for a moment.
      createSecureContext(pair);
      return pair;
    } catch (err) {
      const old = this.#tls;
      const kept =
        old?.cert === undefined || old.key === undefined ? undefined : { cert: old.cert, key: old.key };
      return this.#keep(kept, `client certificate ${nameOf(source.cert)}`, err);
    }
  }

  async #readToken(): Promise<void> {
    const { tokenFile } = this.#config.auth;
    if (tokenFile === undefined) return;
    try {
      const text = (await readFile(tokenFile, 'utf8')).trim();
      if (text === '') throw new Error('the file is empty');
      this.#token = text;
    } catch (err) {
      this.#keep(this.#token, `token file ${tokenFile}`, err);
    }
  }

  async #renewExec(ca: string | undefined): Promise<void> {
    const { exec } = this.#config.auth;
    if (exec === undefined) return;
    const expires = this.#exec?.expiresAtMs;
    if (
      this.#exec !== undefined &&
      (expires === undefined || this.#clock.now() < expires - EXPIRY_MARGIN_MS)
    ) {
      return;
    }
    const { insecureSkipVerify, serverName } = this.#config.tls;
    const credential = await runExecPlugin(exec, {
      server: this.#config.server,
      ...(serverName === undefined ? {} : { 'tls-server-name': serverName }),
      ...(insecureSkipVerify === undefined ? {} : { 'insecure-skip-tls-verify': insecureSkipVerify }),
      ...(ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(ca).toString('base64') }),
    });
    if (credential.clientCertificate !== undefined) {
      try {
        createSecureContext(credential.clientCertificate);
      } catch (err) {
        throw new CredentialError(
          `exec plugin ${exec.command}: its certificate and key: ${errorMessage(err)}`,
          {
            cause: err,
          },
        );
      }
    }
    this.#exec = credential;
  }

  // The last good content serves while its successor is unreadable; without one there is no identity.
  #keep<T>(old: T | undefined, what: string, err: unknown): T {
    const failure = new CredentialError(`${what}: ${errorMessage(err)}`, { cause: err });
    if (old === undefined) throw failure;
    this.#onError(failure);
    return old;
  }

  #headers(): Readonly<Record<string, string | string[]>> {
    const token = this.#exec?.token ?? this.#token;
    if (token !== undefined) return { ...this.#fixedHeaders, authorization: `Bearer ${token}` };
    const { basic } = this.#config.auth;
    if (basic === undefined) return this.#fixedHeaders;
    const pair = Buffer.from(`${basic.username}:${basic.password}`).toString('base64');
    return { ...this.#fixedHeaders, authorization: `Basic ${pair}` };
  }
}

function impersonationHeaders(config: ClientConfig): Readonly<Record<string, string | string[]>> {
  const { impersonate } = config.auth;
  if (impersonate === undefined) return {};
  const headers: Record<string, string | string[]> = { 'impersonate-user': impersonate.user };
  if (impersonate.uid !== undefined) headers['impersonate-uid'] = impersonate.uid;
  if (impersonate.groups.length > 0) headers['impersonate-group'] = [...impersonate.groups];
  for (const [key, values] of Object.entries(impersonate.extra)) {
    headers[`impersonate-extra-${encodeURIComponent(key)}`] = [...values];
  }
  return headers;
}

function read(source: PemSource): Promise<string> {
  return 'data' in source ? Promise.resolve(source.data) : readFile(source.file, 'utf8');
}

function nameOf(source: PemSource): string {
  return 'data' in source ? 'given inline' : source.file;
}
