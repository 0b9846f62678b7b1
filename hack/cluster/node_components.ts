/**
 * What runs on a node (containerd, kubelet, kube-proxy) and the scheduler. Ours and stock get exactly the same
 * flags and files: only the program differs.
 */
import path from 'node:path';
import { stringify } from 'yaml';
import type { AddressPlan, NodeAddress } from './address_plan.ts';
import { SCHEDULER_PORT } from './control_plane.ts';
import type { Programs } from './control_plane.ts';
import type { ComponentSpec } from './component.ts';
import type { ProxyMode } from './options.ts';
import { SYSTEM_PATH } from './packages.ts';
import type { ClusterPaths } from './paths.ts';

export function containerd(node: NodeAddress, paths: ClusterPaths, programs: Programs): ComponentSpec {
  const files = paths.node(node.name);
  const config = path.join(files.dir, 'containerd.toml');
  return {
    id: `containerd-${node.name}`,
    node: node.name,
    argv: [programs.containerd, `--config=${config}`, '--log-level=info'],
    // Its shim is looked for on PATH; the rest of it is fixed, so that the caller's does not ask for a restart.
    ...(programs.shimDir === undefined ? {} : { env: { PATH: `${programs.shimDir}:${SYSTEM_PATH}` } }),
    inputs: [config],
    health: { kind: 'socket', path: files.containerdSocket },
  };
}

export function kubelet(node: NodeAddress, paths: ClusterPaths, program: string): ComponentSpec {
  const config = path.join(paths.node(node.name).dir, 'kubelet-config.yaml');
  const kubeconfig = paths.kubeconfig(`kubelet-${node.name}`);
  return {
    id: `kubelet-${node.name}`,
    node: node.name,
    argv: [
      program,
      `--config=${config}`,
      `--kubeconfig=${kubeconfig}`,
      `--hostname-override=${node.name}`,
      `--node-ip=${node.address}`,
      '--v=2',
    ],
    inputs: [config, kubeconfig],
    health: {
      kind: 'https',
      url: `https://${node.address}:10250/healthz`,
      ca: path.join(paths.pki, 'ca.crt'),
      cert: path.join(paths.pki, 'apiserver-kubelet-client.crt'),
      key: path.join(paths.pki, 'apiserver-kubelet-client.key'),
    },
  };
}

/** KubeletConfiguration of a node. `cgroupRoot` is its group on the host. */
export function kubeletConfig(plan: AddressPlan, node: NodeAddress, pki: string, cgroupRoot: string): string {
  return stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: node.address,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: path.join(pki, 'ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: path.join(pki, `kubelet-${node.name}-serving.crt`),
    tlsPrivateKeyFile: path.join(pki, `kubelet-${node.name}-serving.key`),
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    staticPodPath: '/etc/kubernetes/manifests',
    resolvConf: '/etc/ts-kubernetes-resolv.conf',
    clusterDNS: [plan.dnsService],
    clusterDomain: 'cluster.local',
    cgroupDriver: 'cgroupfs',
    cgroupRoot,
    failCgroupV1: false,
    failSwapOn: false,
    // The disk is the developer's: neither evict pods nor collect images for how full it is.
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '0%',
      'nodefs.inodesFree': '0%',
      'imagefs.available': '0%',
    },
    imageGCHighThresholdPercent: 100,
    imageMinimumGCAge: '24h',
    healthzBindAddress: '127.0.0.1',
    healthzPort: 10248,
    volumePluginDir: '/var/lib/kubelet/volume-plugins',
  });
}

export function kubeProxy(node: NodeAddress, paths: ClusterPaths, program: string): ComponentSpec {
  const config = path.join(paths.node(node.name).dir, 'kube-proxy-config.yaml');
  return {
    id: `kube-proxy-${node.name}`,
    node: node.name,
    argv: [program, `--config=${config}`, `--hostname-override=${node.name}`, '--v=2'],
    inputs: [config, paths.kubeconfig('kube-proxy')],
    health: { kind: 'tcp', host: node.address, port: 10_256 },
  };
}

/** KubeProxyConfiguration of a node. */
export function kubeProxyConfig(
  plan: AddressPlan,
  node: NodeAddress,
  kubeconfig: string,
  mode: ProxyMode,
): string {
  return stringify({
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    bindAddress: node.address,
    clientConnection: { kubeconfig },
    mode,
    clusterCIDR: plan.podNetwork,
    // The table's size belongs to the machine, not to a network namespace of it.
    conntrack: { maxPerCore: 0, min: 0 },
  });
}

export function scheduler(plan: AddressPlan, paths: ClusterPaths, program: string): ComponentSpec {
  const pki = (file: string): string => path.join(paths.pki, file);
  const config = path.join(paths.config, 'kube-scheduler.yaml');
  const kubeconfig = paths.kubeconfig('kube-scheduler');
  return {
    id: 'kube-scheduler',
    argv: [
      program,
      `--config=${config}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
      `--bind-address=${plan.host}`,
      `--secure-port=${SCHEDULER_PORT}`,
      `--tls-cert-file=${pki('kube-scheduler-serving.crt')}`,
      `--tls-private-key-file=${pki('kube-scheduler-serving.key')}`,
      `--client-ca-file=${pki('ca.crt')}`,
      `--requestheader-client-ca-file=${pki('front-proxy-ca.crt')}`,
      '--v=2',
    ],
    inputs: [config, kubeconfig],
    health: { kind: 'https', url: `https://${plan.host}:${SCHEDULER_PORT}/healthz`, ca: pki('ca.crt') },
  };
}

/** KubeSchedulerConfiguration; with a lease it contends for it, else it is the only one. */
export function schedulerConfig(kubeconfig: string, lease?: string): string {
  return stringify({
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    clientConnection: { kubeconfig },
    leaderElection:
      lease === undefined
        ? { leaderElect: false }
        : { leaderElect: true, resourceNamespace: 'kube-system', resourceName: lease },
    profiles: [{ schedulerName: 'default-scheduler' }],
  });
}
