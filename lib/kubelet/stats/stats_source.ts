/** Usage of the node and its pods, from CRI's container statistics, /proc and the file systems. */
import { readFile, statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import type { Clock } from '../../base/clock.ts';
import type { ContainerStats as CriContainerStats, RuntimeClient } from '../../cri/runtime_client.ts';
import type { RuntimeView } from '../contracts.ts';
import {
  CONTAINER_NAME_LABEL,
  POD_NAMESPACE_LABEL,
  POD_NAME_LABEL,
  POD_UID_LABEL,
} from '../runtime/runtime_names.ts';
import type { ContainerStats, CPUStats, FsStats, MemoryStats, PodStats, Summary } from '../server/summary.ts';
import type { StatsSource } from '../server/view.ts';

export interface StatsOptions {
  readonly cri: RuntimeClient;
  readonly runtime: RuntimeView;
  readonly clock: Clock;
  readonly nodeName: string;
  readonly rootDir: string;
}

interface CpuSample {
  readonly atMs: number;
  readonly nanoseconds: number;
}

const USER_HZ = 100;

export function createStatsSource(options: StatsOptions): StatsSource {
  const samples = new Map<string, CpuSample>();
  const startTime = new Date(options.clock.now()).toISOString();

  /** The rate since the sample before, of at least a second ago. */
  const cpu = (key: string, nanoseconds: number, atMs: number, given: number | undefined): CPUStats => {
    const before = samples.get(key);
    const elapsed = before === undefined ? 0 : atMs - before.atMs;
    if (before === undefined || elapsed >= 1000) samples.set(key, { atMs, nanoseconds });
    const rate =
      given ??
      (before === undefined || elapsed <= 0
        ? undefined
        : Math.max(0, Math.round(((nanoseconds - before.nanoseconds) * 1000) / elapsed)));
    return {
      time: new Date(atMs).toISOString(),
      usageCoreNanoSeconds: nanoseconds,
      ...(rate === undefined ? {} : { usageNanoCores: rate }),
    };
  };

  const container = (stats: CriContainerStats, onlyUsage: boolean): ContainerStats => {
    const now = options.clock.now();
    const name = stats.attributes?.labels[CONTAINER_NAME_LABEL] ?? stats.attributes?.metadata?.name ?? '';
    const id = stats.attributes?.id ?? '';
    const started = options.runtime
      .podStatus(stats.attributes?.labels[POD_UID_LABEL] ?? '')
      ?.containers.find((c) => c.id === id)?.startedAtMs;
    const nanoseconds = Number(stats.cpu?.usageCoreNanoSeconds?.value ?? 0n);
    const given =
      stats.cpu?.usageNanoCores === undefined ? undefined : Number(stats.cpu.usageNanoCores.value);
    const memory = stats.memory;
    return {
      name,
      startTime: new Date(started ?? now).toISOString(),
      ...(stats.cpu === undefined ? {} : { cpu: cpu(id, nanoseconds, now, given === 0 ? undefined : given) }),
      ...(memory === undefined
        ? {}
        : {
            memory: {
              time: new Date(now).toISOString(),
              ...numbers({
                workingSetBytes: memory.workingSetBytes?.value,
                usageBytes: memory.usageBytes?.value ?? memory.workingSetBytes?.value,
                availableBytes: memory.availableBytes?.value,
                rssBytes: memory.rssBytes?.value,
                pageFaults: memory.pageFaults?.value,
                majorPageFaults: memory.majorPageFaults?.value,
              }),
            },
          }),
      ...(onlyUsage || stats.writableLayer === undefined
        ? {}
        : {
            rootfs: {
              time: new Date(now).toISOString(),
              ...numbers({
                usedBytes: stats.writableLayer.usedBytes?.value,
                inodesUsed: stats.writableLayer.inodesUsed?.value,
              }),
            },
          }),
    };
  };

  return {
    async summary({ onlyCPUAndMemory }, signal): Promise<Summary> {
      const { stats } = await options.cri.listContainerStats({}, { signal, timeoutMs: 30_000 });
      const byPod = new Map<string, CriContainerStats[]>();
      for (const entry of stats) {
        const uid = entry.attributes?.labels[POD_UID_LABEL] ?? '';
        const id = entry.attributes?.id;
        const status = options.runtime.podStatus(uid);
        if (status?.containers.some((c) => c.id === id && c.state === 'running') !== true) continue;
        byPod.set(uid, [...(byPod.get(uid) ?? []), entry]);
      }
      const pods = [...byPod].map(([uid, entries]): PodStats => {
        const containers = entries.map((entry) => container(entry, onlyCPUAndMemory));
        const labels = entries[0]?.attributes?.labels ?? {};
        const now = new Date(options.clock.now()).toISOString();
        const sandbox = options.runtime.podStatus(uid)?.sandboxes[0];
        return {
          podRef: { uid, name: labels[POD_NAME_LABEL] ?? '', namespace: labels[POD_NAMESPACE_LABEL] ?? '' },
          startTime: new Date(sandbox?.createdAtMs ?? options.clock.now()).toISOString(),
          containers,
          cpu: sumCpu(containers, now),
          memory: sumMemory(containers, now),
        };
      });
      for (const key of samples.keys()) {
        if (key !== 'node' && !stats.some((s) => s.attributes?.id === key)) samples.delete(key);
      }
      const now = options.clock.now();
      const node = await nodeUsage();
      return {
        node: {
          nodeName: options.nodeName,
          startTime,
          cpu: cpu('node', node.cpuNanoseconds, now, undefined),
          memory: { time: new Date(now).toISOString(), ...node.memory },
          ...(onlyCPUAndMemory ? {} : { fs: await fsStats(options.rootDir, now) }),
        },
        pods,
      };
    },
  };
}

function numbers(values: Readonly<Record<string, bigint | undefined>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, Number(value)]),
  );
}

