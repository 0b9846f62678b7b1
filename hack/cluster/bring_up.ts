/** The order in which a cluster comes up. Every step looks first and changes only what is not as it should be. */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApi, field, listAt } from './api.ts';
import type { Api, Json } from './api.ts';
import { ensureGroup, systemGroup } from './cgroups.ts';
import { ensureComponent, waitHealthy, writeIfChanged } from './cluster.ts';
import type { Cluster } from './cluster.ts';
import { apiserver, apiserverUrl, controllerManager, etcd } from './control_plane.ts';
import type { Programs } from './control_plane.ts';
import { kubeconfig } from './kubeconfig.ts';
import { apply, getIfThere, readManifests } from './manifests.ts';
import { ensureRoutes, ensureSwitch } from './network.ts';
import { containerd, kubelet, kubeProxy, scheduler, schedulerConfig } from './node_components.ts';
import { ensureNode, importImages, nodeSpec } from './node_machine.ts';
import type { NodeSoftware } from './node_machine.ts';
import { ADMIN_GROUP, bootstrapAdmin, ensurePki, KUBELET_CLIENT_USER, readPair } from './pki/cluster_pki.ts';

/** Programs and images, ready to be used. */
export interface Supplies {
  readonly programs: Programs;
  readonly kubelet: string;
  readonly kubeProxy: string;
  readonly scheduler: string;
  readonly software: NodeSoftware;
  /** Image tars that the cluster itself needs, and those that can come later. */
  readonly imageTars: readonly string[];
  readonly laterTars: readonly string[];
}

export async function bringUp(cluster: Cluster, supplies: Supplies): Promise<void> {
  const { progress, plan, paths, settings, changes } = cluster;
  const { programs } = supplies;
  await progress.step('certificates, kubeconfigs, network', async () => {
    for (const dir of [paths.dir, paths.logs, paths.run, paths.config, paths.kubeconfigs, paths.etcd])
      mkdirSync(dir, { recursive: true, mode: 0o755 });
    const made = await ensurePki(paths.pki, plan, new Date());
    if (made.length > 0) changes.push(`made ${made.length} certificates and keys`);
    writeKubeconfigs(cluster);
    writeIfChanged(path.join(paths.config, 'kube-scheduler.yaml'), schedulerConfig(paths.kubeconfig('kube-scheduler')));
    ensureGroup(cluster.cgroups, systemGroup(settings.name));
    if (await ensureSwitch(settings.name, plan)) changes.push('built the network');
  });

  const apiReady = (async () => {
    await progress.step('etcd and kube-apiserver', async () => {
      await ensureComponent(cluster, etcd(plan, paths, programs));
      await waitHealthy(cluster, etcd(plan, paths, programs));
      await ensureComponent(cluster, apiserver(plan, paths, programs));
      await waitHealthy(cluster, apiserver(plan, paths, programs), 120_000);
    });
    await ensureAccess(cluster);
    await ensureComponent(cluster, controllerManager(plan, paths, programs));
    await ensureComponent(cluster, scheduler(plan, paths, supplies.scheduler));
  })();
  const nodesReady = progress.step(`${plan.nodes.length} nodes with containerd and images`, async () => {
    await Promise.all(
      plan.nodes.map(async (node) => {
        await ensureNode(cluster, node, supplies.software);
        await waitHealthy(cluster, nodeSpec(cluster, node));
        await ensureComponent(cluster, containerd(node, paths, programs));
        await waitHealthy(cluster, containerd(node, paths, programs));
        const imported = await importImages(cluster, node, supplies.imageTars);
        if (imported > 0) changes.push(`imported ${imported} images into ${node.name}`);
      }),
    );
    await ensureRoutes(settings.name, plan);
  });
  await settled([apiReady, nodesReady]);

  const api = adminApi(cluster);
  await progress.step('kubelets, kube-proxies, controller manager, scheduler', async () => {
    await ensureAddons(cluster, api);
    await settled(
      plan.nodes.map(async (node) => {
        await ensureComponent(cluster, kubelet(node, paths, supplies.kubelet));
        await ensureComponent(cluster, kubeProxy(node, paths, supplies.kubeProxy));
        await waitHealthy(cluster, kubelet(node, paths, supplies.kubelet));
        await waitHealthy(cluster, kubeProxy(node, paths, supplies.kubeProxy));
        await ensurePodNetwork(cluster, api, node.name, node.podNetwork);
      }),
    );
    await waitHealthy(cluster, controllerManager(plan, paths, programs));
    await waitHealthy(cluster, scheduler(plan, paths, supplies.scheduler));
  });
  await progress.step('nodes ready', () => waitNodesReady(cluster, api));
  await progress.step('cluster DNS and the web application', async () => {
    await settled([
      waitDeployment(cluster, api, 'kube-system', 'coredns'),
      waitDeployment(cluster, api, 'default', 'webapp'),
    ]);
    await waitApplication(cluster, api);
  });
  await Promise.all(
    plan.nodes.map(async (node) => {
      const imported = await importImages(cluster, node, supplies.laterTars);
      if (imported > 0) changes.push(`imported ${imported} more images into ${node.name}`);
    }),
  );
}

