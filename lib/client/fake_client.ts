import type { ApiClient } from './client.ts';

/**
 * An {@link ApiClient} for tests and simulations of which only the given methods work; any other call is refused by name.
 *
 * @param what named in refusals
 */
export function fakeClient(methods: Partial<ApiClient>, what = 'fakeClient'): ApiClient {
  const refuse = (name: string) => (): Promise<never> =>
    Promise.reject(new Error(`${what}: ${name} was called and is not given`));
  return {
    get: refuse('get'),
    list: refuse('list'),
    create: refuse('create'),
    update: refuse('update'),
    patch: refuse('patch'),
    delete: refuse('delete'),
    createSubresource: refuse('createSubresource'),
    request: refuse('request'),
    requestText: refuse('requestText'),
    stream: refuse('stream'),
    close: () => Promise.resolve(),
    ...methods,
  };
}
