import type { ApiClient } from './client.ts';

/** An {@link ApiClient} for tests of which only the given methods work; any other call is refused by name. */
export function fakeClient(methods: Partial<ApiClient>): ApiClient {
  const refuse = (name: string) => (): Promise<never> =>
    Promise.reject(new Error(`fakeClient: ${name} was called and is not given`));
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
