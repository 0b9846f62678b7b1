/** Authorization by the apiserver's SubjectAccessReview. */
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { postReview } from '../review.ts';
import type { ReviewClient } from '../review.ts';
import { TtlCache } from '../ttl_cache.ts';
import type { Attributes, Authorizer, Decision } from './authorizer.ts';

export interface SubjectAccessReviewOptions {
  client: ReviewClient;
  clock: Clock;
  log: Log;
  /** How long a yes is remembered. */
  allowedTtlMs: number;
  /** How long a no is remembered. */
  deniedTtlMs: number;
}

const MAX_CACHED = 8192;
/** Longer questions (names of any length come from the client) are asked anew each time. */
const MAX_CACHED_KEY = 10_000;

export function subjectAccessReviewAuthorizer(options: SubjectAccessReviewOptions): Authorizer {
  const { client, clock, log, allowedTtlMs, deniedTtlMs } = options;
  const cache = new TtlCache<Decision>(clock, MAX_CACHED);
  const ask = async (spec: unknown): Promise<Decision> => {
    const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
    return decision(
      await postReview(client, '/apis/authorization.k8s.io/v1/subjectaccessreviews', body, clock),
    );
  };
  return {
    async authorize(attributes) {
      const spec = reviewSpec(attributes);
      const key = JSON.stringify(spec);
      try {
        if (key.length > MAX_CACHED_KEY) return await ask(spec);
        return await cache.get(
          key,
          () => ask(spec),
          (d) => (d.allowed ? allowedTtlMs : deniedTtlMs),
        );
      } catch (err) {
        log.error(err, 'Unable to review access', { user: attributes.user.name, verb: attributes.verb });
        throw err;
      }
    },
  };
}

function reviewSpec({ user, verb, path, resource }: Attributes): unknown {
  return {
    user: user.name,
    ...(user.uid === '' ? {} : { uid: user.uid }),
    groups: user.groups,
    extra: user.extra,
    ...(resource === undefined
      ? { nonResourceAttributes: { path, verb } }
      : { resourceAttributes: { ...resource, verb } }),
  };
}

function decision(status: unknown): Decision {
  if (typeof status !== 'object' || status === null) return { allowed: false, reason: '' };
  return {
    allowed:
      'allowed' in status && status.allowed === true && !('denied' in status && status.denied === true),
    reason: 'reason' in status && typeof status.reason === 'string' ? status.reason : '',
  };
}
