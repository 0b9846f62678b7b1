/** Authentication and authorization delegated to the apiserver, put together from settings. */
import type { X509Certificate } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { ApiClient } from '../client/client.ts';
import type { Authenticator } from './authn/authenticator.ts';
import { firstOf } from './authn/authenticator.ts';
import { clientCertificateAuthenticator } from './authn/client_certificate.ts';
import { clusterAuthentication } from './authn/cluster_authentication.ts';
import type { RequestHeaderConfig } from './authn/request_header.ts';
import { requestHeaderAuthenticator } from './authn/request_header.ts';
import { tokenReviewAuthenticator } from './authn/token_review.ts';
import type { Authorizer } from './authz/authorizer.ts';
import { alwaysAllowPaths, anyOf, privilegedGroups } from './authz/authorizer.ts';
import { subjectAccessReviewAuthorizer } from './authz/subject_access_review.ts';
import type { FileSourceOptions, Source } from './serving/certificates.ts';
import { CertificateError, fileSource } from './serving/certificates.ts';
import { parseBundle } from './x509/verify.ts';

export interface AuthenticationSettings {
  /** Reviews tokens and gives the cluster's authorities; without it only files count. */
  client?: ApiClient;
  /** Authorities of client certificates; empty: those that the cluster publishes (see `lookup`). */
  clientCAFile: string;
  requestHeader: Omit<RequestHeaderConfig, 'authorities'> & { readonly clientCAFile: string };
  /** Whether settings not given as files are looked up in the cluster. */
  lookup: boolean;
  tolerateLookupFailure: boolean;
  /** Whether bearer tokens are reviewed. */
  tokens: boolean;
  tokenCacheTtlMs: number;
  anonymous: boolean;
}

export interface DelegatedAuthentication {
  readonly authenticator: Authenticator;
  /** For the server to name to clients. */
  readonly clientAuthorities: readonly Source<readonly X509Certificate[] | undefined>[];
}

/** @throws CertificateError for authority files; Error when a look-up in the cluster fails and that is not tolerated */
export async function delegatedAuthentication(
  settings: AuthenticationSettings,
  options: FileSourceOptions,
): Promise<DelegatedAuthentication> {
  const { client, clientCAFile, requestHeader, lookup, tokens } = settings;
  const { clock, log } = options;
  const fromCluster =
    lookup && client !== undefined && (clientCAFile === '' || requestHeader.clientCAFile === '')
      ? await clusterAuthentication({ ...options, client, tolerateFailure: settings.tolerateLookupFailure })
      : undefined;
  const clientCA =
    clientCAFile === ''
      ? fromCluster?.clientCA
      : fileSource([clientCAFile], authorities(clientCAFile), options);
  const { clientCAFile: headerCAFile, ...headerConfig } = requestHeader;
  const headers: Source<RequestHeaderConfig | undefined> | undefined =
    headerCAFile === ''
      ? fromCluster?.requestHeader
      : fileSource(
          [headerCAFile],
          (contents) => ({ ...headerConfig, authorities: authorities(headerCAFile)(contents) }),
          options,
        );
  return {
    authenticator: firstOf(
      [
        ...(headers === undefined ? [] : [requestHeaderAuthenticator(headers, clock)]),
        ...(clientCA === undefined ? [] : [clientCertificateAuthenticator(clientCA, clock)]),
        ...(tokens && client !== undefined
          ? [tokenReviewAuthenticator({ client, clock, log, cacheTtlMs: settings.tokenCacheTtlMs })]
          : []),
      ],
      { anonymous: settings.anonymous },
    ),
    clientAuthorities: [
      ...(clientCA === undefined ? [] : [clientCA]),
      ...(headers === undefined ? [] : [mapped(headers, (config) => config?.authorities)]),
    ],
  };
}

export interface AuthorizationSettings {
  /** Asks the apiserver; without it all but the always allowed is refused. */
  client?: ApiClient;
  alwaysAllowPaths: readonly string[];
  allowedTtlMs: number;
  deniedTtlMs: number;
}

export function delegatedAuthorization(
  settings: AuthorizationSettings,
  options: { clock: Clock; log: Log },
): Authorizer {
  const { client, allowedTtlMs, deniedTtlMs } = settings;
  return anyOf([
    alwaysAllowPaths(settings.alwaysAllowPaths),
    privilegedGroups('system:masters'),
    ...(client === undefined
      ? []
      : [subjectAccessReviewAuthorizer({ ...options, client, allowedTtlMs, deniedTtlMs })]),
  ]);
}

function authorities(file: string): (contents: readonly string[]) => readonly X509Certificate[] {
  return ([pem = '']) => {
    try {
      return parseBundle(pem);
    } catch (err) {
      throw new CertificateError(`${file}: ${errorMessage(err)}`, { cause: err });
    }
  };
}

function mapped<A, B>(source: Source<A>, map: (value: A) => B): Source<B> {
  return { current: () => map(source.current()), onChange: (listener) => source.onChange(listener) };
}
