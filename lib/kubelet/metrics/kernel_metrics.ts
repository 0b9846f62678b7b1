/** The part of /metrics/cadvisor that the kernel is asked for: dashboards and alerts know these names from cAdvisor. */
import { readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Hierarchy } from '../cgroups/hierarchy.ts';
import { Exposition, type Labels } from '../server/exposition.ts';
import { PRESSURE_RESOURCES } from '../server/stats/pressure.ts';
import { fileText, type GroupCounters, groupsBelow, processIn, readCounters } from './group_counters.ts';

/** A pod whose groups are to be read, or another group: one without containers, on the network of the node. */
export interface PodGroups {
  readonly labels: Labels;
  /** Below the roots of the hierarchies. */
  readonly path: string;
  /** Its network is the node's. */
  readonly hostNetwork: boolean;
  readonly containers: readonly { readonly id: string; readonly labels: Labels }[];
}

export interface Group {
  readonly labels: Labels;
  readonly counters: GroupCounters;
}

export interface Interface {
  readonly labels: Labels;
  readonly rxPackets: number;
  readonly rxDropped: number;
  readonly txPackets: number;
  readonly txDropped: number;
}

/** Reads the groups of pods one after the other; others have their turn in between. */
export async function readKernel(
  hierarchy: Hierarchy,
  pods: readonly PodGroups[],
): Promise<{ groups: Group[]; interfaces: Interface[] }> {
  const groups: Group[] = [];
  const interfaces: Interface[] = [];
  for (const { path, labels, hostNetwork, containers } of pods) {
    groups.push({ labels, counters: readCounters(hierarchy, path) });
    if (hostNetwork && containers.length === 0) continue;
    const below = groupsBelow(hierarchy, path);
    let pid: number | undefined;
    for (const name of below) {
      const group = join(path, name);
      pid ??= processIn(hierarchy, group);
      // Runtimes call the group by the id, with something around it under systemd.
      const container = containers.find(({ id }) => name.includes(id));
      if (container === undefined) continue;
      groups.push({ labels: container.labels, counters: readCounters(hierarchy, group) });
    }
    if (pid !== undefined && !hostNetwork)
      interfaces.push(...parseInterfaces(fileText(`/proc/${pid}/net/dev`), labels));
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return { groups, interfaces };
}

/** Lines of /proc/PID/net/dev, without the loopback. */
export function parseInterfaces(netDev: string, labels: Labels): Interface[] {
  return [...netDev.matchAll(/^ *([^:\s]+): *(.*)$/gm)].flatMap(([, name = '', values = '']) => {
    const numbers = values.trim().split(/ +/).map(Number);
    const [rxPackets = 0, rxDropped = 0] = [numbers[1], numbers[3]];
    const [txPackets = 0, txDropped = 0] = [numbers[9], numbers[11]];
    return name === 'lo'
      ? []
      : [{ labels: { ...labels, interface: name }, rxPackets, rxDropped, txPackets, txDropped }];
  });
}

type Value = (counters: GroupCounters) => number | undefined;

/** name, type, help, value */
const OF_GROUPS: readonly (readonly [string, 'counter' | 'gauge', string, Value])[] = [
  [
    'cpu_user_seconds_total',
    'counter',
    'Cumulative user cpu time consumed in seconds.',
    (c) => c.userSeconds,
  ],
  [
    'cpu_system_seconds_total',
    'counter',
    'Cumulative system cpu time consumed in seconds.',
    (c) => c.systemSeconds,
  ],
  [
    'cpu_cfs_periods_total',
    'counter',
    'Periods in which the limit of CPU was enforced.',
    (c) => c.throttling?.periods,
  ],
  [
    'cpu_cfs_throttled_periods_total',
    'counter',
    'Periods in which the limit of CPU was reached.',
    (c) => c.throttling?.throttled,
  ],
  [
    'cpu_cfs_throttled_seconds_total',
    'counter',
    'Time that was waited for want of CPU below the limit.',
    (c) => c.throttling?.seconds,
  ],
  ['memory_cache', 'gauge', 'Number of bytes of page cache memory.', (c) => c.cacheBytes],
  ['memory_mapped_file', 'gauge', 'Size of memory mapped files in bytes.', (c) => c.mappedFileBytes],
  ['memory_kernel_usage', 'gauge', 'Size of kernel memory allocated in bytes.', (c) => c.kernelBytes],
  ['memory_max_usage_bytes', 'gauge', 'Maximum memory usage recorded in bytes.', (c) => c.maxUsageBytes],
  [
    'memory_total_active_file_bytes',
    'gauge',
    'Page cache in use of the group and those below, in bytes.',
    (c) => c.activeFileBytes,
  ],
  [
    'memory_total_inactive_file_bytes',
    'gauge',
    'Page cache to be given up first of the group and those below, in bytes.',
    (c) => c.inactiveFileBytes,
  ],
  ['memory_failcnt', 'counter', 'Number of memory usage hits limits.', (c) => c.limitHits],
  [
    'oom_events_total',
    'counter',
    'Count of out of memory events observed for the container',
    (c) => c.oomKills,
  ],
  ['threads', 'gauge', 'Number of threads running inside the container', (c) => c.threads],
  ['threads_max', 'gauge', 'Threads that may be, 0 without a limit.', (c) => c.threadsMax ?? 0],
  ['spec_cpu_period', 'gauge', 'CPU period of the container.', (c) => c.cpuPeriodUs],
  ['spec_cpu_quota', 'gauge', 'CPU quota of the container.', (c) => c.cpuQuotaUs],
  ['spec_cpu_shares', 'gauge', 'CPU share of the container.', (c) => c.cpuShares],
];

const OF_DISKS = [
  ['fs_reads_total', 'Cumulative count of reads completed', 'reads'],
  ['fs_writes_total', 'Cumulative count of writes completed', 'writes'],
  ['fs_reads_bytes_total', 'Cumulative count of bytes read', 'readBytes'],
  ['fs_writes_bytes_total', 'Cumulative count of bytes written', 'writtenBytes'],
] as const;

const OF_INTERFACES = [
  ['receive_packets_total', 'Cumulative count of packets received', 'rxPackets'],
  ['receive_packets_dropped_total', 'Cumulative count of packets dropped while receiving', 'rxDropped'],
  ['transmit_packets_total', 'Cumulative count of packets transmitted', 'txPackets'],
  ['transmit_packets_dropped_total', 'Cumulative count of packets dropped while transmitting', 'txDropped'],
] as const;

/** @param nameOf name of a block device (`8:0` to `/dev/sda`) */
export function kernelMetrics(
  { groups, interfaces }: { readonly groups: readonly Group[]; readonly interfaces: readonly Interface[] },
  nowMs: number,
  nameOf: (device: string) => string = deviceName,
): string {
  const out = new Exposition();
  for (const [name, type, help, value] of OF_GROUPS) {
    const samples = groups.map(({ counters, labels }) => [value(counters), labels] as const);
    out.metric(`container_${name}`, type, help, samples);
  }
  out.metric(
    'container_memory_failures_total',
    'counter',
    'Cumulative count of memory allocation failures.',
    groups.flatMap(({ counters: { pageFaults, majorPageFaults }, labels }) => [
      [pageFaults, { ...labels, failure_type: 'pgfault', scope: 'hierarchy' }] as const,
      [majorPageFaults, { ...labels, failure_type: 'pgmajfault', scope: 'hierarchy' }] as const,
    ]),
  );
  for (const resource of PRESSURE_RESOURCES) {
    for (const kind of ['waiting', 'stalled'] as const) {
      const samples = groups.map(
        ({ counters, labels }) => [counters.pressure?.[resource][`${kind}Seconds`], labels] as const,
      );
      const whose = kind === 'waiting' ? 'some task' : 'all tasks';
      const help = `Total time in which ${whose} of the container waited for ${resource}, in seconds.`;
      out.metric(`container_pressure_${resource}_${kind}_seconds_total`, 'counter', help, samples);
    }
  }
  const names = new Map<string, string>();
  const named = (device: string): string => {
    const name = names.get(device) ?? nameOf(device);
    names.set(device, name);
    return name;
  };
  for (const [name, help, figure] of OF_DISKS) {
    const samples = groups.flatMap(({ counters, labels }) =>
      counters.disks.map((disk) => [disk[figure], { ...labels, device: named(disk.device) }] as const),
    );
    out.metric(`container_${name}`, 'counter', help, samples);
  }
  for (const [name, help, figure] of OF_INTERFACES) {
    const samples = interfaces.map((those) => [those[figure], those.labels] as const);
    out.metric(`container_network_${name}`, 'counter', help, samples);
  }
  out.metric(
    'container_last_seen',
    'gauge',
    'Last time a container was seen by the exporter',
    groups.map(({ labels }) => [Math.floor(nowMs / 1000), labels]),
  );
  return out.toString();
}

function deviceName(device: string): string {
  try {
    return `/dev/${basename(readlinkSync(`/sys/dev/block/${device}`))}`;
  } catch {
    // A disk that is gone, or one that this kernel hides.
    return device;
  }
}
