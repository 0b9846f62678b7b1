/** All components of a cluster, as its settings want them: one list for hack/up, hack/status and the tests. */
import path from 'node:path';
import type { NodeAddress } from './address_plan.ts';
import type { Cluster } from './cluster.ts';
import type { ComponentSpec } from './component.ts';
import { apiserver, controllerManager, etcd } from './control_plane.ts';
import type { Programs } from './control_plane.ts';
import { containerd, kubelet, kubeProxy, scheduler } from './node_components.ts';
import { nodeSpec } from './node_machine.ts';
import { locate } from './packages.ts';
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
  const choose = (part: keyof typeof settings.flavours, ours: string, stockName: string): string =>
    settings.flavours[part] === 'ours' ? path.join(repo, 'dist', ours) : stock.file(stockName);
  return {
    etcd: etcd(plan, paths, programs),
    apiserver: apiserver(plan, paths, programs),
    controllerManager: controllerManager(plan, paths, programs),
    scheduler: scheduler(plan, paths, choose('scheduler', 'ts-scheduler', 'kube-scheduler')),
    registry: registry(plan, paths, programs),
    nodes: plan.nodes.map((address) => ({
      address,
      machine: nodeSpec(cluster, address),
      containerd: containerd(address, paths, programs),
      kubelet: kubelet(address, paths, choose('kubelet', 'ts-kubelet', 'kubelet')),
      kubeProxy: kubeProxy(address, paths, choose('proxy', 'ts-kube-proxy', 'kube-proxy')),
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
