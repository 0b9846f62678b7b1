/** How to reach an apiserver and as whom: what a kubeconfig's context or the pod's service account says. */

/** PEM text, or the file it is read from again whenever it changes. */
export type PemSource = { readonly data: string } | { readonly file: string };

/** An exec credential plugin (client.authentication.k8s.io). */
export interface ExecPlugin {
  readonly apiVersion: 'client.authentication.k8s.io/v1' | 'client.authentication.k8s.io/v1beta1';
  /** A path (made absolute from the kubeconfig's directory) or a name found on PATH. */
  readonly command: string;
  readonly args: readonly string[];
  /** Added to this process's environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly installHint?: string;
  readonly provideClusterInfo: boolean;
}

export interface Impersonation {
  readonly user: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export interface AuthConfig {
  readonly clientCertificate?: { readonly cert: PemSource; readonly key: PemSource };
  readonly token?: string;
  /** Read again every few seconds; wins over `token` once it could be read. */
  readonly tokenFile?: string;
  readonly basic?: { readonly username: string; readonly password: string };
  readonly exec?: ExecPlugin;
  readonly impersonate?: Impersonation;
}

export interface TlsConfig {
  /** Trusted authorities; the system's when left out. */
  readonly ca?: PemSource;
  readonly insecureSkipVerify?: boolean;
  /** Name expected in the server's certificate, and sent as SNI, instead of the URL's host. */
  readonly serverName?: string;
}

export interface ClientConfig {
  /** Base URL; a path in it is kept in front of every request's. */
  readonly server: string;
  /** An HTTP proxy on the way: http:// or https://, with user and password if it wants them. */
  readonly proxyUrl?: string;
  /** The context's namespace, for those who want a default. */
  readonly namespace?: string;
  readonly tls: TlsConfig;
  readonly auth: AuthConfig;
}

/** A kubeconfig (or the pod's service account) cannot be used. The message names file, field and value. */
export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError';
}
