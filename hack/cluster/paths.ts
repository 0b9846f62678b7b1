/** Where a cluster keeps its files. The state root holds one folder per cluster; the cache is shared by all. */
import os from 'node:os';
import path from 'node:path';

/** Folders that depend on the environment only. */
export interface Roots {
  /** `${TSK_STATE:-/var/lib/ts-kubernetes}` */
  readonly state: string;
  /** `${TSK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ts-kubernetes}` */
  readonly cache: string;
}

/** Reads the two roots from the environment; empty variables count as unset, as in the shell's `:-`. */
export function rootsFrom(env: NodeJS.ProcessEnv): Roots {
  const home = env['HOME'] || os.homedir();
  return {
    state: path.resolve(env['TSK_STATE'] || '/var/lib/ts-kubernetes'),
    cache: path.resolve(
      env['TSK_CACHE'] || path.join(env['XDG_CACHE_HOME'] || path.join(home, '.cache'), 'ts-kubernetes'),
    ),
  };
}

/** Files of one cluster. */
export interface ClusterPaths {
  readonly dir: string;
  readonly clusterFile: string;
  readonly pki: string;
  readonly kubeconfigs: string;
  readonly logs: string;
  readonly run: string;
  readonly config: string;
  readonly etcd: string;
  readonly nodes: string;
  kubeconfig(identity: string): string;
  node(name: string): NodePaths;
}

/** Files of one node, as the host sees them; the node itself sees them at the standard places. */
export interface NodePaths {
  readonly dir: string;
  /** `/run` of the node; emptied at each start of the node, as on a real machine. */
  readonly run: string;
  /** `/var/lib/containerd` of the node. */
  readonly containerd: string;
  /** `/var/lib/kubelet` of the node. */
  readonly kubelet: string;
  /** `/var/lib/cni` of the node. */
  readonly cni: string;
  /** `/var/log` of the node. */
  readonly log: string;
  /** What the node's `/etc` has more than the host's. */
  readonly etc: string;
  readonly containerdSocket: string;
}

export function clusterPaths(stateRoot: string, name: string): ClusterPaths {
  const dir = path.join(stateRoot, name);
  const kubeconfigs = path.join(dir, 'kubeconfigs');
  const nodes = path.join(dir, 'nodes');
  return {
    dir,
    clusterFile: path.join(dir, 'cluster.json'),
    pki: path.join(dir, 'pki'),
    kubeconfigs,
    logs: path.join(dir, 'logs'),
    run: path.join(dir, 'run'),
    config: path.join(dir, 'config'),
    etcd: path.join(dir, 'etcd'),
    nodes,
    kubeconfig: (identity) => path.join(kubeconfigs, `${identity}.kubeconfig`),
    node: (node) => nodePaths(path.join(nodes, node)),
  };
}

function nodePaths(dir: string): NodePaths {
  const run = path.join(dir, 'run');
  return {
    dir,
    run,
    containerd: path.join(dir, 'containerd'),
    kubelet: path.join(dir, 'kubelet'),
    cni: path.join(dir, 'cni'),
    log: path.join(dir, 'log'),
    etc: path.join(dir, 'etc'),
    containerdSocket: path.join(run, 'containerd', 'containerd.sock'),
  };
}
