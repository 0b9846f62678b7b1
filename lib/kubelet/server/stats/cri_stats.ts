/** Usage of pods and containers as the runtime reports it, joined with that of the machine. */
import type { Clock } from '../../../base/clock.ts';
import { isCriError } from '../../../cri/errors.ts';
import type {
  CpuUsage,
  FilesystemUsage,
  MemoryUsage,
  NetworkUsage,
  PodSandboxStats,
  RuntimeClient,
  SwapUsage,
} from '../../../cri/runtime_client.ts';
import { TtlCache } from '../../../component/ttl_cache.ts';
import type { RuntimeView } from '../../contracts.ts';
import type {
  ContainerStats,
  CPUStats,
  FsStats,
  MemoryStats,
  NetworkStats,
  PodStats,
  Summary,
  SwapStats,
} from '../summary.ts';
import type { StatsSource } from '../view.ts';
import { fileSystemStats, machineStats } from './machine_stats.ts';
import { CpuRates } from './cpu_rates.ts';
import { type PodDiskOptions, withDiskStats } from './pod_disk_stats.ts';
import { nodeWithPressure, podWithPressure, type PressureFiles } from './pressure.ts';

export interface CriStatsOptions {
  client: Pick<RuntimeClient, 'listPodSandboxStats' | 'listContainerStats' | 'imageFsInfo'>;
  runtime: RuntimeView;
  nodeName: string;
  /** `--root-dir` */
  rootDir: string;
  clock: Clock;
  /** Memory that a container may use at most, bytes. */
  memoryLimit?: (uid: string, containerName: string) => number | undefined;
  /** Where pods keep what; absent: figures of disks only as the runtime gives them. */
  disk?: PodDiskOptions;
  /** Where the kernel tells of pressure. Absent: it does not. */
  pressure?: PressureFiles;
  /** Usage of the node's own groups (`pods`, `kubelet`, `runtime`). */
  systemContainers?: (time: string) => Promise<readonly ContainerStats[]>;
}

/** Several scrapers at the same time share one round of questions; nobody needs fresher figures. */
const FRESH_MS = 1000;
const TIMEOUT_MS = 10_000;

export function criStats(options: CriStatsOptions): StatsSource {
  const { client, nodeName, rootDir, clock, disk, pressure } = options;
  const cache = new TtlCache<Summary>(clock, 2);
  const rates = new CpuRates();

  const take = async (onlyCPUAndMemory: boolean): Promise<Summary> => {
    const now = clock.now();
    const time = isoTime(now);
    const [machine, sandboxes, imageFs, systemContainers = []] = await Promise.all([
      machineStats(nodeName, rootDir, now),
      podSandboxStats(client),
      onlyCPUAndMemory ? undefined : imageFileSystem(client, now),
      options.systemContainers?.(time),
    ]);
    let pods = sandboxes.flatMap((sandbox) => podStats(sandbox, options, rates, onlyCPUAndMemory, now) ?? []);
    if (!onlyCPUAndMemory && disk !== undefined) {
      const fileSystems = { node: machine.fs, images: imageFs };
      pods = await Promise.all(pods.map((pod) => withDiskStats(pod, fileSystems, disk, time)));
      disk.volumes.forgetUnseen();
      disk.logs.forgetUnseen();
    }
    if (!onlyCPUAndMemory && pressure !== undefined)
      pods = pods.map((pod) => podWithPressure(pod, pressure, time));
    const { fs, network, rlimit, ...node } =
      onlyCPUAndMemory || pressure === undefined ? machine : nodeWithPressure(machine, pressure, time);
    const summary: Summary = {
      node: {
        ...node,
        ...(node.cpu === undefined ? {} : { cpu: rates.rated('node', node.cpu) }),
        systemContainers: systemContainers.map((c) =>
          c.cpu === undefined ? c : { ...c, cpu: rates.rated(`group ${c.name}`, c.cpu) },
        ),
        ...(onlyCPUAndMemory ? {} : { ...optional('fs', fs), ...optional('network', network) }),
        ...(onlyCPUAndMemory ? {} : optional('rlimit', rlimit)),
        ...(imageFs === undefined ? {} : { runtime: { imageFs, containerFs: imageFs } }),
      },
      pods,
    };
    rates.forgetUnseen();
    return summary;
  };

  return {
    summary: ({ onlyCPUAndMemory }) =>
      cache.get(
        String(onlyCPUAndMemory),
        () => take(onlyCPUAndMemory),
        () => FRESH_MS,
      ),
  };
}

