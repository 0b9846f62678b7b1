/** The order in which a cluster comes up. Every step looks first and changes only what is not as it should be. */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { adminApi, authority } from './admin.ts';
import { createApi, field, listAt } from './api.ts';
import type { Api, Json } from './api.ts';
import { ensureGroup, systemGroup } from './cgroups.ts';
import { ensureComponent, retire, waitHealthy, writeIfChanged } from './cluster.ts';
import type { Cluster } from './cluster.ts';
import { linkPrograms } from './components.ts';
import type { ClusterComponents, NodeComponents } from './components.ts';
import { apiserverUrl } from './control_plane.ts';
import {
  inClusterObjects,
  PROXY_DAEMON_SET,
  SCHEDULER_DEPLOYMENT,
  SCHEDULER_LEASE,
  schedulerIsUp,
} from './in_cluster.ts';
import type { ImageKeys } from './in_cluster.ts';
import { kubeconfig } from './kubeconfig.ts';
import { apply, getIfThere, objectPath, readManifests } from './manifests.ts';
import { ensureRoutes, ensureSwitch } from './network.ts';
import { schedulerConfig } from './node_components.ts';
import { ensureNode, importImages, retireNodes } from './node_machine.ts';
import type { NodeSoftware } from './node_machine.ts';
import { ADMIN_GROUP, bootstrapAdmin, ensurePki, KUBELET_CLIENT_USER, readPair } from './pki/cluster_pki.ts';
import { ensureRegistry } from './registry.ts';
import { retry, settled } from './retry.ts';
import { waitApplication, waitDaemonSet, waitDeployment, waitNodesReady } from './readiness.ts';

/** Programs and images, ready to be used. */
export interface Supplies {
  readonly components: ClusterComponents;
  readonly software: NodeSoftware;
  /** Image tars that the cluster itself needs, and those that can come later. */
  readonly imageTars: readonly string[];
  readonly laterTars: readonly string[];
  /** What the registry serves; with the setting `registry` only. */
  readonly registryTars?: readonly string[];
  /** With `inCluster` only. */
  readonly imageKeys?: ImageKeys;
}

export async function bringUp(cluster: Cluster, supplies: Supplies): Promise<void> {
  const { progress, settings } = cluster;
  const { components } = supplies;
  await progress.step('certificates, kubeconfigs, network', () => ensureGround(cluster));
  await settled([
    ensureControlPlane(cluster, components),
    progress.step(`${components.nodes.length} nodes with containerd and images`, () =>
      ensureNodes(cluster, supplies),
    ),
    ensureRegistry(cluster, components.registry, supplies.registryTars ?? []),
  ]);

  const api = adminApi(cluster);
  await progress.step('kubelets, kube-proxies, controller manager, scheduler', async () => {
    await ensureAddons(cluster, api);
    const bootstrap = settings.inCluster && (await ensureInCluster(cluster, api, supplies));
    if (!settings.inCluster) await removeInCluster(cluster, api);
    if (!settings.inCluster || bootstrap) await ensureComponent(cluster, components.scheduler);
    await settled(components.nodes.map((node) => ensureNodeDaemons(cluster, api, node)));
    await waitHealthy(cluster, components.controllerManager);
    if (!settings.inCluster || bootstrap) await waitHealthy(cluster, components.scheduler);
  });
  await progress.step('nodes ready', () => waitNodesReady(cluster, api));
  if (settings.inCluster)
    await progress.step('ts-kube-proxy and ts-scheduler as pods', async () => {
      await waitDaemonSet(cluster, api, PROXY_DAEMON_SET);
      await waitDeployment(cluster, api, SCHEDULER_DEPLOYMENT);
      await retire(cluster, components.scheduler.id, 'its pods have taken over');
    });
  await progress.step('cluster DNS and the web application', async () => {
    await settled([
      waitDeployment(cluster, api, { namespace: 'kube-system', name: 'coredns' }),
      waitDeployment(cluster, api, { namespace: 'default', name: 'webapp' }),
    ]);
    await waitApplication(cluster, api);
  });
  await settled(components.nodes.map((node) => importAll(cluster, node, supplies.laterTars, 'more images')));
}

