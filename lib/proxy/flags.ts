/** Command-line flags of the daemon. Kept free of heavy imports: it is loaded before `--version` is answered. */
import { featureGatesFlag } from '../component/feature_gates.ts';
import { flag } from '../component/flag_types.ts';
import { defineFlags } from '../component/flags.ts';
import { informationFlags } from '../component/information_flags.ts';
import { loggingFlags } from '../component/logging_flags.ts';

const ignored = ' Ignored when --config is given.';

export const proxyFlags = defineFlags({
  ...informationFlags,
  ...loggingFlags,
  'bind-address': flag.ip({
    default: '0.0.0.0',
    help: `Main address of the node, instead of what the Node object says; nothing is bound to it.${ignored}`,
  }),
  'bind-address-hard-fail': flag.bool({
    help: 'Exit when the health check or metrics server cannot listen, instead of trying again.',
  }),
  'boot-id-file': flag.string({
    default: '/proc/sys/kernel/random/boot_id',
    help: 'Accepted for compatibility: not read.',
  }),
  cleanup: flag.bool({ help: 'Remove the rules of the proxy from the kernel and exit.' }),
  'cluster-cidr': flag.string({
    help: `Range of the pods of the cluster, or one of each family with a comma.${ignored}`,
  }),
  config: flag.string({ help: 'Configuration file (KubeProxyConfiguration).' }),
  'config-sync-period': flag.duration({
    default: 900_000,
    help: 'Accepted for compatibility: changes are watched.',
  }),
  'conntrack-max-per-core': flag.int({
    bits: 32,
    default: 32_768,
    help: 'Connections to track per CPU core (0 leaves the limit as it is and ignores conntrack-min).',
  }),
  'conntrack-min': flag.int({ bits: 32, default: 131_072, help: 'Connections to track at least.' }),
  'conntrack-tcp-be-liberal': flag.bool({ help: 'Set nf_conntrack_tcp_be_liberal.' }),
  'conntrack-tcp-timeout-close-wait': flag.duration({
    default: 3_600_000,
    help: 'Timeout of tracked connections in CLOSE_WAIT (0 leaves it as it is).',
  }),
  'conntrack-tcp-timeout-established': flag.duration({
    default: 86_400_000,
    help: 'Idle timeout of established TCP connections (0 leaves it as it is).',
  }),
  'conntrack-udp-timeout': flag.duration({ help: 'Idle timeout of unreplied UDP (0 leaves it as it is).' }),
  'conntrack-udp-timeout-stream': flag.duration({
    help: 'Idle timeout of replied UDP (0 leaves it as it is).',
  }),
  'detect-local-mode': flag.string({
    help: `How to detect local traffic: ClusterCIDR (default), NodeCIDR, BridgeInterface or InterfaceNamePrefix.${ignored}`,
  }),
  'feature-gates': featureGatesFlag({
    help: `Feature gates to turn on or off, "Name=true,Other=false".${ignored}`,
  }),
  'healthz-bind-address': flag.ipPort({
    default: '0.0.0.0:10256',
    help: `Address and port of the health check server.${ignored}`,
  }),
  'healthz-port': flag.int({
    bits: 32,
    default: 10_256,
    hidden: true,
    deprecated: 'use --healthz-bind-address instead',
    help: 'Port of the health check server, 0 to disable.',
  }),
  'hostname-override': flag.string({ help: 'Name of the Node; left out: the hostname.' }),
  'init-only': flag.bool({ help: 'Do what needs full root privileges (sysctls), then exit.' }),
  'iptables-localhost-nodeports': flag.bool({ default: true, help: 'Answer NodePorts on loopback (IPv4).' }),
  'iptables-masquerade-bit': flag.int({
    bits: 32,
    default: 14,
    help: 'Bit of the packet mark for packets to masquerade, 0 to 31.',
  }),
  'iptables-min-sync-period': flag.duration({
    default: 1000,
    help: 'Time between two changes of the rules, up to half a second less where they are cheap; 0: each change at once.',
  }),
  'iptables-sync-period': flag.duration({
    default: 30_000,
    help: 'How often the rules are looked at without a change.',
  }),
  'ipvs-exclude-cidrs': flag.strings({ help: 'Accepted for compatibility: there is no ipvs mode.' }),
  'ipvs-min-sync-period': flag.duration({
    default: 1000,
    help: 'Accepted for compatibility: there is no ipvs mode.',
  }),
  'ipvs-scheduler': flag.string({ help: 'Accepted for compatibility: there is no ipvs mode.' }),
  'ipvs-strict-arp': flag.bool({ help: 'Accepted for compatibility: there is no ipvs mode.' }),
  'ipvs-sync-period': flag.duration({
    default: 30_000,
    help: 'Accepted for compatibility: there is no ipvs mode.',
  }),
  'ipvs-tcp-timeout': flag.duration({ help: 'Accepted for compatibility: there is no ipvs mode.' }),
  'ipvs-tcpfin-timeout': flag.duration({ help: 'Accepted for compatibility: there is no ipvs mode.' }),
  'ipvs-udp-timeout': flag.duration({ help: 'Accepted for compatibility: there is no ipvs mode.' }),
  'kube-api-burst': flag.int({ bits: 32, default: 10, help: 'Requests to the apiserver at once.' }),
  'kube-api-content-type': flag.string({
    default: 'application/vnd.kubernetes.protobuf',
    help: 'Accepted for compatibility: JSON is used.',
  }),
  'kube-api-qps': flag.float({ default: 5, help: 'Requests a second to the apiserver.' }),
  kubeconfig: flag.string({ help: 'Kubeconfig file; left out: the service account of the pod.' }),
  'machine-id-file': flag.string({
    default: '/etc/machine-id,/var/lib/dbus/machine-id',
    help: 'Accepted for compatibility: not read.',
  }),
  'masquerade-all': flag.bool({ help: 'Masquerade all traffic to cluster IPs.' }),
  master: flag.string({ help: 'Address of the apiserver, instead of that in the kubeconfig.' }),
  'metrics-bind-address': flag.ipPort({
    default: '127.0.0.1:10249',
    help: `Address and port of the metrics server; empty to disable.${ignored}`,
  }),
  'metrics-port': flag.int({
    bits: 32,
    default: 10_249,
    hidden: true,
    deprecated: 'use --metrics-bind-address instead',
    help: 'Port of the metrics server, 0 to disable.',
  }),
  'nodeport-addresses': flag.strings({
    help: `CIDR ranges of node addresses at which NodePorts answer, or "primary".${ignored}`,
  }),
  'oom-score-adj': flag.int({
    bits: 32,
    default: -999,
    help: `oom_score_adj of the process, -1000 to 1000.${ignored}`,
  }),
  'pod-bridge-interface': flag.string({
    help: 'Bridge of the pods, for --detect-local-mode=BridgeInterface.',
  }),
  'pod-interface-name-prefix': flag.string({
    help: 'Beginning of interface names of pods, for --detect-local-mode=InterfaceNamePrefix.',
  }),
  profiling: flag.bool({ help: 'Accepted for compatibility: use --inspect of the runtime.' }),
  'proxy-mode': flag.string({ help: `Which mode to use: iptables (default) or nftables.${ignored}` }),
  'show-hidden-metrics-for-version': flag.string({
    help: 'Accepted for compatibility: no metrics are hidden.',
  }),
  'write-config-to': flag.string({
    help: 'Write the configuration that results from flags and defaults to this file and exit.',
  }),
});