/** One entry per sandbox; made up from the containers' where the runtime knows nothing of sandboxes. */
async function podSandboxStats(client: CriStatsOptions['client']): Promise<readonly PodSandboxStats[]> {
  try {
    return (await client.listPodSandboxStats({}, { timeoutMs: TIMEOUT_MS })).stats;
  } catch (err) {
    if (!isCriError(err, 'UNIMPLEMENTED')) throw err;
  }
  const { stats } = await client.listContainerStats({}, { timeoutMs: TIMEOUT_MS });
  const byPod = Map.groupBy(stats, (c) => c.attributes?.labels[UID_LABEL] ?? '');
  byPod.delete('');
  return [...byPod].map(([uid, containers]) => {
    const labels = containers[0]?.attributes?.labels ?? {};
    const metadata = {
      uid,
      name: labels[NAME_LABEL] ?? '',
      namespace: labels[NAMESPACE_LABEL] ?? '',
      attempt: 0,
    };
    return {
      attributes: { id: '', metadata, labels, annotations: {} },
      linux: {
        cpu: undefined,
        memory: undefined,
        network: undefined,
        process: undefined,
        containers,
        io: undefined,
      },
      windows: undefined,
    };
  });
}

const UID_LABEL = 'io.kubernetes.pod.uid';
const NAME_LABEL = 'io.kubernetes.pod.name';
const NAMESPACE_LABEL = 'io.kubernetes.pod.namespace';

function podStats(
  sandbox: PodSandboxStats,
  { runtime, memoryLimit }: CriStatsOptions,
  rates: CpuRates,
  onlyCPUAndMemory: boolean,
  now: number,
): PodStats | undefined {
  const metadata = sandbox.attributes?.metadata;
  if (metadata === undefined) return undefined;
  const { uid, name, namespace } = metadata;
  const known = runtime.podStatus(uid);
  // A pod may have old sandboxes besides the one it runs in.
  const current = known?.sandboxes[0];
  const id = sandbox.attributes?.id ?? '';
  if (id !== '' && current !== undefined && current.id !== id) return undefined;
  const containers = (sandbox.linux?.containers ?? []).flatMap((c): ContainerStats[] => {
    const containerId = c.attributes?.id ?? '';
    const container = known?.containers.find((k) => k.id === containerId);
    // What has ended uses nothing any more; its last figures would look like those of its successor.
    if (container !== undefined && container.state !== 'running') return [];
    const name = c.attributes?.metadata?.name ?? '';
    const startTime = isoTime(container?.startedAtMs ?? 0);
    const entry: ContainerStats = {
      name,
      startTime,
      ...optional('cpu', cpuStats(c.cpu, containerId, rates)),
      ...optional('memory', memoryStats(c.memory, memoryLimit?.(uid, name))),
      ...optional('swap', swapStats(c.swap)),
      ...(onlyCPUAndMemory ? {} : optional('rootfs', fsStats(c.writableLayer))),
    };
    return [entry];
  });
  const { cpu, memory, network, process } = sandbox.linux ?? {};
  const processes = process?.processCount;
  return {
    podRef: { name, namespace, uid },
    startTime: isoTime(current?.createdAtMs ?? 0),
    containers,
    ...optional('cpu', cpuStats(cpu, `pod ${uid}`, rates) ?? sumCpu(containers)),
    ...optional('memory', memoryStats(memory) ?? sumMemory(containers)),
    ...(onlyCPUAndMemory ? {} : optional('network', networkStats(network, now))),
    ...(processes === undefined ? {} : { process_stats: { process_count: Number(processes.value) } }),
  };
}

async function imageFileSystem(
  client: CriStatsOptions['client'],
  nowMs: number,
): Promise<FsStats | undefined> {
  const { imageFilesystems } = await client.imageFsInfo({}, { timeoutMs: TIMEOUT_MS });
  const [usage] = imageFilesystems;
  const mountpoint = usage?.fsId?.mountpoint;
  if (usage === undefined || mountpoint === undefined) return undefined;
  // Before the first image the folder may not exist: then only what the runtime said is known.
  const device = await fileSystemStats(mountpoint, isoTime(nowMs)).catch(() => undefined);
  return { time: isoTime(nowMs), ...device, ...fsStats(usage) };
}

