/** Service account tokens for projected volumes, kept and renewed in time. */
import type { Pod } from '../../api/types.ts';
import { errorMessage } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { ApiClient } from '../../client/client.ts';
import { SERVICE_ACCOUNTS } from '../../client/resource.ts';

/** A bound token and when to fetch the next. */
export interface ServiceAccountToken {
  readonly token: string;
  /** Monotonic clock: 80% of its life, or 24 h after issue. */
  readonly refreshAtMs: number;
  /** Monotonic clock. */
  readonly expiresAtMs: number;
  /** As the API server tells it, RFC 3339. */
  readonly expirationTimestamp: string;
}

export interface TokenSource {
  /**
   * A token for the pod's service account, bound to the pod. When it is due and cannot be renewed, the old one is given
   * as long as it is valid.
   */
  token(
    pod: Pod,
    options: { audience: string; expirationSeconds: number },
    signal: AbortSignal,
  ): Promise<ServiceAccountToken>;
  /** The pod is gone: its tokens are forgotten. */
  forget(uid: string): void;
}

const MAX_AGE_MS = 24 * 3_600_000;
/** After a failed renewal, the next try. */
const RETRY_MS = 60_000;

/** Tokens from the TokenRequest API, cached by pod, audience and lifetime. */
export function createTokenSource(
  client: ApiClient,
  clock: Clock,
  log: Log,
  random: () => number = Math.random,
): TokenSource {
  const byPod = new Map<string, Map<string, ServiceAccountToken>>();

  async function request(
    pod: Pod,
    options: { audience: string; expirationSeconds: number },
    signal: AbortSignal,
  ): Promise<ServiceAccountToken> {
    const { namespace = '', name, uid = '' } = pod.metadata;
    const answer = await client.createSubresource(
      SERVICE_ACCOUNTS,
      { namespace, name: pod.spec.serviceAccountName ?? 'default' },
      'token',
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        metadata: {},
        spec: {
          // No audience means the API server's own.
          ...(options.audience === '' ? {} : { audiences: [options.audience] }),
          expirationSeconds: options.expirationSeconds,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
        },
      },
      { signal },
    );
    const token = answer.status?.token;
    const { expirationTimestamp = '' } = answer.status ?? {};
    const expires = Date.parse(expirationTimestamp);
    if (token === undefined || token === '' || Number.isNaN(expires)) {
      throw new Error('the API server answered the TokenRequest without a token');
    }
    const now = clock.monotonic();
    // The lifetime that was granted, which a server may cut or extend. It is told in seconds too: the clock of this machine
    // need not be that of the server.
    const granted = answer.spec?.expirationSeconds;
    const life = granted === undefined ? expires - clock.now() : granted * 1000;
    const jitter = random() * 10_000;
    return {
      token,
      expiresAtMs: now + life,
      expirationTimestamp,
      refreshAtMs: now + Math.min(life * 0.8, MAX_AGE_MS) - Math.min(jitter, life * 0.05),
    };
  }

  return {
    async token(pod, options, signal) {
      const uid = pod.metadata.uid ?? '';
      const key = JSON.stringify([pod.spec.serviceAccountName, options.audience, options.expirationSeconds]);
      const known = byPod.get(uid)?.get(key);
      if (known !== undefined && clock.monotonic() < known.refreshAtMs) return known;
      try {
        const fresh = await request(pod, options, signal);
        const tokens = byPod.get(uid) ?? new Map<string, ServiceAccountToken>();
        byPod.set(uid, tokens.set(key, fresh));
        return fresh;
      } catch (err) {
        if (known === undefined || clock.monotonic() >= known.expiresAtMs) {
          throw new Error(`failed to fetch token: ${errorMessage(err)}`, { cause: err });
        }
        log.error(err, 'Could not renew a service account token; the old one is still valid', {
          pod: `${pod.metadata.namespace ?? ''}/${pod.metadata.name}`,
          expires: known.expirationTimestamp,
        });
        const again: ServiceAccountToken = { ...known, refreshAtMs: clock.monotonic() + RETRY_MS };
        byPod.get(uid)?.set(key, again);
        return again;
      }
    },
    forget(uid) {
      byPod.delete(uid);
    },
  };
}
