/** The binding of a pod to its node in the API, and what a failed attempt really came to. */
import type { Pod } from '../../api/types.ts';
import { Backoff } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import { errorMessage } from '../../base/errors.ts';
import type { ApiClient } from '../../client/client.ts';
import { isNotFound, isRetriable } from '../../client/errors.ts';
import { PODS } from '../../client/resource.ts';
import type { BindPlugin } from '../framework/plugin.ts';
import { errorStatus } from '../framework/status.ts';

/** Binds through `POST pods/NAME/binding`, which the server refuses for a pod that has a node already. */
export function defaultBinder(client: ApiClient): BindPlugin {
  return {
    name: 'DefaultBinder',
    async bind(_state, pod, nodeName, signal) {
      const { namespace = '', name, uid } = pod.metadata;
      const binding = {
        apiVersion: 'v1',
        kind: 'Binding',
        // With the uid, a pod created anew under the same name is not bound by a decision on its predecessor.
        metadata: { namespace, name, ...(uid === undefined ? {} : { uid }) },
        target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
      };
      try {
        await client.createSubresource(PODS, { namespace, name }, 'binding', binding, { signal });
        return undefined;
      } catch (err) {
        return errorStatus(errorMessage(err), err);
      }
    },
  };
}

/** What became of a pod whose binding failed or had no answer. */
export type BindOutcome =
  | { readonly kind: 'bound'; readonly node: string }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unbound'; readonly pod: Pod };

const RETRY = { initialMs: 200, maxMs: 5000, factor: 2, jitter: 0.2 };

/**
 * Asks the server where the pod is. An error of the binding call does not say that the pod is unbound: the answer may have
 * been lost, or somebody else have bound it. Tries until there is an answer.
 *
 * Rejects when the signal aborts, or when the server refuses the question.
 */
export async function whereIs(
  client: ApiClient,
  pod: Pod,
  clock: Clock,
  signal: AbortSignal,
): Promise<BindOutcome> {
  const backoff = new Backoff(RETRY);
  const { namespace, name, uid } = pod.metadata;
  for (;;) {
    try {
      const now = await client.get(PODS, { namespace, name }, { signal });
      if (now.metadata.uid !== uid) return { kind: 'gone' };
      const node = now.spec.nodeName ?? '';
      return node === '' ? { kind: 'unbound', pod: now } : { kind: 'bound', node };
    } catch (err) {
      if (isNotFound(err)) return { kind: 'gone' };
      if (!isRetriable(err)) throw err;
    }
    await clock.sleep(backoff.next(), signal);
  }
}
