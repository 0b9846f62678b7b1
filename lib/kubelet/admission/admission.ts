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
import { isCritical } from '../eviction/critical.ts';
import type { PodVerdict } from '../podworkers/pod_worker.ts';
import { type Preempt, type Shortage, victimsFor } from './preemption.ts';
import { isStatic } from '../sources/pod_manager.ts';

export interface AdmissionOptions {
  readonly config: Pick<KubeletConfig, 'allowedUnsafeSysctls'>;
  readonly nodeName: string;
  readonly node: () => Node;
  /** Pods admitted before that are not yet ended. */
  readonly active: () => readonly Pod[];
  /** Ends pods to make room for a critical one, which then waits for their end. */
  readonly preempt: Preempt;
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
    if (refusal.shortage !== undefined && isCritical(pod)) {
      const victims = victimsFor(pod, refusal.shortage, others);
      if (victims !== undefined) {
        options.preempt(victims, pod, refusal.shortage);
        return undefined;
      }
      const lacking = [...refusal.shortage].map(([name, missing]) => `(res: ${name}, q: ${missing}), `);
      return {
        phase: 'Failed',
        reason: 'UnexpectedAdmissionError',
        message:
          'Pod was rejected: Unexpected error while attempting to recover from admission failure: preemption: ' +
          `error finding a set of pods to preempt: no set of running pods found to reclaim resources: [${lacking.join('')}]`,
      };
    }
    return { phase: 'Failed', reason: refusal.reason, message: `Pod was rejected: ${refusal.message}` };
  };
}

interface Refusal {
  readonly reason: string;
  readonly message: string;
  /** Set when the node has not enough of something, and nothing else is wrong. */
  readonly shortage?: Shortage;
}

/** Pure. The first reason that holds, in the order that stock looks. */
export function refusalOf(
  pod: Pod,
  node: Node,
  others: readonly Pod[],
  options: Pick<AdmissionOptions, 'config' | 'nodeName'>,
): Refusal | undefined {
  const before = osRefusal(pod) ?? sysctlRefusal(pod, options.config.allowedUnsafeSysctls);
  if (before !== undefined) return before;
  const lacking = lackingResources(pod, node, others);
  const misplaced = placementRefusal(pod, node, others, options.nodeName);
  const [first] = lacking;
  if (first === undefined) return misplaced;
  const refusal = outOf(first);
  if (misplaced !== undefined) return refusal;
  const shortage = new Map(
    lacking.map(({ name, requested, used, capacity }) => [name, requested + used - capacity]),
  );
  return { ...refusal, shortage };
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

/** A resource of which the node has not enough; `cpu` in thousandths of a core. */
interface Lacking {
  readonly name: string;
  readonly requested: number;
  readonly used: number;
  readonly capacity: number;
}

/** Sorted as stock looks at them: pods first, then cpu and memory, then the rest. */
function lackingResources(pod: Pod, node: Node, others: readonly Pod[]): Lacking[] {
  const allocatable = node.status?.allocatable ?? {};
  const lacking: Lacking[] = [];
  const pods = Number(allocatable['pods'] ?? Number.POSITIVE_INFINITY);
  if (others.length + 1 > pods)
    lacking.push({ name: 'pods', requested: 1, used: others.length, capacity: pods });
  const wanted = podRequests(pod);
  const usedByAll = others.map((other) => podRequests(other));
  const names = [...new Set(['cpu', 'memory', 'ephemeral-storage', ...wanted.keys()])];
  for (const name of names) {
    const request = wanted.get(name);
    const requested = request === undefined ? 0 : amount(name, request);
    if (requested === 0) continue;
    const capacityText = allocatable[name];
    // Stock lets extended resources pass that the node does not have: their device plugin may come later.
    if (capacityText === undefined && name.includes('/')) continue;
    const capacity = capacityText === undefined ? 0 : amount(name, parseQuantity(capacityText));
    const used = usedByAll.reduce((sum, requests) => {
      const other = requests.get(name);
      return other === undefined ? sum : sum + amount(name, other);
    }, 0);
    if (used + requested > capacity) lacking.push({ name, requested, used, capacity });
  }
  return lacking;
}

function outOf({ name, requested, used, capacity }: Lacking): Refusal {
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