function sumCpu(containers: readonly ContainerStats[], time: string): CPUStats {
  const sum = (read: (stats: CPUStats) => number | undefined): number =>
    containers.reduce((total, { cpu }) => total + ((cpu === undefined ? 0 : read(cpu)) ?? 0), 0);
  return {
    time,
    usageNanoCores: sum((c) => c.usageNanoCores),
    usageCoreNanoSeconds: sum((c) => c.usageCoreNanoSeconds),
  };
}

function sumMemory(containers: readonly ContainerStats[], time: string): MemoryStats {
  const sum = (read: (stats: MemoryStats) => number | undefined): number =>
    containers.reduce((total, { memory }) => total + ((memory === undefined ? 0 : read(memory)) ?? 0), 0);
  return { time, workingSetBytes: sum((m) => m.workingSetBytes), usageBytes: sum((m) => m.usageBytes) };
}

async function nodeUsage(): Promise<{ cpuNanoseconds: number; memory: Omit<MemoryStats, 'time'> }> {
  const [stat, meminfo] = await Promise.all([
    readFile('/proc/stat', 'utf8'),
    readFile('/proc/meminfo', 'utf8'),
  ]);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (stat.split('\n')[0] ?? '')
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const kilobytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(meminfo)?.[1] ?? 0);
  const total = totalmem();
  const usage = total - kilobytes('MemFree') * 1024;
  const workingSet = Math.max(0, usage - kilobytes('Inactive\\(file\\)') * 1024);
  return {
    cpuNanoseconds: (user + nice + system + irq + softirq) * (1e9 / USER_HZ),
    memory: {
      usageBytes: usage,
      workingSetBytes: workingSet,
      availableBytes: total - workingSet,
      rssBytes: kilobytes('AnonPages') * 1024,
    },
  };
}

async function fsStats(path: string, nowMs: number): Promise<FsStats> {
  const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(path);
  return {
    time: new Date(nowMs).toISOString(),
    capacityBytes: blocks * bsize,
    availableBytes: bavail * bsize,
    usedBytes: (blocks - bfree) * bsize,
    inodes: files,
    inodesFree: ffree,
    inodesUsed: files - ffree,
  };
}