async function ensureGround(cluster: Cluster): Promise<void> {
  const { paths, plan, settings, changes } = cluster;
  for (const dir of [paths.dir, paths.logs, paths.run, paths.config, paths.kubeconfigs])
    mkdirSync(dir, { recursive: true });
  mkdirSync(paths.etcd, { recursive: true, mode: 0o700 });
  const made = await ensurePki(paths.pki, plan, new Date());
  if (made.length > 0) changes.push(`made ${made.length} certificates and keys`);
  writeKubeconfigs(cluster);
  linkPrograms(cluster);
  writeIfChanged(
    path.join(paths.config, 'kube-scheduler.yaml'),
    schedulerConfig(paths.kubeconfig('kube-scheduler'), settings.inCluster ? SCHEDULER_LEASE : undefined),
  );
  ensureGroup(cluster.cgroups, systemGroup(settings.name));
  if (await ensureSwitch(settings.name, plan)) changes.push('built the network');
}

async function ensureControlPlane(
  cluster: Cluster,
  { etcd, apiserver, controllerManager }: ClusterComponents,
): Promise<void> {
  await cluster.progress.step('etcd and kube-apiserver', async () => {
    await ensureComponent(cluster, etcd);
    await waitHealthy(cluster, etcd);
    await ensureComponent(cluster, apiserver);
    await waitHealthy(cluster, apiserver, 120_000);
  });
  await ensureAccess(cluster);
  await ensureComponent(cluster, controllerManager);
}

async function ensureNodes(cluster: Cluster, supplies: Supplies): Promise<void> {
  await settled(
    supplies.components.nodes.map(async (node) => {
      await ensureNode(cluster, node.address, supplies.software);
      await waitHealthy(cluster, node.machine);
      await ensureComponent(cluster, node.containerd);
      await waitHealthy(cluster, node.containerd);
      await importAll(cluster, node, supplies.imageTars, 'images');
    }),
  );
  await ensureRoutes(cluster.settings.name, cluster.plan);
}

async function importAll(
  cluster: Cluster,
  node: NodeComponents,
  tars: readonly string[],
  what: string,
): Promise<void> {
  const imported = await importImages(cluster, node.address, tars);
  if (imported > 0) cluster.changes.push(`imported ${imported} ${what} into ${node.address.name}`);
}

async function ensureNodeDaemons(cluster: Cluster, api: Api, node: NodeComponents): Promise<void> {
  await ensureComponent(cluster, node.kubelet);
  if (cluster.settings.inCluster) await retire(cluster, node.kubeProxy.id, 'it runs as a pod now');
  else await ensureComponent(cluster, node.kubeProxy);
  await waitHealthy(cluster, node.kubelet);
  if (!cluster.settings.inCluster) await waitHealthy(cluster, node.kubeProxy);
  const { name, podNetwork } = node.address;
  await retry(cluster.signal, 60_000, async () => {
    const object = await api.call('GET', `/api/v1/nodes/${name}`);
    if (field(object, 'spec', 'podCIDR') !== undefined) return;
    await api.call('PATCH', `/api/v1/nodes/${name}`, {
      type: 'application/merge-patch+json',
      content: { spec: { podCIDR: podNetwork, podCIDRs: [podNetwork] } },
    });
  });
}

function writeKubeconfigs(cluster: Cluster): void {
  const { paths, plan, settings } = cluster;
  const identities = [
    'admin',
    'kube-controller-manager',
    'kube-scheduler',
    'kube-proxy',
    ...plan.nodes.map((node) => `kubelet-${node.name}`),
  ];
  for (const identity of identities) {
    const pair = readPair(paths.pki, identity);
    if (pair === undefined) throw new Error(`${paths.pki}: no certificate of ${identity}`);
    const text = kubeconfig(
      `ts-kubernetes-${settings.name}`,
      apiserverUrl(plan),
      authority(cluster),
      identity,
      pair,
    );
    writeIfChanged(paths.kubeconfig(identity), text, 0o600);
  }
}

/**
 * Binds the admin's group and the apiserver's kubelet user, once: when both bindings stand and the admin can see them,
 * nothing is done and no bootstrap identity is made.
 */
