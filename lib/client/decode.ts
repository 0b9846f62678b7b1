/**
 * The trust boundary of answers: what is checked before decoded JSON counts as an object of the API. An object with
 * metadata that comes from a resource's own URL has the shape that the server's schema for it guarantees; checking
 * every field again would cost more than the decoding.
 */
import type { KubeObject } from '../api/types.ts';
import type { KubeList } from './client.ts';
import { ApiError } from './errors.ts';
import { apiVersionOf } from './resource.ts';
import type { ResourceType } from './resource.ts';

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether `value` can be an object of `r`: it has metadata with a name, and no other kind. */
export function isObjectOf<T extends KubeObject>(value: unknown, r: ResourceType<T>): value is T {
  if (!isRecord(value) || !isRecord(value['metadata'])) return false;
  return typeof value['metadata']['name'] === 'string' && (value['kind'] ?? r.kind) === r.kind;
}

/** @throws ApiError when the value is no object of `r` */
export function asObject<T extends KubeObject>(value: unknown, r: ResourceType<T>, what: string): T {
  if (!isObjectOf(value, r)) throw unexpected(what, `a ${r.kind}`);
  return value;
}

/**
 * Checks a list and adds apiVersion and kind to its items, which only the list itself carries on the wire: an object
 * that says what it is can be referred to.
 *
 * @throws ApiError when the value is no list of `r`
 */
export function asList<T extends KubeObject>(value: unknown, r: ResourceType<T>, what: string): KubeList<T> {
  if (!isRecord(value)) throw unexpected(what, `a list of ${r.plural}`);
  const items: unknown = value['items'] ?? [];
  if (!Array.isArray(items)) throw unexpected(what, `a list of ${r.plural}`);
  const apiVersion = apiVersionOf(r);
  for (const item of items as readonly unknown[]) {
    if (!isRecord(item) || !isRecord(item['metadata'])) throw unexpected(what, `a list of ${r.plural}`);
    item['apiVersion'] = apiVersion;
    item['kind'] = r.kind;
  }
  value['items'] = items;
  if (!isListOf(value, r)) throw unexpected(what, `a list of ${r.plural}`);
  return value;
}

function isListOf<T extends KubeObject>(value: unknown, r: ResourceType<T>): value is KubeList<T> {
  if (!isRecord(value) || !isRecord(value['metadata']) || !Array.isArray(value['items'])) return false;
  return (value['items'] as readonly unknown[]).every((item) => isObjectOf(item, r));
}

function unexpected(what: string, want: string): ApiError {
  return new ApiError(`${what}: the answer is not ${want}`, { status: 200, reason: 'Unknown' });
}
