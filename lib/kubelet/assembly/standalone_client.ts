/** Stands in for the apiserver where there is none: whatever is asked of it fails at once and says why. */
import type { ApiClient } from '../../client/client.ts';
import { TransportError } from '../../client/errors.ts';

export function standaloneClient(): ApiClient {
  const refuse = (): Promise<never> =>
    Promise.reject(
      new TransportError('this kubelet runs standalone: there is no API server to ask', { sent: false }),
    );
  return {
    get: refuse,
    list: refuse,
    create: refuse,
    update: refuse,
    patch: refuse,
    delete: refuse,
    createSubresource: refuse,
    request: refuse,
    requestText: refuse,
    stream: refuse,
    close: () => Promise.resolve(),
  };
}