function cpuStats(usage: CpuUsage | undefined, id: string, rates: CpuRates): CPUStats | undefined {
  if (usage === undefined) return undefined;
  const stats: CPUStats = {
    time: nanoTime(usage.timestamp),
    ...value('usageCoreNanoSeconds', usage.usageCoreNanoSeconds),
    // A runtime that has not measured yet says 0.
    ...(usage.usageNanoCores?.value === 0n ? {} : value('usageNanoCores', usage.usageNanoCores)),
  };
  return rates.rated(id, stats);
}

function memoryStats(usage: MemoryUsage | undefined, limit?: number): MemoryStats | undefined {
  if (usage === undefined) return undefined;
  const workingSet = usage.workingSetBytes?.value;
  const left = limit === undefined || workingSet === undefined ? undefined : limit - Number(workingSet);
  return {
    time: nanoTime(usage.timestamp),
    // Runtimes say 0, or what the machine has, for containers without a limit.
    ...optional('availableBytes', left === undefined ? undefined : Math.max(0, left)),
    ...value('usageBytes', usage.usageBytes ?? usage.workingSetBytes),
    ...value('workingSetBytes', usage.workingSetBytes),
    ...value('rssBytes', usage.rssBytes),
    ...value('pageFaults', usage.pageFaults),
    ...value('majorPageFaults', usage.majorPageFaults),
  };
}

function swapStats(usage: SwapUsage | undefined): SwapStats | undefined {
  if (usage === undefined) return undefined;
  return {
    time: nanoTime(usage.timestamp),
    ...value('swapAvailableBytes', usage.swapAvailableBytes),
    ...value('swapUsageBytes', usage.swapUsageBytes),
  };
}

function fsStats(usage: FilesystemUsage | undefined): FsStats | undefined {
  if (usage === undefined) return undefined;
  return {
    time: nanoTime(usage.timestamp),
    ...value('usedBytes', usage.usedBytes),
    ...value('inodesUsed', usage.inodesUsed),
  };
}

function networkStats(usage: NetworkUsage | undefined, nowMs: number): NetworkStats | undefined {
  const main = usage?.defaultInterface;
  if (usage === undefined || main === undefined) return undefined;
  const counters = (i: typeof main) => ({
    name: i.name,
    ...value('rxBytes', i.rxBytes),
    ...value('rxErrors', i.rxErrors),
    ...value('txBytes', i.txBytes),
    ...value('txErrors', i.txErrors),
  });
  const interfaces = usage.interfaces.length > 0 ? usage.interfaces : [main];
  const time = usage.timestamp === 0n ? isoTime(nowMs) : nanoTime(usage.timestamp);
  return { time, ...counters(main), interfaces: interfaces.map(counters) };
}

/** For runtimes that know no usage of sandboxes. */
function sumCpu(containers: readonly ContainerStats[]): CPUStats | undefined {
  const all = containers.flatMap((c) => c.cpu ?? []);
  const [first] = all;
  if (first === undefined) return undefined;
  return {
    time: first.time,
    ...(all.some((c) => c.usageNanoCores === undefined)
      ? {}
      : { usageNanoCores: sum(all.map((c) => c.usageNanoCores)) }),
    usageCoreNanoSeconds: sum(all.map((c) => c.usageCoreNanoSeconds)),
  };
}

function sumMemory(containers: readonly ContainerStats[]): MemoryStats | undefined {
  const all = containers.flatMap((c) => c.memory ?? []);
  const [first] = all;
  if (first === undefined) return undefined;
  return {
    time: first.time,
    usageBytes: sum(all.map((m) => m.usageBytes)),
    workingSetBytes: sum(all.map((m) => m.workingSetBytes)),
    rssBytes: sum(all.map((m) => m.rssBytes)),
  };
}

function sum(values: readonly (number | undefined)[]): number {
  return values.reduce<number>((total, v) => total + (v ?? 0), 0);
}

function value<K extends string>(key: K, wrapped: { value: bigint } | undefined): { [P in K]?: number } {
  return optional(key, wrapped === undefined ? undefined : Number(wrapped.value));
}

function optional<K extends string, V>(key: K, v: V | undefined): { [P in K]?: V } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a computed key loses its literal type
  return (v === undefined ? {} : { [key]: v }) as { [P in K]?: V };
}

function nanoTime(nanoseconds: bigint): string {
  return isoTime(Number(nanoseconds / 1_000_000n));
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
