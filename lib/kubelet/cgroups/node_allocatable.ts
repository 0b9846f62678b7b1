/** Limits that keep all pods together within what the node has for them, and daemons within what is reserved for them. */
import { parseQuantity } from '../../api/quantity.ts';
import type { KubeletConfig } from '../config/kubelet_config.ts';

/** What a group of many may have; absent: not limited. */
export interface GroupLimits {
  readonly milliCpu?: number;
  readonly memoryBytes?: number;
  readonly pids?: number;
}

export type EnforcementConfig = Pick<
  KubeletConfig,
  'enforceNodeAllocatable' | 'systemReserved' | 'kubeReserved' | 'systemReservedCgroup' | 'kubeReservedCgroup'
>;

/**
 * Limits of the group that all pods are in: the node's capacity less what is reserved. The eviction thresholds are not
 * taken off: eviction must come before the kernel's out-of-memory killer.
 *
 * @param capacity `node.status.capacity`
 */
export function podsGroupLimits(
  capacity: Readonly<Record<string, string>>,
  config: EnforcementConfig,
  maxPids: number | undefined,
): GroupLimits {
  const reserved = (name: string, read: (text: string) => number): number =>
    [config.systemReserved[name], config.kubeReserved[name]].reduce(
      (sum, text) => sum + (text === undefined ? 0 : read(text)),
      0,
    );
  const left = (name: string, read: (text: string) => number): number | undefined => {
    const text = capacity[name];
    return text === undefined ? undefined : Math.max(0, read(text) - reserved(name, read));
  };
  const milliCpu = left('cpu', milli);
  const memoryBytes = left('memory', units);
  const reservedPids = reserved('pid', units);
  return {
    ...(milliCpu === undefined ? {} : { milliCpu }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(reservedPids === 0 || maxPids === undefined ? {} : { pids: Math.max(1, maxPids - reservedPids) }),
  };
}

/**
 * The named groups of daemons that are to be held to their reservation, with it; of the compressible resources alone (CPU),
 * which nobody is killed for, where that is asked for.
 */
export function reservedGroups(config: EnforcementConfig): readonly {
  readonly key: string;
  readonly title: string;
  readonly cgroup: string;
  readonly limits: GroupLimits;
}[] {
  const groups = [
    {
      key: 'system-reserved',
      title: 'System Reserved',
      cgroup: config.systemReservedCgroup,
      reserved: config.systemReserved,
    },
    {
      key: 'kube-reserved',
      title: 'Kube Reserved',
      cgroup: config.kubeReservedCgroup,
      reserved: config.kubeReserved,
    },
  ];
  return groups.flatMap(({ key, title, cgroup, reserved }) => {
    const cpu = reserved['cpu'] === undefined ? {} : { milliCpu: milli(reserved['cpu']) };
    const limits = {
      ...cpu,
      ...(reserved['memory'] === undefined ? {} : { memoryBytes: units(reserved['memory']) }),
      ...(reserved['pid'] === undefined ? {} : { pids: units(reserved['pid']) }),
    };
    const compressible = `${key}-compressible`;
    if (config.enforceNodeAllocatable.includes(key)) return [{ key, title, cgroup, limits }];
    return config.enforceNodeAllocatable.includes(compressible)
      ? [{ key: compressible, title, cgroup, limits: cpu }]
      : [];
  });
}

function milli(text: string): number {
  return Number(parseQuantity(text).milliValue());
}

function units(text: string): number {
  return Number(parseQuantity(text).value());
}
