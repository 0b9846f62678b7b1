/** Users by bearer token, as the apiserver's TokenReview says. */
import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { errorMessage } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { postReview } from '../review.ts';
import type { ReviewClient } from '../review.ts';
import { TtlCache } from '../ttl_cache.ts';
import type { Authenticator, User } from './authenticator.ts';
import { AuthenticationError } from './authenticator.ts';

export interface TokenReviewOptions {
  client: ReviewClient;
  clock: Clock;
  log: Log;
  /** How long a verdict is remembered, good or bad. */
  cacheTtlMs: number;
  /** Audiences that the token must be for; empty: those of the apiserver. */
  audiences?: readonly string[];
}

const MAX_CACHED = 4096;

type Verdict = { readonly user: User } | { readonly refused: string };

export function tokenReviewAuthenticator(options: TokenReviewOptions): Authenticator {
  const { client, clock, log, cacheTtlMs, audiences = [] } = options;
  const cache = new TtlCache<Verdict>(clock, MAX_CACHED);
  // Tokens are remembered by a keyed hash: memory holds nothing that could be used elsewhere.
  const key = randomBytes(32);

  const review = async (token: string): Promise<Verdict> => {
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token, ...(audiences.length > 0 ? { audiences } : {}) },
    };
    return verdict(
      await postReview(client, '/apis/authentication.k8s.io/v1/tokenreviews', body, clock),
      audiences,
    );
  };

  return {
    async authenticate({ headers }) {
      const token = bearerToken(headers['authorization']?.[0]);
      if (token === undefined) return undefined;
      let outcome: Verdict;
      try {
        const cacheKey = createHmac('sha256', key).update(token).digest('base64');
        outcome = await cache.get(
          cacheKey,
          () => review(token),
          () => cacheTtlMs,
        );
      } catch (err) {
        log.error(err, 'Unable to review a bearer token');
        throw new AuthenticationError(`token review failed: ${errorMessage(err)}`, { cause: err });
      }
      if ('user' in outcome) return outcome.user;
      throw new AuthenticationError(outcome.refused);
    },
  };
}

/** The token of an Authorization header; undefined when there is none. */
export function bearerToken(header: string | undefined): string | undefined {
  const match = /^bearer ([^\s]+)\s*$/i.exec(header?.trim() ?? '');
  return match?.[1];
}

function verdict(status: unknown, wanted: readonly string[]): Verdict {
  if (typeof status !== 'object' || status === null) return { refused: 'invalid bearer token' };
  const authenticated = 'authenticated' in status && status.authenticated === true;
  const user = 'user' in status ? status.user : undefined;
  if (!authenticated || typeof user !== 'object' || user === null) {
    const reason = 'error' in status && typeof status.error === 'string' ? status.error : '';
    return { refused: reason === '' ? 'invalid bearer token' : reason };
  }
  // A webhook that knows nothing of audiences leaves them out: the token is then for the apiserver only.
  const granted = 'audiences' in status ? strings(status.audiences) : [];
  if (wanted.length > 0 && !granted.some((a) => wanted.includes(a)))
    return { refused: 'token is for another audience' };
  const extra = 'extra' in user && typeof user.extra === 'object' && user.extra !== null ? user.extra : {};
  return {
    user: {
      name: 'username' in user && typeof user.username === 'string' ? user.username : '',
      uid: 'uid' in user && typeof user.uid === 'string' ? user.uid : '',
      groups: 'groups' in user ? strings(user.groups) : [],
      extra: Object.fromEntries(Object.entries(extra).map(([k, v]) => [k, strings(v)])),
    },
  };
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((v) => typeof v === 'string') : [];
}