async function ensureAccess(cluster: Cluster): Promise<void> {
  const text = readFileSync(path.join(cluster.repo, 'hack/cluster/manifests/access.yaml'), 'utf8');
  const objects = readManifests(text, { ADMIN_GROUP, KUBELET_CLIENT_USER });
  const admin = adminApi(cluster);
  try {
    const found = await Promise.all(objects.map((object) => getIfThere(admin, objectPath(object))));
    if (found.every((object) => object !== undefined)) return;
  } catch {
    // The admin may not even look: it has to be bound.
  }
  const bootstrap = createApi(
    apiserverUrl(cluster.plan),
    authority(cluster),
    bootstrapAdmin(cluster.paths.pki, new Date()),
  );
  await retry(cluster.signal, 30_000, async () => {
    for (const object of objects) await apply(bootstrap, object);
  });
  cluster.changes.push('bound the admin group to cluster-admin');
}

/** Applies DNS and the demonstration application from `deploy/manifests`. */
async function ensureAddons(cluster: Cluster, api: Api): Promise<void> {
  for (const name of ['coredns', 'webapp']) {
    const text = readFileSync(path.join(cluster.repo, 'deploy/manifests', `${name}.yaml`), 'utf8');
    // The manifest names kubeadm's default address of the DNS; this cluster has its own service network.
    await applyAll(cluster, api, readManifests(text.replaceAll('10.96.0.10', cluster.plan.dnsService)));
  }
}

/** Applies our daemons' manifests. Returns whether a scheduler process has to place their pods first. */
async function ensureInCluster(cluster: Cluster, api: Api, supplies: Supplies): Promise<boolean> {
  if (supplies.imageKeys === undefined) throw new Error('--in-cluster without images');
  await applyAll(cluster, api, inClusterObjects(cluster, supplies.imageKeys));
  return !(await schedulerIsUp(api));
}

/** The other way: what an earlier `--in-cluster` left. */
async function removeInCluster(cluster: Cluster, api: Api): Promise<void> {
  const places = [
    `/apis/apps/v1/namespaces/${SCHEDULER_DEPLOYMENT.namespace}/deployments/${SCHEDULER_DEPLOYMENT.name}`,
    `/apis/apps/v1/namespaces/${PROXY_DAEMON_SET.namespace}/daemonsets/${PROXY_DAEMON_SET.name}`,
  ];
  for (const place of places) {
    if ((await getIfThere(api, place)) === undefined) continue;
    await api.call('DELETE', `${place}?propagationPolicy=Foreground`);
    await retry(cluster.signal, 60_000, async () => {
      if ((await getIfThere(api, place)) !== undefined) throw new Error(`${place} is still being deleted`);
    });
    cluster.changes.push(`deleted ${path.basename(place)}: it runs as a process now`);
  }
}

async function applyAll(cluster: Cluster, api: Api, objects: readonly Json[]): Promise<void> {
  await retry(cluster.signal, 30_000, async () => {
    for (const object of objects)
      if (await apply(api, object))
        cluster.changes.push(
          `applied ${String(field(object, 'kind'))} ${String(field(object, 'metadata', 'name'))}`,
        );
  });
}

/** Takes away the nodes that are one too many, from the API first. */
export async function retireSurplus(cluster: Cluster): Promise<void> {
  const wanted = new Set(cluster.plan.nodes.map((node) => node.name));
  const gone = await retireNodes(cluster, (name) => !wanted.has(name));
  if (gone.length === 0) return;
  const api = adminApi(cluster);
  for (const item of listAt(await api.call('GET', '/api/v1/nodes'), 'items')) {
    const name = String(field(item, 'metadata', 'name'));
    if (!gone.includes(name)) continue;
    // Nobody is left there to end its pods: without this, services would send traffic to them for a minute.
    const pods = await api.call('GET', `/api/v1/pods?fieldSelector=spec.nodeName%3D${name}`);
    for (const pod of listAt(pods, 'items'))
      await api.call(
        'DELETE',
        `/api/v1/namespaces/${String(field(pod, 'metadata', 'namespace'))}/pods/${String(field(pod, 'metadata', 'name'))}?gracePeriodSeconds=0`,
      );
    await api.call('DELETE', `/api/v1/nodes/${name}`);
  }
}
