/**
 * The authorities that the cluster vouches for, as the apiserver publishes them in the ConfigMap
 * kube-system/extension-apiserver-authentication: the client CA and the request header settings. Followed while they change.
 */
import type { X509Certificate } from 'node:crypto';
import type { ConfigMap } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import { errorMessage } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { ApiClient } from '../../client/client.ts';
import { createInformer } from '../../client/informer.ts';
import { CONFIG_MAPS } from '../../client/resource.ts';
import type { Source } from '../serving/certificates.ts';
import { SettableSource } from '../serving/certificates.ts';
import { parseBundle } from '../x509/verify.ts';
import type { RequestHeaderConfig } from './request_header.ts';

export interface ClusterAuthentication {
  readonly clientCA: Source<readonly X509Certificate[] | undefined>;
  readonly requestHeader: Source<RequestHeaderConfig | undefined>;
}

export interface ClusterAuthenticationOptions {
  client: ApiClient;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** Go on without (and pick the settings up later) when the first look-up fails. */
  tolerateFailure: boolean;
  /** How long the first look-up may take. Default 10 s. */
  timeoutMs?: number;
}

const NAMESPACE = 'kube-system';
const NAME = 'extension-apiserver-authentication';
const FIRST_LOOKUP_MS = 10_000;

/** @throws Error when the first look-up fails and that is not tolerated */
export async function clusterAuthentication(
  options: ClusterAuthenticationOptions,
): Promise<ClusterAuthentication> {
  const { client, clock, log, signal, tolerateFailure, timeoutMs = FIRST_LOOKUP_MS } = options;
  const clientCA = new SettableSource<readonly X509Certificate[] | undefined>(undefined);
  const requestHeader = new SettableSource<RequestHeaderConfig | undefined>(undefined);
  let lastError: unknown;
  const limit = new AbortController();
  const informer = createInformer<ConfigMap>(client, CONFIG_MAPS, {
    namespace: NAMESPACE,
    fieldSelector: `metadata.name=${NAME}`,
    clock,
    onError: (err: unknown) => {
      lastError = err;
      // The start does not wait for an apiserver that is away; the informer goes on trying.
      limit.abort(err);
      log.error(err, 'Cannot follow the authentication settings of the cluster');
    },
  });
  const take = (configMap: ConfigMap): void => {
    const data = configMap.data ?? {};
    // A part that cannot be read leaves the one before in force.
    attempt(log, 'client-ca-file', () => clientCA.set(bundle(data['client-ca-file'])));
    attempt(log, 'requestheader-*', () => requestHeader.set(requestHeaderConfig(data)));
  };
  informer.addHandler({ add: take, update: (_old, now) => take(now) });
  informer.run(signal).catch((err: unknown) => {
    if (!signal.aborted) log.error(err, 'Stopped following the authentication settings of the cluster');
  });
  const timer = clock.setTimer(timeoutMs, () => limit.abort(new Error(`no answer within ${timeoutMs} ms`)));
  try {
    await informer.synced(AbortSignal.any([signal, limit.signal]));
    const found = informer.store.get(`${NAMESPACE}/${NAME}`);
    if (found === undefined) throw new Error('not found');
    take(found);
  } catch (err) {
    const cause = lastError ?? err;
    const what = `unable to load configmap ${NAMESPACE}/${NAME}: ${errorMessage(cause)}`;
    if (!tolerateFailure) throw new Error(what, { cause: err });
    log.warn(`${what}. Client certificates and request headers are not accepted until it can be read`);
  } finally {
    timer.cancel();
  }
  return { clientCA, requestHeader };
}

function attempt(log: Log, key: string, fn: () => void): void {
  try {
    fn();
  } catch (err) {
    log.error(err, 'Cannot use an authentication setting of the cluster', {
      configMap: `${NAMESPACE}/${NAME}`,
      key,
    });
  }
}

function bundle(pem: string | undefined): readonly X509Certificate[] | undefined {
  return pem === undefined || pem === '' ? undefined : parseBundle(pem);
}

function requestHeaderConfig(data: Readonly<Record<string, string>>): RequestHeaderConfig | undefined {
  const authorities = bundle(data['requestheader-client-ca-file']);
  if (authorities === undefined) return undefined;
  const names = (key: string): string[] => stringList(data[key], key);
  return {
    authorities,
    allowedNames: names('requestheader-allowed-names'),
    usernameHeaders: names('requestheader-username-headers'),
    uidHeaders: names('requestheader-uid-headers'),
    groupHeaders: names('requestheader-group-headers'),
    extraHeaderPrefixes: names('requestheader-extra-headers-prefix'),
  };
}

function stringList(text: string | undefined, key: string): string[] {
  const list: unknown = text === undefined || text === '' ? [] : JSON.parse(text);
  if (!Array.isArray(list) || !list.every((v) => typeof v === 'string'))
    throw new Error(`${key}: want a JSON list of strings`);
  return list;
}
