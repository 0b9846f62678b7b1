/** `hack/up --in-cluster`: ts-kube-proxy as a DaemonSet, ts-scheduler as a Deployment, from deploy/manifests. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { field } from './api.ts';
import type { Api, Json } from './api.ts';
import { getIfThere, readManifests } from './manifests.ts';
import { APISERVER_PORT } from './control_plane.ts';
import type { Cluster } from './cluster.ts';

/** The lease that the Deployment's replicas, and the scheduler that first places them, contend for. */
export const SCHEDULER_LEASE = 'ts-scheduler';
/** The Deployment that replaces the scheduler process. */
export const SCHEDULER_DEPLOYMENT = { namespace: 'kube-system', name: 'ts-scheduler' } as const;
export const PROXY_DAEMON_SET = { namespace: 'kube-system', name: 'ts-kube-proxy' } as const;

/** Digests of the images, by daemon: pods are replaced when they change, as the tag stays the same. */
export type ImageKeys = Readonly<Record<'ts-kube-proxy' | 'ts-scheduler', string>>;

/** The manifests as this cluster wants them. */
export function inClusterObjects(cluster: Pick<Cluster, 'repo' | 'plan'>, images: ImageKeys): Json[] {
  const { repo, plan } = cluster;
  const read = (name: string): string =>
    readFileSync(path.join(repo, 'deploy/manifests', `${name}.yaml`), 'utf8');
  const proxy = substitute(read('ts-kube-proxy'), "clusterCIDR: ''", `clusterCIDR: '${plan.podNetwork}'`);
  const scheduler = substitute(
    read('ts-scheduler'),
    '- schedulerName: ts-scheduler',
    '- schedulerName: default-scheduler',
  );
  const address: Json = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'ts-kube-proxy-apiserver', namespace: 'kube-system' },
    data: { KUBERNETES_SERVICE_HOST: plan.host, KUBERNETES_SERVICE_PORT: String(APISERVER_PORT) },
  };
  return [
    ...readManifests(read('ts-kube-proxy-rbac')),
    ...readManifests(read('ts-scheduler-rbac')),
    address,
    ...readManifests(proxy),
    ...readManifests(scheduler),
  ].map((object) => withImageKey(object, images));
}

/** Whether the pods of the Deployment can do without a scheduler process. */
export async function schedulerIsUp(api: Api): Promise<boolean> {
  const { namespace, name } = SCHEDULER_DEPLOYMENT;
  const object = await getIfThere(api, `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`);
  return Number(field(object, 'status', 'availableReplicas') ?? 0) > 0;
}

// The manifest is written for any cluster; a line that is not there any more must not be passed over.
function substitute(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`deploy/manifests: no line "${from}" to replace by "${to}"`);
  return text.replace(from, to);
}

function withImageKey(object: Json, images: ImageKeys): Json {
  const [kind, name] = [field(object, 'kind'), field(object, 'metadata', 'name')];
  if (
    (kind !== 'Deployment' && kind !== 'DaemonSet') ||
    (name !== 'ts-kube-proxy' && name !== 'ts-scheduler')
  )
    return object;
  const spec = field(object, 'spec');
  const template = field(object, 'spec', 'template');
  const metadata = field(object, 'spec', 'template', 'metadata');
  const annotations = field(metadata, 'annotations');
  return {
    ...asObject(object),
    spec: {
      ...asObject(spec),
      template: {
        ...asObject(template),
        metadata: {
          ...asObject(metadata),
          annotations: { ...asObject(annotations), 'ts-kubernetes.local/image': images[name] },
        },
      },
    },
  };
}

function asObject(value: Json): object {
  return typeof value === 'object' && value !== null ? value : {};
}
