/** All components of a cluster, as its settings want them: one list for hack/up, hack/status and the tests. */
import { existsSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import type { NodeAddress } from './address_plan.ts';
import type { Cluster } from './cluster.ts';
import type { ComponentSpec } from './component.ts';
import { apiserver, controllerManager, etcd } from './control_plane.ts';
import type { Programs } from './control_plane.ts';
import { containerd, kubelet, kubeProxy, scheduler } from './node_components.ts';
import { nodeSpec } from './node_machine.ts';
import { SWAPPABLE } from './options.ts';
import type { Swappable } from './options.ts';
import { locate } from './packages.ts';
import type { ClusterPaths } from './paths.ts';
import { registry } from './registry.ts';
import type { ClusterSettings } from './settings.ts';
import { stockCatalogue } from './stock_catalogue.ts';
import type { StockCatalogue } from './stock_catalogue.ts';

/** Components by their role. With `inCluster`, kube-proxy and scheduler run as pods instead. */
export interface ClusterComponents {
  readonly etcd: ComponentSpec;
  readonly apiserver: ComponentSpec;
  readonly controllerManager: ComponentSpec;
  readonly scheduler: ComponentSpec;
  /** Runs with the setting `registry` only. */
  readonly registry: ComponentSpec;
  readonly nodes: readonly NodeComponents[];
}

export interface NodeComponents {
  readonly address: NodeAddress;
  readonly machine: ComponentSpec;
  readonly containerd: ComponentSpec;
  readonly kubelet: ComponentSpec;
  readonly kubeProxy: ComponentSpec;
}

/** The containerd of the nodes; one of ours has its shim beside it. */
export function containerdProgram(
  settings: Pick<ClusterSettings, 'containerd'>,
  stock: Pick<StockCatalogue, 'file'>,
): string {
  return settings.containerd === 'pinned' ? stock.file('containerd') : (locate('containerd') ?? 'containerd');
}

/** The daemons that come in two flavours, by their programs. */
export const DAEMONS: Readonly<Record<Swappable, { readonly ours: string; readonly stock: string }>> = {
  kubelet: { ours: 'ts-kubelet', stock: 'kubelet' },
  proxy: { ours: 'ts-kube-proxy', stock: 'kube-proxy' },
  scheduler: { ours: 'ts-scheduler', stock: 'kube-scheduler' },
};

/** Ours is started under the name of the one that it stands in for: what looks for a process `kubelet` is to find it. */
function ourProgram(paths: Pick<ClusterPaths, 'dir'>, part: Swappable): string {
  return path.join(paths.dir, 'bin', DAEMONS[part].stock);
}

/** Makes the links that our programs are started by. */
export function linkPrograms({ repo, paths }: Pick<Cluster, 'repo' | 'paths'>): void {
  for (const part of SWAPPABLE) {
    const [link, program] = [ourProgram(paths, part), path.join(repo, 'dist', DAEMONS[part].ours)];
    mkdirSync(path.dirname(link), { recursive: true });
    if (existsSync(link) && readlinkSync(link) === program) continue;
    rmSync(link, { force: true });
    symlinkSync(program, link);
  }
}

/** Programs by name: ours from `dist/`, the stock ones from the cache, the rest from the distribution. */
export function clusterComponents(
  cluster: Pick<Cluster, 'repo' | 'roots' | 'settings' | 'paths' | 'plan'>,
): ClusterComponents {
  const { repo, roots, settings, paths, plan } = cluster;
  const stock = stockCatalogue(repo, roots.cache);
  const programs: Programs = {
    containerd: containerdProgram(settings, stock),
    ...(settings.containerd === 'pinned' ? { shimDir: path.dirname(stock.file('containerd')) } : {}),
    stock: (name) => stock.file(name),
  };
  const choose = (part: Swappable): string =>
    settings.flavours[part] === 'ours' ? ourProgram(paths, part) : stock.file(DAEMONS[part].stock);
  return {
    etcd: etcd(plan, paths, programs),
    apiserver: apiserver(plan, paths, programs),
    controllerManager: controllerManager(plan, paths, programs),
    scheduler: scheduler(plan, paths, choose('scheduler')),
    registry: registry(plan, paths, programs),
    nodes: plan.nodes.map((address) => ({
      address,
      machine: nodeSpec(cluster, address),
      containerd: containerd(address, paths, programs),
      kubelet: kubelet(address, paths, choose('kubelet')),
      kubeProxy: kubeProxy(address, paths, choose('proxy')),
    })),
  };
}

/** Those that run as processes when all is well. */
export function wantedProcesses(
  components: ClusterComponents,
  { inCluster, registry: withRegistry }: Pick<ClusterSettings, 'inCluster' | 'registry'>,
): ComponentSpec[] {
  const { etcd, apiserver, controllerManager, scheduler, registry: images, nodes } = components;
  return [
    etcd,
    apiserver,
    controllerManager,
    ...(inCluster ? [] : [scheduler]),
    ...(withRegistry ? [images] : []),
    ...nodes.flatMap((node) => [
      node.machine,
      node.containerd,
      node.kubelet,
      ...(inCluster ? [] : [node.kubeProxy]),
    ]),
  ];
}
