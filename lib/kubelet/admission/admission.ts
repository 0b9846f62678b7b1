/**
 * Whether a pod that was bound to this node can run on it: the scheduler may have been wrong, overtaken, or not involved
 * (nodeName set by hand). A refused pod fails for good with the reason that stock gives.
 */
import { nodeLabelsMatch, podAllowsNode } from '../../api/node_selector.ts';
import { hostPorts, hostPortsCollide } from '../../api/pod.ts';
import { parseQuantity, type Quantity } from '../../api/quantity.ts';
import { podRequests } from '../../api/resources.ts';
import { formatTaint, untoleratedTaint } from '../../api/taint.ts';
import type { Node, Pod } from '../../api/types.ts';
import type { KubeletConfig } from '../config/kubelet_config.ts';
import type { PodVerdict } from '../podworkers/pod_worker.ts';
import { isStatic } from '../sources/pod_manager.ts';

export interface AdmissionOptions {
  readonly config: Pick<KubeletConfig, 'allowedUnsafeSysctls'>;
  readonly nodeName: string;
  readonly node: () => Node;
  /** Pods admitted before that are not yet ended. */
  readonly active: () => readonly Pod[];
}

/** Sysctls that any pod may set (https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/). */
const SAFE_SYSCTLS = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
];

export function nodeAdmission(options: AdmissionOptions): (pod: Pod) => PodVerdict | undefined {
  return (pod) => {
    const others = options.active().filter(({ metadata }) => metadata.uid !== pod.metadata.uid);
    const refusal = refusalOf(pod, options.node(), others, options);
    if (refusal === undefined) return undefined;
    return { phase: 'Failed', reason: refusal.reason, message: `Pod was rejected: ${refusal.message}` };
  };
}

interface Refusal {
  readonly reason: string;
  readonly message: string;
}

/** Pure. The first reason that holds, in the order that stock looks. */
export function refusalOf(
  pod: Pod,
  node: Node,
  others: readonly Pod[],
  options: Pick<AdmissionOptions, 'config' | 'nodeName'>,
): Refusal | undefined {
  return (
    osRefusal(pod) ??
    sysctlRefusal(pod, options.config.allowedUnsafeSysctls) ??
    resourceRefusal(pod, node, others) ??
    placementRefusal(pod, node, others, options.nodeName)
  );
}

function osRefusal(pod: Pod): Refusal | undefined {
  const os = pod.spec.os?.name;
  if (os !== undefined && os !== 'linux') {
    return {
      reason: 'PodOSNotSupported',
      message: `Failed to admit pod as the OS field doesn't match node OS`,
    };
  }
  const label = pod.spec.nodeSelector?.['kubernetes.io/os'];
  if (label === undefined || label === 'linux') return undefined;
  return {
    reason: 'PodOSSelectorNodeLabelDoesNotMatch',
    message: `Failed to admit pod as the \`kubernetes.io/os\` label doesn't match node label`,
  };
}

function sysctlRefusal(pod: Pod, allowed: readonly string[]): Refusal | undefined {
  const matches = (name: string, pattern: string): boolean =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
  for (const { name } of pod.spec.securityContext?.sysctls ?? []) {
    const plain = name.replaceAll('/', '.');
    const hostNamespace =
      (pod.spec.hostNetwork === true && plain.startsWith('net.')) ||
      (pod.spec.hostIPC === true && /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/.test(plain));
    const permitted = [...SAFE_SYSCTLS, ...allowed].some((pattern) =>
      matches(plain, pattern.replaceAll('/', '.')),
    );
    if (!permitted || hostNamespace) {
      return { reason: 'SysctlForbidden', message: `forbidden sysctl: "${name}" not allowlisted` };
    }
  }
  return undefined;
}

/** Resources by their names, sorted as stock looks at them: pods first, then cpu and memory, then the rest. */
function resourceRefusal(pod: Pod, node: Node, others: readonly Pod[]): Refusal | undefined {
  const allocatable = node.status?.allocatable ?? {};
  const pods = Number(allocatable['pods'] ?? Number.POSITIVE_INFINITY);
  if (others.length + 1 > pods) return outOf('pods', 1, others.length, pods);
  const wanted = podRequests(pod);
  const used = others.map((other) => podRequests(other));
  const names = [...new Set(['cpu', 'memory', 'ephemeral-storage', ...wanted.keys()])];
  for (const name of names) {
    const request = wanted.get(name);
    if (request === undefined || amount(name, request) === 0) continue;
    const capacityText = allocatable[name];
    // Stock lets extended resources pass that the node does not have: their device plugin may come later.
    if (capacityText === undefined && name.includes('/')) continue;
    const capacity = capacityText === undefined ? 0 : amount(name, parseQuantity(capacityText));
    const taken = used.reduce((sum, requests) => {
      const other = requests.get(name);
      return other === undefined ? sum : sum + amount(name, other);
    }, 0);
    if (taken + amount(name, request) > capacity) return outOf(name, amount(name, request), taken, capacity);
  }
  return undefined;
}

function outOf(name: string, requested: number, used: number, capacity: number): Refusal {
  return {
    reason: `OutOf${name}`,
    message: `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
  };
}

function amount(name: string, quantity: Quantity): number {
  return Number(name === 'cpu' ? quantity.milliValue() : quantity.value());
}

function placementRefusal(
  pod: Pod,
  node: Node,
  others: readonly Pod[],
  nodeName: string,
): Refusal | undefined {
  const failed = (reason: string, message: string): Refusal => ({
    reason,
    message: `Predicate ${reason} failed: ${message}`,
  });
  if (!nodeLabelsMatch(pod.spec.nodeSelector, node) || !podAllowsNode(pod, node)) {
    return failed('NodeAffinity', "node(s) didn't match Pod's node affinity/selector");
  }
  if (pod.spec.nodeName !== undefined && pod.spec.nodeName !== '' && pod.spec.nodeName !== nodeName) {
    return failed('NodeName', "node(s) didn't match the requested node name");
  }
  const taken = others.flatMap((other) => hostPorts(other));
  if (hostPorts(pod).some((port) => taken.some((other) => hostPortsCollide(port, other)))) {
    return failed('NodePorts', "node(s) didn't have free ports for the requested pod ports");
  }
  if (isStatic(pod)) return undefined;
  const taint = untoleratedTaint(node.spec?.taints ?? [], pod.spec.tolerations ?? [], ['NoExecute']);
  if (taint === undefined) return undefined;
  return failed('TaintToleration', `node(s) had untolerated taint(s): ${formatTaint(taint)}`);
}
