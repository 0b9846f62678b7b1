/** Applies manifests by server-side apply, and tells whether that changed anything. */
import { parseAllDocuments } from 'yaml';
import { ApiFailure, field } from './api.ts';
import type { Api, Json } from './api.ts';

const FIELD_MANAGER = 'hack-up';

/** Kinds that hack/up applies, with their place in the API. */
const KINDS: Readonly<Record<string, { plural: string; namespaced: boolean }>> = {
  Namespace: { plural: 'namespaces', namespaced: false },
  ServiceAccount: { plural: 'serviceaccounts', namespaced: true },
  ConfigMap: { plural: 'configmaps', namespaced: true },
  Secret: { plural: 'secrets', namespaced: true },
  Service: { plural: 'services', namespaced: true },
  Deployment: { plural: 'deployments', namespaced: true },
  DaemonSet: { plural: 'daemonsets', namespaced: true },
  Role: { plural: 'roles', namespaced: true },
  RoleBinding: { plural: 'rolebindings', namespaced: true },
  ClusterRole: { plural: 'clusterroles', namespaced: false },
  ClusterRoleBinding: { plural: 'clusterrolebindings', namespaced: false },
  PriorityClass: { plural: 'priorityclasses', namespaced: false },
  PodDisruptionBudget: { plural: 'poddisruptionbudgets', namespaced: true },
  NetworkPolicy: { plural: 'networkpolicies', namespaced: true },
};

/** Parses a YAML stream, with `${NAME}` replaced by `values.NAME`; an unknown name is an error. */
export function readManifests(text: string, values: Readonly<Record<string, string>> = {}): Json[] {
  const filled = text.replace(/\$\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`manifest: no value for \${${name}}`);
    return value;
  });
  return parseAllDocuments(filled)
    .map((document) => {
      const [error] = document.errors;
      if (error !== undefined) throw error;
      return document.toJS() as Json;
    })
    .filter((object) => object !== null && object !== undefined);
}

/** Path of an object in the API. */
export function objectPath(object: Json): string {
  const [apiVersion, kind] = [field(object, 'apiVersion'), field(object, 'kind')];
  const [name, namespace] = [field(object, 'metadata', 'name'), field(object, 'metadata', 'namespace')];
  const place = typeof kind === 'string' && Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (typeof apiVersion !== 'string' || typeof name !== 'string' || place === undefined)
    throw new Error(`manifest: cannot apply ${String(apiVersion)} ${String(kind)} ${String(name)}`);
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = place.namespaced
    ? `/namespaces/${typeof namespace === 'string' ? namespace : 'default'}`
    : '';
  return `${root}${scope}/${place.plural}/${name}`;
}

/** Applies one object. Returns whether it was made or changed. */
export async function apply(api: Api, object: Json): Promise<boolean> {
  const path = objectPath(object);
  const before = await getIfThere(api, path);
  const after = await api.call('PATCH', `${path}?fieldManager=${FIELD_MANAGER}&force=true`, {
    type: 'application/apply-patch+yaml',
    content: object,
  });
  if (before === undefined) return true;
  // Where there is a status, others may write it at the same time: the generation counts changes of the rest.
  const version = (value: Json): Json =>
    field(value, 'metadata', 'generation') ?? field(value, 'metadata', 'resourceVersion');
  return version(before) !== version(after);
}

/** The object at `path`, or `undefined`. */
export async function getIfThere(api: Api, path: string): Promise<Json> {
  try {
    return await api.call('GET', path);
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 404) return undefined;
    throw error;
  }
}
