import type { KubeObject } from '../api/types.ts';
import type { ApiClient, KubeList, ListOptions, ListSelection } from './client.ts';
import { asList } from './decode.ts';
import { TransportError } from './errors.ts';
import type { ReadList } from './list_reader.ts';
import { withoutAnyManagedFields } from './managed_fields.ts';
import { resourcePath } from './resource.ts';
import type { ResourceType } from './resource.ts';

/** Objects a page; what upstream's clients use. */
export const PAGE_SIZE = 500;

/**
 * All objects of a selection, page by page. The result is of one resourceVersion.
 *
 * @throws ApiError 410 (isGone) when the server forgot the list's resourceVersion between two pages: start again
 */
export async function listAll<T extends KubeObject>(
  client: ApiClient,
  r: ResourceType<T>,
  opts: Omit<ListOptions, 'continue'> = {},
): Promise<KubeList<T>> {
  const items: T[] = [];
  let page = await client.list(r, { limit: PAGE_SIZE, ...opts });
  for (const item of page.items) items.push(item);
  while ((page.metadata.continue ?? '') !== '') {
    const { resourceVersion: _version, resourceVersionMatch: _match, ...rest } = opts; // the token implies them
    page = await client.list(r, { limit: PAGE_SIZE, ...rest, continue: page.metadata.continue ?? '' });
    for (const item of page.items) items.push(item);
  }
  return { ...page, items };
}

/**
 * As {@link listAll}, for caches: without `managedFields`, and the server works on the next page while one is being
 * decoded.
 */
export async function listForCache<T extends KubeObject>(
  client: ApiClient,
  r: ResourceType<T>,
  selection: ListSelection,
  signal: AbortSignal,
): Promise<ReadList<T>> {
  const path = resourcePath(r, { namespace: selection.namespace });
  const { labelSelector, fieldSelector } = selection;
  const ask = (token: string | undefined): Promise<string> =>
    client.requestText({
      method: 'GET',
      path,
      query: { labelSelector, fieldSelector, limit: PAGE_SIZE, continue: token },
      headers: { accept: 'application/json' },
      signal,
    });
  const items: T[] = [];
  let page = await ask(undefined);
  for (;;) {
    const token = TOKEN_AHEAD.exec(page.slice(0, 1_000))?.[1];
    const ahead = token === undefined ? undefined : ask(token);
    ahead?.catch(() => undefined); // awaited below, unless decoding this page fails
    const list = asList(decoded(page, path), r, `GET ${path}`);
    for (const item of list.items) items.push(item);
    const next = list.metadata.continue ?? '';
    if (next === '') return { items, resourceVersion: list.metadata.resourceVersion ?? '0' };
    page = await (ahead ?? ask(next));
  }
}

// The server writes the list's metadata first, so that the next page can be asked for before this one is decoded.
const TOKEN_AHEAD =
  /^\{"kind":"\w+","apiVersion":"[^"]*","metadata":\{"resourceVersion":"\d+","continue":"([\w=-]+)"/;

function decoded(text: string, path: string): unknown {
  try {
    return JSON.parse(withoutAnyManagedFields(text));
  } catch (err) {
    throw new TransportError(`GET ${path}: the answer is not JSON: ${text.slice(0, 100)}`, { cause: err });
  }
}
