/** Command-line flags of the daemon. Kept free of heavy imports: it is loaded before `--version` is answered. */
import { featureGatesFlag } from '../component/feature_gates.ts';
import { flag, type FlagOptions } from '../component/flag_types.ts';
import { defineFlags } from '../component/flags.ts';
import { informationFlags } from '../component/information_flags.ts';
import { loggingFlags } from '../component/logging_flags.ts';

const config = 'Configuration';
const deprecated =
  "This parameter should be set via the config file specified by the kubelet's --config flag. See https://kubernetes.io/docs/tasks/administer-cluster/kubelet-config-file/ for more information.";
const cadvisor = 'Container statistics';
const noEffect =
  'This is a cadvisor flag that was mistakenly registered with the Kubelet. Due to legacy concerns, it will follow the standard CLI deprecation timeline before being removed.';
const d = { section: config, deprecated } as const;
const c = {
  section: cadvisor,
  deprecated: noEffect,
  help: 'Accepted for compatibility; has no effect.',
} as const;
const node = 'Node';

/** Eviction thresholds: `memory.available<1Gi,nodefs.available<10%`. */
const thresholds = (options: FlagOptions) => flag.map({ ...options, separator: '<' });

export const kubeletFlags = defineFlags({
  ...informationFlags,
  ...loggingFlags,

  'bootstrap-kubeconfig': flag.string({
    section: node,
    help: 'Kubeconfig to ask for a client certificate with, when --kubeconfig does not exist.',
  }),
  'cert-dir': flag.string({
    section: node,
    default: '/var/lib/kubelet/pki',
    help: 'Directory of TLS certificates; ignored with --tls-cert-file and --tls-private-key-file.',
  }),
  'cloud-provider': flag.string({
    section: node,
    help: 'Empty, or "external" when a cloud controller manager initializes the node.',
  }),
  config: flag.string({ section: node, help: 'File with the KubeletConfiguration. Flags override it.' }),
  'config-dir': flag.string({
    section: node,
    help: 'Directory of drop-in files (*.conf) merged over --config in alphanumeric order.',
  }),
  'exit-on-lock-contention': flag.bool({
    section: node,
    help: 'Exit when another process wants the lock file.',
  }),
  'hostname-override': flag.string({ section: node, help: 'Name of the node instead of the host name.' }),
  'image-credential-provider-bin-dir': flag.string({
    section: node,
    help: 'Directory of credential provider plugins.',
  }),
  'image-credential-provider-config': flag.string({
    section: node,
    help: 'Configuration of credential provider plugins.',
  }),
  kubeconfig: flag.string({
    section: node,
    help: 'How to reach the apiserver. Empty: standalone, static pods only.',
  }),
  'lock-file': flag.string({ section: node, help: 'Lock file that keeps a second kubelet from starting.' }),
  'node-ip': flag.string({
    section: node,
    help: 'Address of the node, or two of both families, comma-separated.',
  }),
  'node-labels': flag.map({ section: node, help: 'Labels to register the node with, key=value,...' }),
  'root-dir': flag.string({
    section: node,
    default: '/var/lib/kubelet',
    help: 'Directory for the files of pods.',
  }),
  'runtime-cgroups': flag.string({ section: node, help: 'Cgroup that the container runtime runs in.' }),

  address: flag.ip({ ...d, default: '0.0.0.0', help: 'Address to serve on.' }),
  'allowed-unsafe-sysctls': flag.strings({
    ...d,
    help: 'Unsafe sysctls, or patterns ending in *, that pods may set.',
  }),
  'anonymous-auth': flag.bool({ ...d, help: 'Let requests without credentials in as system:anonymous.' }),
  'authentication-token-webhook': flag.bool({ ...d, help: 'Check bearer tokens by TokenReview.' }),
  'authentication-token-webhook-cache-ttl': flag.duration({
    ...d,
    default: 120_000,
    help: 'How long an answer of TokenReview is kept.',
  }),
  'authorization-mode': flag.string({ ...d, default: 'AlwaysAllow', help: 'AlwaysAllow or Webhook.' }),
  'authorization-webhook-cache-authorized-ttl': flag.duration({
    ...d,
    default: 300_000,
    help: 'How long a permission is kept.',
  }),
  'authorization-webhook-cache-unauthorized-ttl': flag.duration({
    ...d,
    default: 30_000,
    help: 'How long a refusal is kept.',
  }),
  'cgroup-driver': flag.string({ ...d, default: 'cgroupfs', help: 'cgroupfs or systemd.' }),
  'cgroup-root': flag.string({ ...d, help: 'Cgroup below which the groups of pods are made.' }),
  'cgroups-per-qos': flag.bool({ ...d, default: true, help: 'Make cgroups for QoS classes and pods.' }),
  'client-ca-file': flag.string({ ...d, help: 'CAs of client certificates.' }),
  'cluster-dns': flag.strings({ ...d, help: "Addresses of the cluster's DNS servers." }),
  'cluster-domain': flag.string({ ...d, help: 'DNS domain of the cluster.' }),
  'container-log-max-files': flag.int({
    ...d,
    bits: 32,
    default: 5,
    help: 'Log files kept per container, at least 2.',
  }),
  'container-log-max-size': flag.string({
    ...d,
    default: '10Mi',
    help: 'Size at which a container log is rotated.',
  }),
  'container-runtime-endpoint': flag.string({
    ...d,
    default: 'unix:///run/containerd/containerd.sock',
    help: 'Socket of the container runtime.',
  }),
  'contention-profiling': flag.bool({ ...d, help: 'Accepted; there is nothing to profile.' }),
  'cpu-cfs-quota': flag.bool({ ...d, default: true, help: 'Enforce CPU limits by CFS quota.' }),
  'cpu-cfs-quota-period': flag.duration({ ...d, default: 100, help: 'Period of CFS quota.' }),
  'cpu-manager-policy': flag.string({ ...d, default: 'none', help: 'none or static.' }),
  'cpu-manager-policy-options': flag.map({ ...d, help: 'Options of the CPU manager policy.' }),
  'cpu-manager-reconcile-period': flag.duration({
    ...d,
    default: 10_000,
    help: 'Period of CPU manager reconciliation.',
  }),
  'enable-controller-attach-detach': flag.bool({
    ...d,
    default: true,
    help: 'Volumes are attached by the controller manager.',
  }),
  'enable-debugging-handlers': flag.bool({
    ...d,
    default: true,
    help: 'Serve exec, attach, port-forward and logs.',
  }),
  'enable-server': flag.bool({ ...d, default: true, help: 'Serve at all.' }),
  'enforce-node-allocatable': flag.strings({
    ...d,
    default: ['pods'],
    help: 'What is held to node allocatable: none, pods, system-reserved, kube-reserved.',
  }),
  'event-burst': flag.int({ ...d, bits: 32, default: 100, help: 'Events that may be written at once.' }),
  'event-qps': flag.int({ ...d, bits: 32, default: 50, help: 'Events written per second.' }),
  'eviction-hard': thresholds({
    ...d,
    help: 'Thresholds such as memory.available<1Gi that evict pods at once.',
  }),
  'eviction-max-pod-grace-period': flag.int({
    ...d,
    bits: 32,
    help: 'Longest grace period of soft evictions in seconds.',
  }),
  'eviction-minimum-reclaim': flag.map({ ...d, help: 'What an eviction is to bring at least.' }),
  'eviction-pressure-transition-period': flag.duration({
    ...d,
    default: 300_000,
    help: 'How long a pressure condition stays.',
  }),
  'eviction-soft': thresholds({ ...d, help: 'Thresholds that evict pods after a grace period.' }),
  'eviction-soft-grace-period': flag.map({ ...d, help: 'Grace periods of soft evictions.' }),
  'experimental-allocatable-ignore-eviction': flag.bool({
    section: config,
    deprecated: 'will be removed in a future version',
    help: 'Accepted; hard eviction thresholds are always subtracted.',
  }),
  'experimental-mounter-path': flag.string({
    section: config,
    deprecated: 'will be removed in a future version',
    help: 'Accepted; the mount program of the machine is used.',
  }),
  'fail-cgroupv1': flag.bool({ ...d, default: true, help: 'Refuse to start on cgroup v1.' }),
  'fail-swap-on': flag.bool({ ...d, default: true, help: 'Refuse to start with swap on.' }),
  'feature-gates': featureGatesFlag({ ...d, help: 'Feature gates to turn on or off.' }),
  'file-check-frequency': flag.duration({
    ...d,
    default: 20_000,
    help: 'Time between looks at static pod files.',
  }),
  'hairpin-mode': flag.string({
    ...d,
    default: 'promiscuous-bridge',
    help: "Accepted; hairpin is the network plugin's.",
  }),
  'healthz-bind-address': flag.ip({ ...d, default: '127.0.0.1', help: 'Address of the health endpoint.' }),
  'healthz-port': flag.int({
    ...d,
    bits: 32,
    default: 10_248,
    help: 'Port of the health endpoint, 0 for none.',
  }),
  'http-check-frequency': flag.duration({
    ...d,
    default: 20_000,
    help: 'Time between fetches of static pods.',
  }),
  'image-gc-high-threshold': flag.int({
    ...d,
    bits: 32,
    default: 85,
    help: 'Percent of disk at which images are collected.',
  }),
  'image-gc-low-threshold': flag.int({
    ...d,
    bits: 32,
    default: 80,
    help: 'Percent of disk down to which images are collected.',
  }),
  'image-service-endpoint': flag.string({ ...d, help: 'Socket of the image service, when it is another.' }),
  'kernel-memcg-notification': flag.bool({
    ...d,
    help: 'Look at the memory of the machine each second, not only every ten.',
  }),
  'kube-api-burst': flag.int({ ...d, bits: 32, default: 100, help: 'Requests to the apiserver at once.' }),
  'kube-api-content-type': flag.string({
    ...d,
    default: 'application/vnd.kubernetes.protobuf',
    help: 'Accepted; JSON is used.',
  }),
  'kube-api-qps': flag.int({ ...d, bits: 32, default: 50, help: 'Requests to the apiserver per second.' }),
  'kube-reserved': flag.map({ ...d, help: 'Resources kept for Kubernetes itself.' }),
  'kube-reserved-cgroup': flag.string({ ...d, help: 'Cgroup of what --kube-reserved is for.' }),
  'kubelet-cgroups': flag.string({ ...d, help: 'Cgroup to run the kubelet in.' }),
  'local-storage-capacity-isolation': flag.bool({
    ...d,
    default: true,
    help: 'Count local ephemeral storage.',
  }),
  'make-iptables-util-chains': flag.bool({ ...d, default: true, help: 'Keep utility chains in iptables.' }),
  'manifest-url': flag.string({ ...d, help: 'URL of static pods.' }),
  'manifest-url-header': flag.stringArray({ ...d, help: 'Header for --manifest-url, name:value.' }),
  'max-open-files': flag.int({ ...d, default: 1_000_000, help: 'Open files of the process.' }),
  'max-pods': flag.int({ ...d, bits: 32, default: 110, help: 'Pods on this node.' }),
  'maximum-dead-containers': flag.int({
    section: config,
    bits: 32,
    default: -1,
    deprecated: 'Use --eviction-hard or --eviction-soft instead. Will be removed in a future version.',
    help: 'Dead containers kept in all pods together, as far as one of each is kept; negative for any number.',
  }),
  'maximum-dead-containers-per-container': flag.int({
    section: config,
    bits: 32,
    default: 1,
    deprecated: 'Use --eviction-hard or --eviction-soft instead. Will be removed in a future version.',
    help: 'Dead ones kept of each container, at least 1; negative for all.',
  }),
  'memory-manager-policy': flag.string({ ...d, default: 'None', help: 'None or Static.' }),
  'minimum-container-ttl-duration': flag.duration({
    section: config,
    deprecated: 'Use --eviction-hard or --eviction-soft instead. Will be removed in a future version.',
    help: 'Age before which a dead container is kept.',
  }),
  'minimum-image-ttl-duration': flag.duration({
    ...d,
    default: 120_000,
    help: 'Age before which an unused image is not collected.',
  }),
  'node-status-max-images': flag.int({
    ...d,
    bits: 32,
    default: 50,
    help: 'Images in node.status; -1 for all.',
  }),
  'node-status-update-frequency': flag.duration({
    ...d,
    default: 10_000,
    help: "Time between looks at the node's status.",
  }),
  'oom-score-adj': flag.int({
    ...d,
    bits: 32,
    default: -999,
    help: 'oom_score_adj of the kubelet, -1000 to 1000.',
  }),
  'pod-cidr': flag.string({ ...d, help: 'Range of pod addresses in standalone mode.' }),
  'pod-manifest-path': flag.string({ ...d, help: 'Directory or file of static pods.' }),
  'pod-max-pids': flag.int({ ...d, default: -1, help: 'Processes per pod; -1 for no limit.' }),
  'pods-per-core': flag.int({ ...d, bits: 32, help: 'Pods per CPU; 0 for no such limit.' }),
  port: flag.int({ ...d, bits: 32, default: 10_250, help: 'Port to serve on.' }),
  'protect-kernel-defaults': flag.bool({
    ...d,
    help: 'Refuse to start when kernel settings differ from what is wanted.',
  }),
  'provider-id': flag.string({ ...d, help: 'Identifier of the node at its cloud provider.' }),
  'qos-reserved': flag.map({ ...d, help: 'Share of a resource reserved by QoS class.' }),
  'read-only-port': flag.int({
    ...d,
    bits: 32,
    default: 10_255,
    help: 'Port without authentication; 0 for none.',
  }),
  'register-node': flag.bool({ ...d, default: true, help: 'Register the node with the apiserver.' }),
  'register-with-taints': flag.strings({ ...d, help: 'Taints to register with, key=value:effect.' }),
  'registry-burst': flag.int({ ...d, bits: 32, default: 10, help: 'Pulls at once.' }),
  'registry-qps': flag.int({ ...d, bits: 32, default: 5, help: 'Pulls per second.' }),
  'reserved-cpus': flag.string({ ...d, help: 'CPUs kept for the system.' }),
  'reserved-memory': flag.stringArray({ ...d, help: 'Memory kept by NUMA node.' }),
  'resolv-conf': flag.string({
    ...d,
    default: '/etc/resolv.conf',
    help: "resolv.conf that pods' DNS is made from.",
  }),
  'rotate-certificates': flag.bool({ ...d, help: 'Renew the client certificate.' }),
  'rotate-server-certificates': flag.bool({ ...d, help: 'Request and renew the serving certificate.' }),
  runonce: flag.bool({
    section: config,
    deprecated: 'will be removed in a future version',
    help: 'Refused, as by stock.',
  }),
  'runtime-request-timeout': flag.duration({
    ...d,
    default: 120_000,
    help: 'Deadline of calls to the runtime.',
  }),
  'seccomp-default': flag.bool({ ...d, help: 'RuntimeDefault seccomp where a pod names nothing.' }),
  'serialize-image-pulls': flag.bool({ ...d, default: true, help: 'Pull images one at a time.' }),
  'streaming-connection-idle-timeout': flag.duration({
    ...d,
    default: 14_400_000,
    help: 'How long a stream may be idle.',
  }),
  'sync-frequency': flag.duration({ ...d, default: 60_000, help: 'Longest time between looks at a pod.' }),
  'system-cgroups': flag.string({ ...d, help: 'Cgroup for processes outside any.' }),
  'system-reserved': flag.map({ ...d, help: 'Resources kept for the system.' }),
  'system-reserved-cgroup': flag.string({ ...d, help: 'Cgroup of what --system-reserved is for.' }),
  'tls-cert-file': flag.string({ ...d, help: 'Serving certificate.' }),
  'tls-cipher-suites': flag.strings({ ...d, help: 'Cipher suites offered.' }),
  'tls-min-version': flag.string({ ...d, help: 'VersionTLS12 or VersionTLS13.' }),
  'tls-private-key-file': flag.string({ ...d, help: 'Key of the serving certificate.' }),
  'topology-manager-policy': flag.string({
    ...d,
    default: 'none',
    help: 'none, best-effort, restricted or single-numa-node.',
  }),
  'topology-manager-policy-options': flag.map({ ...d, help: 'Options of the topology manager policy.' }),
  'topology-manager-scope': flag.string({ ...d, default: 'container', help: 'container or pod.' }),
  'volume-plugin-dir': flag.string({
    ...d,
    default: '/usr/libexec/kubernetes/kubelet-plugins/volume/exec/',
    help: 'Directory of flexvolume plugins.',
  }),
  'volume-stats-agg-period': flag.duration({ ...d, default: 60_000, help: 'How long volume usage is kept.' }),

  'application-metrics-count-limit': flag.int({ ...c, default: 100 }),
  'boot-id-file': flag.string({ ...c, default: '/proc/sys/kernel/random/boot_id' }),
  'container-hints': flag.string({ ...c, default: '/etc/cadvisor/container_hints.json' }),
  containerd: flag.string({ ...c, default: '/run/containerd/containerd.sock' }),
  'containerd-namespace': flag.string({ ...c, default: 'k8s.io' }),
  'enable-load-reader': flag.bool({ ...c }),
  'event-storage-age-limit': flag.string({ ...c, default: 'default=0' }),
  'event-storage-event-limit': flag.string({ ...c, default: 'default=0' }),
  'global-housekeeping-interval': flag.duration({ ...c, default: 60_000 }),
  'housekeeping-interval': flag.duration({
    section: cadvisor,
    default: 10_000,
    help: 'Accepted for compatibility; usage is read when asked for.',
  }),
  'log-cadvisor-usage': flag.bool({ ...c }),
  'machine-id-file': flag.string({ ...c, default: '/etc/machine-id,/var/lib/dbus/machine-id' }),
  'storage-driver-buffer-duration': flag.duration({ ...c, default: 60_000 }),
  'storage-driver-db': flag.string({ ...c, default: 'cadvisor' }),
  'storage-driver-host': flag.string({ ...c, default: 'localhost:8086' }),
  'storage-driver-password': flag.string({ ...c, default: 'root' }),
  'storage-driver-secure': flag.bool({ ...c }),
  'storage-driver-table': flag.string({ ...c, default: 'stats' }),
  'storage-driver-user': flag.string({ ...c, default: 'root' }),
});
