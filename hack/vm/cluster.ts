/**
 * The cluster inside of the virtual machine: one node, its components as units of systemd. Read by the host, which writes
 * certificates and units for it, and by the guest.
 */
import path from 'node:path';
import { addressPlan } from '../cluster/address_plan.ts';
import { apiserver, apiserverUrl, etcd } from '../cluster/control_plane.ts';
import { cniConfig } from '../cluster/containerd_config.ts';
import { kubeconfig } from '../cluster/kubeconfig.ts';
import { kubeletConfig } from '../cluster/node_components.ts';
import { clusterPaths } from '../cluster/paths.ts';
import { issue } from '../cluster/pki/certificate.ts';
import type { KeyPair } from '../cluster/pki/certificate.ts';
import { readPair } from '../cluster/pki/cluster_pki.ts';
import { parse } from 'yaml';

const plan = addressPlan(0, 1);
const paths = clusterPaths('/var/lib/ts-kubernetes', 'vm');
const [first] = plan.nodes;
if (first === undefined) throw new Error('the plan has no node');

export const CLUSTER = { plan, paths, node: first };
export const KUBELET_CONFIG = '/var/lib/kubelet/config.yaml';
/** Seconds in which systemd wants to hear of the kubelet. */
export const WATCHDOG_SECONDS = 20;
export const SHUTDOWN_SECONDS = { all: 90, critical: 30 };

/** A certificate that may everything for as long as the machine is up. */
export function bootstrapPair(pki: string, now: Date): KeyPair {
  const authority = readPair(pki, 'ca');
  if (authority === undefined) throw new Error(`${pki}: no cluster authority`);
  return issue(authority, {
    subject: { commonName: 'ts-kubernetes-bootstrap', organizations: ['system:masters'] },
    usages: ['client'],
    notBefore: new Date(now.getTime() - 3_600_000),
    notAfter: new Date(now.getTime() + 12 * 3_600_000),
  });
}

/** The node's KubeletConfiguration with `changes`, as JSON (which is YAML). */
export function nodeConfig(changes: Readonly<Record<string, unknown>>): string {
  const base: unknown = parse(kubeletConfig(plan, CLUSTER.node, paths.pki, '/'));
  if (typeof base !== 'object' || base === null) throw new Error('the configuration is no object');
  return JSON.stringify({
    ...base,
    cgroupRoot: '/',
    failCgroupV1: true,
    podPidsLimit: 100,
    nodeStatusUpdateFrequency: '10s',
    ...changes,
  });
}

/** A unit of the control plane: stopped after the guest's checks, whose last look at the API is at shutdown. */
export function controlPlaneUnit(description: string, argv: readonly string[], after: string): string {
  return `[Unit]
Description=${description}
After=${after}
Wants=${after}
Before=guest.service
StartLimitIntervalSec=0
[Service]
ExecStart=${argv.join(' ')}
Restart=always
RestartSec=2
TimeoutStopSec=5
[Install]
WantedBy=multi-user.target
`;
}

const NETWORK_UNIT = `[Unit]
Description=The addresses of the cluster, on an interface that leads nowhere
Before=etcd.service kube-apiserver.service ts-kubelet.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=-/usr/sbin/modprobe -a dummy overlay
ExecStart=/usr/sbin/ip link add cluster0 type dummy
ExecStart=/usr/sbin/ip addr add ${plan.host}/24 dev cluster0
ExecStart=/usr/sbin/ip addr add ${CLUSTER.node.address}/24 dev cluster0
ExecStart=/usr/sbin/ip link set cluster0 up
ExecStart=/usr/sbin/ip route add default via ${plan.host}
ExecStart=/usr/sbin/sysctl -qw net.ipv4.ip_forward=1
[Install]
WantedBy=multi-user.target
`;

/** What an operator would write to have deploy/systemd/ts-kubelet.service as this machine wants it. */
const KUBELET_DROP_IN = `[Unit]
After=kube-apiserver.service
[Service]
TimeoutStartSec=600
WatchdogSec=${WATCHDOG_SECONDS}
`;

/** Files of the machine by their path, beyond what the image has. @param pki where the certificates are now */
export function rootFiles(pki: string): Readonly<Record<string, string>> {
  const programs = {
    containerd: '/usr/bin/containerd',
    stock: (name: string) => `/payload/programs/${name}`,
  };
  const authority = readPair(pki, 'ca');
  const kubelet = readPair(pki, `kubelet-${CLUSTER.node.name}`);
  if (authority === undefined || kubelet === undefined) throw new Error(`${pki}: certificates are missing`);
  const units = '/etc/systemd/system';
  return {
    [`${units}/vm-network.service`]: NETWORK_UNIT,
    [`${units}/etcd.service`]: controlPlaneUnit(
      'etcd',
      etcd(plan, paths, programs).argv,
      'vm-network.service',
    ),
    [`${units}/kube-apiserver.service`]: controlPlaneUnit(
      'kube-apiserver',
      apiserver(plan, paths, programs).argv,
      'etcd.service',
    ),
    [`${units}/ts-kubelet.service.d/vm.conf`]: KUBELET_DROP_IN,
    '/etc/default/ts-kubelet': `ARGS=--hostname-override=${CLUSTER.node.name} --node-ip=${CLUSTER.node.address} --v=2\n`,
    '/etc/kubernetes/kubelet.conf': kubeconfig(
      'vm',
      apiserverUrl(plan),
      authority.certificate,
      `kubelet-${CLUSTER.node.name}`,
      kubelet,
    ),
    '/etc/cni/net.d/10-ts-kubernetes.conflist': cniConfig(CLUSTER.node.podNetwork),
    '/etc/ts-kubernetes-resolv.conf': 'nameserver 127.0.0.1\n',
    [path.join('/etc/kubernetes/manifests', '.keep')]: '',
  };
}
