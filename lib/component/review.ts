/** Review requests to the apiserver (TokenReview, SubjectAccessReview), tried again while it is out of reach. */
import type { Clock } from '../base/clock.ts';
import { ApiError } from '../client/errors.ts';
import type { ApiClient } from '../client/client.ts';

/** Waits between attempts, as the stock components do: half a second growing by half. */
const RETRY_DELAYS_MS = [500, 750, 1125, 1690];
const ATTEMPT_TIMEOUT_MS = 10_000;

/** The part of the client that reviews need. */
export type ReviewClient = Pick<ApiClient, 'request'>;

/**
 * Posts a review and gives its `status`. Rejects with the last error once the attempts are used up; refusals by the
 * apiserver (4xx) are not tried again.
 */
export async function postReview(
  client: ReviewClient,
  path: string,
  body: unknown,
  clock: Clock,
): Promise<unknown> {
  for (let attempt = 0; ; attempt++) {
    try {
      const answer: unknown = await client.request({
        method: 'POST',
        path,
        body,
        timeoutMs: ATTEMPT_TIMEOUT_MS,
      });
      if (typeof answer === 'object' && answer !== null && 'status' in answer) return answer.status;
      throw new Error(`answer to ${path} holds no status`);
    } catch (err) {
      const delay = RETRY_DELAYS_MS[attempt];
      if (delay === undefined || (err instanceof ApiError && err.status >= 400 && err.status < 500))
        throw err;
      await clock.sleep(delay * (1 + 0.2 * Math.random()));
    }
  }
}
