/**
 * The answer of /stats/summary, group `stats` version v1alpha1 (k8s.io/kubelet/pkg/apis/stats/v1alpha1). Counters are
 * cumulative; times are RFC 3339. Absent means unknown, never zero. metrics-server, `kubectl top --raw`, autoscalers
 * and the eviction dashboards read it.
 */
export interface Summary {
  readonly node: NodeStats;
  readonly pods: readonly PodStats[];
}

export interface NodeStats {
  readonly nodeName: string;
  /** Usage of system daemons (`kubelet`, `runtime`, `pods`), as far as their cgroups are known. */
  readonly systemContainers?: readonly ContainerStats[];
  readonly startTime: string;
  readonly cpu?: CPUStats;
  readonly memory?: MemoryStats;
  readonly network?: NetworkStats;
  readonly fs?: FsStats;
  readonly runtime?: { readonly imageFs?: FsStats; readonly containerFs?: FsStats };
  readonly rlimit?: { readonly time: string; readonly maxpid?: number; readonly curproc?: number };
  readonly swap?: SwapStats;
  readonly io?: IOStats;
}

export interface PodStats {
  readonly podRef: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly startTime: string;
  readonly containers: readonly ContainerStats[];
  readonly cpu?: CPUStats;
  readonly memory?: MemoryStats;
  readonly network?: NetworkStats;
  readonly volume?: readonly (FsStats & {
    readonly name: string;
    readonly pvcRef?: { readonly name: string; readonly namespace: string };
  })[];
  readonly 'ephemeral-storage'?: FsStats;
  readonly process_stats?: { readonly process_count?: number };
  readonly swap?: SwapStats;
  readonly io?: IOStats;
}

export interface ContainerStats {
  readonly name: string;
  readonly startTime: string;
  readonly cpu?: CPUStats;
  readonly memory?: MemoryStats;
  readonly rootfs?: FsStats;
  readonly logs?: FsStats;
  readonly swap?: SwapStats;
  readonly io?: IOStats;
}

export interface CPUStats {
  readonly time: string;
  /** Of all cores together, in billionths of a core, over the last sampling window. */
  readonly usageNanoCores?: number;
  /** Cumulative. Beyond 2^53 (104 core-days) precision is lost by nanoseconds, which nobody sees. */
  readonly usageCoreNanoSeconds?: number;
  readonly psi?: PSIStats;
}

export interface MemoryStats {
  readonly time: string;
  readonly availableBytes?: number;
  readonly usageBytes?: number;
  /** Usage less the inactive page cache: what eviction and `kubectl top` go by. */
  readonly workingSetBytes?: number;
  readonly rssBytes?: number;
  readonly pageFaults?: number;
  readonly majorPageFaults?: number;
  readonly psi?: PSIStats;
}

export interface IOStats {
  readonly time: string;
  readonly psi?: PSIStats;
}

/** Pressure stall information: `some` work waited, `full`: all of it did. */
export interface PSIStats {
  readonly full: PSIData;
  readonly some: PSIData;
}

export interface PSIData {
  /** Nanoseconds. */
  readonly total: number;
  /** Percent of the last so many seconds. */
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
}

export interface SwapStats {
  readonly time: string;
  readonly swapAvailableBytes?: number;
  readonly swapUsageBytes?: number;
}

export interface InterfaceStats {
  readonly name: string;
  readonly rxBytes?: number;
  readonly rxErrors?: number;
  readonly txBytes?: number;
  readonly txErrors?: number;
}

export interface NetworkStats extends InterfaceStats {
  readonly time: string;
  readonly interfaces?: readonly InterfaceStats[];
}

export interface FsStats {
  readonly time: string;
  readonly availableBytes?: number;
  readonly capacityBytes?: number;
  readonly usedBytes?: number;
  readonly inodesFree?: number;
  readonly inodes?: number;
  readonly inodesUsed?: number;
}
