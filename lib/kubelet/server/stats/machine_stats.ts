/** Usage of the whole machine, from /proc and statfs. */
import { readFile, statfs } from 'node:fs/promises';
import type { CPUStats, FsStats, MemoryStats, NetworkStats, NodeStats, SwapStats } from '../summary.ts';

/** Clock ticks of /proc/stat a second: 100 on every Linux that Kubernetes runs on. */
const NANOSECONDS_PER_TICK = 1e7;

/** Cumulative CPU time of all cores from the first line of /proc/stat, idle and waiting left out. */
export function parseCpuTime(procStat: string): number | undefined {
  const ticks = /^cpu +(.*)$/m.exec(procStat)?.[1]?.split(' ').map(Number);
  if (ticks === undefined || ticks.length < 8 || ticks.some(Number.isNaN)) return undefined;
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = ticks;
  return (user + nice + system + irq + softirq + steal) * NANOSECONDS_PER_TICK;
}

/** Boot time, milliseconds since the epoch. */
export function parseBootTime(procStat: string): number | undefined {
  const seconds = /^btime (\d+)$/m.exec(procStat)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

/** Memory and swap from /proc/meminfo and the fault counters of /proc/vmstat. */
export function parseMemory(
  meminfo: string,
  vmstat: string,
  time: string,
): { memory?: MemoryStats; swap?: SwapStats } {
  const bytes = (name: string): number | undefined => {
    const kib = new RegExp(`^${name.replaceAll(/[()]/g, String.raw`\$&`)}: +(\\d+) kB$`, 'm').exec(
      meminfo,
    )?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  };
  const count = (name: string): number | undefined => {
    const value = new RegExp(`^${name} (\\d+)$`, 'm').exec(vmstat)?.[1];
    return value === undefined ? undefined : Number(value);
  };
  const total = bytes('MemTotal');
  const processes = ['AnonPages', 'Cached', 'Buffers', 'SwapCached'].map(bytes);
  if (total === undefined || processes[0] === undefined) return {};
  // As the kernel counts the group of all processes: pages with and without a file. Its own structures are not in it, a
  // large part of which it gives back when memory is short.
  const used = processes.reduce<number>((sum, pages) => sum + (pages ?? 0), 0);
  // As eviction counts: page cache that has not been touched for a while is as good as free.
  const workingSet = Math.max(0, used - (bytes('Inactive(file)') ?? 0));
  const [swapTotal, swapFree] = [bytes('SwapTotal') ?? 0, bytes('SwapFree') ?? 0];
  return {
    memory: {
      time,
      availableBytes: total - workingSet,
      usageBytes: used,
      workingSetBytes: workingSet,
      ...given('rssBytes', bytes('AnonPages')),
      ...given('pageFaults', count('pgfault')),
      ...given('majorPageFaults', count('pgmajfault')),
    },
    swap: { time, swapAvailableBytes: swapFree, swapUsageBytes: swapTotal - swapFree },
  };
}

/** Counters of /proc/net/dev, the hosts' ends of pod links left out; the interface of the default route (/proc/net/route) stands for the machine. */
export function parseNetwork(netDev: string, netRoute: string, time: string): NetworkStats | undefined {
  const interfaces = [...netDev.matchAll(/^ *([^:\s]+): *(.*)$/gm)]
    .map(([, name = '', values = '']) => ({ name, numbers: values.trim().split(/ +/).map(Number) }))
    .filter(({ name, numbers }) => !/^(?:lo$|veth|docker|nerdctl)/.test(name) && numbers.length >= 16)
    .map(({ name, numbers }) => ({
      name,
      rxBytes: numbers[0] ?? 0,
      rxErrors: numbers[2] ?? 0,
      txBytes: numbers[8] ?? 0,
      txErrors: numbers[10] ?? 0,
    }));
  const wanted = /^(\S+)\t00000000\t/m.exec(netRoute)?.[1];
  const main = interfaces.find((i) => i.name === wanted) ?? interfaces[0];
  return main === undefined ? undefined : { time, ...main, interfaces };
}

/** Number of tasks from /proc/loadavg. */
export function parseTasks(loadavg: string): number | undefined {
  const tasks = /^\S+ \S+ \S+ \d+\/(\d+) /.exec(loadavg)?.[1];
  return tasks === undefined ? undefined : Number(tasks);
}

/** Space and inodes of the file system that holds `path`. */
export async function fileSystemStats(path: string, time: string): Promise<FsStats> {
  const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(path);
  return {
    time,
    availableBytes: bavail * bsize,
    capacityBytes: blocks * bsize,
    usedBytes: (blocks - bfree) * bsize,
    inodesFree: ffree,
    inodes: files,
    inodesUsed: files - ffree,
  };
}

/**
 * The machine now. What cannot be read is left out.
 *
 * @param rootDir folder whose file system is the node's (`--root-dir`)
 */
export async function machineStats(
  nodeName: string,
  rootDir: string,
  nowMs: number,
): Promise<NodeStats & { readonly cpu?: CPUStats }> {
  const time = new Date(nowMs).toISOString();
  const [stat, meminfo, vmstat, netDev, netRoute, loadavg, pidMax, threadsMax] = await Promise.all(
    [
      'stat',
      'meminfo',
      'vmstat',
      'net/dev',
      'net/route',
      'loadavg',
      'sys/kernel/pid_max',
      'sys/kernel/threads-max',
    ].map(read),
  );
  const cpuTime = parseCpuTime(stat ?? '');
  const boot = parseBootTime(stat ?? '') ?? nowMs;
  const tasks = parseTasks(loadavg ?? '');
  return {
    nodeName,
    startTime: new Date(boot).toISOString(),
    ...(cpuTime === undefined ? {} : { cpu: { time, usageCoreNanoSeconds: cpuTime } }),
    ...parseMemory(meminfo ?? '', vmstat ?? '', time),
    ...given('network', parseNetwork(netDev ?? '', netRoute ?? '', time)),
    ...given('fs', await fileSystemStats(rootDir, time).catch(() => undefined)),
    rlimit: {
      time,
      ...given('maxpid', Math.min(Number(pidMax), Number(threadsMax)) || undefined),
      ...given('curproc', tasks),
    },
  };
}

async function read(name: string): Promise<string> {
  return readFile(`/proc/${name}`, 'utf8').catch(() => '');
}

/** `{ [key]: value }`, or nothing for an unknown value. */
function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a computed key loses its literal type
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}
