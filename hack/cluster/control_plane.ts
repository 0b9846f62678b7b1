/** The stock control plane on the host: etcd, kube-apiserver, kube-controller-manager. */
import path from 'node:path';
import type { AddressPlan } from './address_plan.ts';
import type { ComponentSpec } from './component.ts';
import type { ClusterPaths } from './paths.ts';

export const APISERVER_PORT = 6443;
export const ETCD_PORT = 2379;
export const ETCD_PEER_PORT = 2380;
export const CONTROLLER_MANAGER_PORT = 10_257;
export const SCHEDULER_PORT = 10_259;
export const REGISTRY_PORT = 5000;

/** A port that the cluster listens on at the host's address. */
export interface HostPort {
  readonly port: number;
  readonly component: string;
}

export const HOST_PORTS: readonly HostPort[] = [
  { port: ETCD_PORT, component: 'etcd' },
  { port: ETCD_PEER_PORT, component: 'etcd (peers)' },
  { port: APISERVER_PORT, component: 'kube-apiserver' },
  { port: CONTROLLER_MANAGER_PORT, component: 'kube-controller-manager' },
  { port: SCHEDULER_PORT, component: 'kube-scheduler' },
];

/** Those that a cluster with a registry has besides. */
export const REGISTRY_PORTS: readonly HostPort[] = [{ port: REGISTRY_PORT, component: 'registry' }];

export const apiserverUrl = (plan: AddressPlan): string => `https://${plan.host}:${APISERVER_PORT}`;

export interface Programs {
  readonly containerd: string;
  /** Where the shims of that containerd lie, when it is not the distribution's. */
  readonly shimDir?: string;
  readonly stock: (name: string) => string;
}

export function etcd(plan: AddressPlan, paths: ClusterPaths, programs: Programs): ComponentSpec {
  const pki = (file: string): string => path.join(paths.pki, file);
  const clients = `https://${plan.host}:${ETCD_PORT}`;
  const peers = `https://${plan.host}:${ETCD_PEER_PORT}`;
  return {
    id: 'etcd',
    argv: [
      programs.stock('etcd'),
      '--name=etcd',
      `--data-dir=${paths.etcd}`,
      `--listen-client-urls=${clients}`,
      `--advertise-client-urls=${clients}`,
      `--listen-peer-urls=${peers}`,
      `--initial-advertise-peer-urls=${peers}`,
      `--initial-cluster=etcd=${peers}`,
      '--client-cert-auth',
      `--trusted-ca-file=${pki('etcd-ca.crt')}`,
      `--cert-file=${pki('etcd.crt')}`,
      `--key-file=${pki('etcd.key')}`,
      '--peer-client-cert-auth',
      `--peer-trusted-ca-file=${pki('etcd-ca.crt')}`,
      `--peer-cert-file=${pki('etcd.crt')}`,
      `--peer-key-file=${pki('etcd.key')}`,
      '--auto-compaction-retention=1',
      '--logger=zap',
      '--log-level=warn',
      '--unsafe-no-fsync', // a development cluster: the machine's power is not part of the test
    ],
    inputs: [pki('etcd.crt')],
    health: {
      kind: 'https',
      url: `${clients}/health`,
      ca: pki('etcd-ca.crt'),
      cert: pki('apiserver-etcd-client.crt'),
      key: pki('apiserver-etcd-client.key'),
    },
  };
}

export function apiserver(plan: AddressPlan, paths: ClusterPaths, programs: Programs): ComponentSpec {
  const pki = (file: string): string => path.join(paths.pki, file);
  return {
    id: 'kube-apiserver',
    argv: [
      programs.stock('kube-apiserver'),
      `--bind-address=${plan.host}`,
      `--advertise-address=${plan.host}`,
      `--secure-port=${APISERVER_PORT}`,
      `--etcd-servers=https://${plan.host}:${ETCD_PORT}`,
      `--etcd-cafile=${pki('etcd-ca.crt')}`,
      `--etcd-certfile=${pki('apiserver-etcd-client.crt')}`,
      `--etcd-keyfile=${pki('apiserver-etcd-client.key')}`,
      `--client-ca-file=${pki('ca.crt')}`,
      `--tls-cert-file=${pki('apiserver.crt')}`,
      `--tls-private-key-file=${pki('apiserver.key')}`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      `--service-cluster-ip-range=${plan.serviceNetwork}`,
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${pki('sa.pub')}`,
      `--service-account-signing-key-file=${pki('sa.key')}`,
      '--kubelet-preferred-address-types=InternalIP',
      `--kubelet-certificate-authority=${pki('ca.crt')}`,
      `--kubelet-client-certificate=${pki('apiserver-kubelet-client.crt')}`,
      `--kubelet-client-key=${pki('apiserver-kubelet-client.key')}`,
      `--requestheader-client-ca-file=${pki('front-proxy-ca.crt')}`,
      '--requestheader-allowed-names=front-proxy-client',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-username-headers=X-Remote-User',
      `--proxy-client-cert-file=${pki('front-proxy-client.crt')}`,
      `--proxy-client-key-file=${pki('front-proxy-client.key')}`,
      '--enable-aggregator-routing=true',
      '--endpoint-reconciler-type=lease',
      '--allow-privileged=true',
      '--event-ttl=1h',
      '--profiling=false',
    ],
    inputs: [pki('apiserver.crt'), pki('apiserver-kubelet-client.crt'), pki('ca.crt')],
    health: { kind: 'https', url: `${apiserverUrl(plan)}/readyz`, ca: pki('ca.crt') },
    stopMs: 3000,
  };
}

export function controllerManager(plan: AddressPlan, paths: ClusterPaths, programs: Programs): ComponentSpec {
  const pki = (file: string): string => path.join(paths.pki, file);
  const kubeconfig = paths.kubeconfig('kube-controller-manager');
  return {
    id: 'kube-controller-manager',
    argv: [
      programs.stock('kube-controller-manager'),
      `--kubeconfig=${kubeconfig}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
      `--bind-address=${plan.host}`,
      `--secure-port=${CONTROLLER_MANAGER_PORT}`,
      `--tls-cert-file=${pki('kube-controller-manager-serving.crt')}`,
      `--tls-private-key-file=${pki('kube-controller-manager-serving.key')}`,
      `--client-ca-file=${pki('ca.crt')}`,
      `--requestheader-client-ca-file=${pki('front-proxy-ca.crt')}`,
      `--root-ca-file=${pki('ca.crt')}`,
      `--cluster-signing-cert-file=${pki('ca.crt')}`,
      `--cluster-signing-key-file=${pki('ca.key')}`,
      `--service-account-private-key-file=${pki('sa.key')}`,
      '--use-service-account-credentials=true',
      '--allocate-node-cidrs=false', // the pod networks are laid out by the address plan
      `--cluster-name=${path.basename(paths.dir)}`,
      '--leader-elect=false', // one instance: after a kill it need not wait for its own lease
      '--profiling=false',
    ],
    inputs: [kubeconfig],
    health: {
      kind: 'https',
      url: `https://${plan.host}:${CONTROLLER_MANAGER_PORT}/healthz`,
      ca: pki('ca.crt'),
    },
    stopMs: 3000,
  };
}
