/** Usage of a whole cgroup, as the kernel counts it: for groups that the runtime knows nothing of. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hierarchy } from '../../cgroups/hierarchy.ts';
import type { CPUStats, MemoryStats, SwapStats } from '../summary.ts';

export interface CgroupStats {
  readonly cpu?: CPUStats;
  readonly memory?: MemoryStats;
  readonly swap?: SwapStats;
}

/** A figure of a `name value` file such as memory.stat or cpu.stat. */
export function statOf(text: string, name: string): number | undefined {
  const value = new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1];
  return value === undefined ? undefined : Number(value);
}

/** What the group uses now; what cannot be read is left out. @param path below the hierarchies' roots */
export async function cgroupStats(hierarchy: Hierarchy, path: string, time: string): Promise<CgroupStats> {
  const read = async (controller: string, file: string): Promise<string> => {
    const root = hierarchy.mounts.get(controller);
    return root === undefined ? '' : readFile(join(root, path, file), 'utf8').catch(() => '');
  };
  const v2 = hierarchy.version === 2;
  const [cpuText, usageText, memoryStat, swapText] = await Promise.all([
    v2 ? read('cpu', 'cpu.stat') : read('cpuacct', 'cpuacct.usage'),
    read('memory', v2 ? 'memory.current' : 'memory.usage_in_bytes'),
    read('memory', 'memory.stat'),
    v2 ? read('memory', 'memory.swap.current') : '',
  ]);
  const cpu = v2 ? (statOf(cpuText, 'usage_usec') ?? Number.NaN) * 1000 : number(cpuText);
  const usage = number(usageText);
  const inactive = statOf(memoryStat, v2 ? 'inactive_file' : 'total_inactive_file') ?? 0;
  const rss = statOf(memoryStat, v2 ? 'anon' : 'total_rss');
  const faults = statOf(memoryStat, v2 ? 'pgfault' : 'total_pgfault');
  const majorFaults = statOf(memoryStat, v2 ? 'pgmajfault' : 'total_pgmajfault');
  const swap = v2 ? number(swapText) : (statOf(memoryStat, 'total_swap') ?? Number.NaN);
  return {
    ...(Number.isNaN(cpu) ? {} : { cpu: { time, usageCoreNanoSeconds: cpu } }),
    ...(Number.isNaN(usage)
      ? {}
      : {
          memory: {
            time,
            usageBytes: usage,
            workingSetBytes: Math.max(0, usage - inactive),
            ...(rss === undefined ? {} : { rssBytes: rss }),
            ...(faults === undefined ? {} : { pageFaults: faults }),
            ...(majorFaults === undefined ? {} : { majorPageFaults: majorFaults }),
          },
        }),
    ...(Number.isNaN(swap) ? {} : { swap: { time, swapUsageBytes: swap } }),
  };
}

function number(text: string): number {
  const trimmed = text.trim();
  return /^\d+$/.test(trimmed) ? Number(trimmed) : Number.NaN;
}