/** The API as the admin. */
export function adminApi(cluster: Cluster): Api {
  const pair = readPair(cluster.paths.pki, 'admin');
  if (pair === undefined) throw new Error(`${cluster.paths.pki}: no admin certificate`);
  return createApi(apiserverUrl(cluster.plan), authority(cluster), pair);
}

function authority(cluster: Cluster): string {
  return readFileSync(path.join(cluster.paths.pki, 'ca.crt'), 'utf8');
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
    const text = kubeconfig(`ts-kubernetes-${settings.name}`, apiserverUrl(plan), authority(cluster), identity, pair);
    writeIfChanged(paths.kubeconfig(identity), text, 0o600);
  }
}

/**
 * Binds the admin's group and the apiserver's kubelet user, once: when the admin may already do everything and both
 * bindings stand, nothing is done and no bootstrap identity is made.
 */
async function ensureAccess(cluster: Cluster): Promise<void> {
  const text = readFileSync(path.join(cluster.repo, 'hack/cluster/manifests/access.yaml'), 'utf8');
  const objects = readManifests(text, { ADMIN_GROUP, KUBELET_CLIENT_USER });
  const admin = adminApi(cluster);
  try {
    const paths = objects.map((object) => `/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/${String(field(object, 'metadata', 'name'))}`);
    const found = await Promise.all(paths.map((one) => getIfThere(admin, one)));
    if (found.every((object) => object !== undefined)) return;
  } catch {
    // The admin may not even look: it has to be bound.
  }
  const bootstrap = createApi(apiserverUrl(cluster.plan), authority(cluster), bootstrapAdmin(cluster.paths.pki, new Date()));
  await retry(cluster, 30_000, async () => {
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

async function applyAll(cluster: Cluster, api: Api, objects: readonly Json[]): Promise<void> {
  await retry(cluster, 30_000, async () => {
    for (const object of objects)
      if (await apply(api, object))
        cluster.changes.push(`applied ${String(field(object, 'kind'))} ${String(field(object, 'metadata', 'name'))}`);
  });
}

async function ensurePodNetwork(cluster: Cluster, api: Api, node: string, podNetwork: string): Promise<void> {
  await retry(cluster, 60_000, async () => {
    const object = await api.call('GET', `/api/v1/nodes/${node}`);
    if (field(object, 'spec', 'podCIDR') !== undefined) return;
    await api.call('PATCH', `/api/v1/nodes/${node}`, {
      type: 'application/merge-patch+json',
      content: { spec: { podCIDR: podNetwork, podCIDRs: [podNetwork] } },
    });
  });
}

async function waitNodesReady(cluster: Cluster, api: Api): Promise<void> {
  await retry(cluster, 90_000, async () => {
    for (const { name } of cluster.plan.nodes) {
      const object = await api.call('GET', `/api/v1/nodes/${name}`);
      const ready = listAt(object, 'status', 'conditions').find((one) => field(one, 'type') === 'Ready');
      if (field(ready, 'status') !== 'True')
        throw new Error(`node ${name} is not ready: ${String(field(ready, 'message') ?? 'no condition yet')}`);
    }
  });
}

export async function waitDeployment(cluster: Cluster, api: Api, namespace: string, name: string): Promise<void> {
  await retry(cluster, 120_000, async () => {
    const object = await api.call('GET', `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`);
    const [wanted, updated, available] = [
      field(object, 'spec', 'replicas'),
      field(object, 'status', 'updatedReplicas'),
      field(object, 'status', 'availableReplicas'),
    ];
    const seen = field(object, 'status', 'observedGeneration') === field(object, 'metadata', 'generation');
    if (!seen || updated !== wanted || available !== wanted)
      throw new Error(`deployment ${namespace}/${name}: ${String(available ?? 0)} of ${String(wanted)} pods available`);
  });
}

/** Where the application answers, once it does: by its ClusterIP from the host, and by its NodePort on every node. */
async function waitApplication(cluster: Cluster, api: Api): Promise<void> {
  for (const url of await applicationUrls(cluster, api))
    await retry(cluster, 60_000, async () => {
      const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
      await answer.body?.cancel();
      if (!answer.ok) throw new Error(`${url} answers ${answer.status}`);
    });
}

/** URLs of the web application, as the host reaches it. */
export async function applicationUrls(cluster: Cluster, api: Api): Promise<string[]> {
  const service = await api.call('GET', '/api/v1/namespaces/default/services/webapp');
  const nodePort = field(service, 'spec', 'ports', 0, 'nodePort');
  return [
    `http://${String(field(service, 'spec', 'clusterIP'))}/`,
    ...cluster.plan.nodes.map((node) => `http://${node.address}:${String(nodePort)}/`),
  ];
}

/** Tries until it works, every 200 ms; the last failure is the one reported. */
export async function retry(cluster: Cluster, timeoutMs: number, work: () => Promise<void>): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    cluster.signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await sleep(200, undefined, { signal: cluster.signal });
  }
}

/** Waits for all, then reports the first failure: nothing goes on in the background after it. */
async function settled(all: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(all);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
