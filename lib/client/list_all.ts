import type { KubeObject } from '../api/types.ts';
import type { ApiClient, KubeList, ListOptions } from './client.ts';
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
