/** From API objects to the files that a volume shows. Pure. */
import type { ConfigMap, Pod, Secret, Volume } from '../../api/types.ts';
import { podField } from '../downward/pod_field.ts';
import { containerResources, resourceField } from '../downward/resource_field.ts';
import type { ProjectedFile } from './atomic_writer.ts';

type KeyToPath = NonNullable<NonNullable<Volume['configMap']>['items']>[number];
type DownwardItem = NonNullable<NonNullable<Volume['downwardAPI']>['items']>[number];

/** Files by path, to be merged with those of other sources (later ones win). */
export type Files = Map<string, ProjectedFile>;

/** How keys become files. */
export interface KeySelection {
  /** Left out or empty: every key under its own name. */
  readonly items: readonly KeyToPath[] | undefined;
  readonly defaultMode: number;
  readonly optional: boolean;
}

/** @throws Error `references non-existent config key: k` for an item whose key is missing and not optional */
export function configMapFiles(configMap: ConfigMap | undefined, selection: KeySelection): Files {
  const data = new Map<string, Uint8Array>();
  for (const [key, text] of Object.entries(configMap?.data ?? {})) data.set(key, Buffer.from(text));
  for (const [key, base64] of Object.entries(configMap?.binaryData ?? {})) {
    data.set(key, Buffer.from(base64, 'base64'));
  }
  return select(data, selection, 'references non-existent config key');
}

/** @throws Error `references non-existent secret key: k` for an item whose key is missing and not optional */
export function secretFiles(secret: Secret | undefined, selection: KeySelection): Files {
  const data = new Map<string, Uint8Array>();
  for (const [key, base64] of Object.entries(secret?.data ?? {}))
    data.set(key, Buffer.from(base64, 'base64'));
  return select(data, selection, 'references non-existent secret key');
}

function select(data: ReadonlyMap<string, Uint8Array>, selection: KeySelection, missing: string): Files {
  const files: Files = new Map();
  const { items, defaultMode, optional } = selection;
  if (items === undefined || items.length === 0) {
    for (const [key, bytes] of data) files.set(key, { data: bytes, mode: defaultMode });
    return files;
  }
  for (const item of items) {
    const bytes = data.get(item.key);
    if (bytes === undefined) {
      if (optional) continue;
      throw new Error(`${missing}: ${item.key}`);
    }
    files.set(item.path, { data: bytes, mode: item.mode ?? defaultMode });
  }
  return files;
}

/** @throws FieldPathError, ResourceFieldError */
export function downwardFiles(
  pod: Pod,
  items: readonly DownwardItem[] | undefined,
  defaultMode: number,
  allocatable: Readonly<Record<string, string>>,
): Files {
  const files: Files = new Map();
  for (const item of items ?? []) {
    const { fieldRef, resourceFieldRef } = item;
    let text = '';
    if (fieldRef !== undefined) text = podField(pod, fieldRef.fieldPath);
    else if (resourceFieldRef !== undefined) {
      const resources = containerResources(pod, resourceFieldRef.containerName ?? '');
      text = resourceField(resources, resourceFieldRef, allocatable);
    }
    files.set(normalise(item.path), { data: Buffer.from(text), mode: item.mode ?? defaultMode });
  }
  return files;
}

// The API allows `./a//b` here.
function normalise(path: string): string {
  return path
    .split('/')
    .filter((part, i) => part !== '.' && (part !== '' || i === 0))
    .join('/');
}
