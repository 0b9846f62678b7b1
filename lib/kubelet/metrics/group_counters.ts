/** What the kernel counts of one cgroup beyond its use of CPU and memory: throttling, file cache, disks, OOM kills. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../../base/errors.ts';
import type { Hierarchy } from '../cgroups/hierarchy.ts';
import { parsePressure, type PressureResource } from '../server/stats/pressure.ts';

/** Absent: the kernel does not tell. Times in seconds, sizes in bytes. */
export interface GroupCounters {
  readonly userSeconds?: number;
  readonly systemSeconds?: number;
  /** Of a group whose CPU is limited. */
  readonly throttling?: { readonly periods: number; readonly throttled: number; readonly seconds: number };
  readonly cpuPeriodUs?: number;
  /** Absent: no limit. */
  readonly cpuQuotaUs?: number;
  readonly cpuShares?: number;
  readonly cacheBytes?: number;
  readonly mappedFileBytes?: number;
  readonly activeFileBytes?: number;
  readonly inactiveFileBytes?: number;
  readonly kernelBytes?: number;
  readonly maxUsageBytes?: number;
  /** How often the limit of memory was hit. */
  readonly limitHits?: number;
  readonly pageFaults?: number;
  readonly majorPageFaults?: number;
  readonly oomKills?: number;
  readonly threads?: number;
  /** Absent: no limit. */
  readonly threadsMax?: number;
  /** Time in which work waited for want of it (`waiting`: some of it; `stalled`: all of it); v2 only. */
  readonly pressure?: Readonly<Record<PressureResource, Pressure>>;
  readonly disks: readonly DiskCounters[];
}

export interface Pressure {
  readonly waitingSeconds: number;
  readonly stalledSeconds: number;
}

export interface DiskCounters {
  /** `8:0` */
  readonly device: string;
  readonly reads: number;
  readonly writes: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** Text of a file of the group in the hierarchy of a controller, empty when there is none. */
export type ReadGroupFile = (controller: string, file: string) => string;

export function parseCounters(version: 1 | 2, read: ReadGroupFile): GroupCounters {
  const known = Object.entries(version === 2 ? countersV2(read) : countersV1(read));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is left is as it was
  return Object.fromEntries(known.filter(([, value]) => value !== undefined)) as unknown as GroupCounters;
}

/**
 * Reads a group below the roots of the hierarchies. The files are made by the kernel as they are read and lie on no disk:
 * reading them so is several times cheaper than by the thread pool, of which a scrape of 250 pods would take thousands of
 * turns.
 */
export function readCounters(hierarchy: Hierarchy, path: string): GroupCounters {
  return parseCounters(hierarchy.version, (controller, file) => {
    const root = hierarchy.mounts.get(controller);
    return root === undefined ? '' : fileText(join(root, path, file));
  });
}

/** Groups right below one: those of a pod's containers. */
export function groupsBelow(hierarchy: Hierarchy, path: string): string[] {
  const root = hierarchy.mounts.get('memory');
  if (root === undefined) return [];
  try {
    const entries = readdirSync(join(root, path), { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    // Gone since the pod was seen.
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** A process of the group, if it has any. */
export function processIn(hierarchy: Hierarchy, path: string): number | undefined {
  const root = hierarchy.mounts.get('memory');
  if (root === undefined) return undefined;
  const [first = ''] = fileText(join(root, path, 'cgroup.procs')).split('\n');
  return first === '' ? undefined : Number(first);
}

/** Empty for a file that is not there (or no longer: groups go while they are read). */
export function fileText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

type Draft = { readonly [K in keyof GroupCounters]: GroupCounters[K] | undefined };

const TICKS_A_SECOND = 100;
/** v1 writes this or nearly this for memory or threads without a limit. */
const UNLIMITED = /^max|^-1$/;

function countersV1(read: ReadGroupFile): Draft {
  const cpu = table(read('cpu', 'cpu.stat'));
  const times = table(read('cpuacct', 'cpuacct.stat'));
  const memory = table(read('memory', 'memory.stat'));
  const quota = number(read('cpu', 'cpu.cfs_quota_us'));
  return {
    userSeconds: scaled(times.get('user'), TICKS_A_SECOND),
    systemSeconds: scaled(times.get('system'), TICKS_A_SECOND),
    throttling: throttling(quota, cpu, cpu.get('throttled_time'), 1e9),
    cpuPeriodUs: number(read('cpu', 'cpu.cfs_period_us')),
    cpuQuotaUs: quota,
    cpuShares: number(read('cpu', 'cpu.shares')),
    cacheBytes: memory.get('total_cache'),
    mappedFileBytes: memory.get('total_mapped_file'),
    activeFileBytes: memory.get('total_active_file'),
    inactiveFileBytes: memory.get('total_inactive_file'),
    kernelBytes: number(read('memory', 'memory.kmem.usage_in_bytes')),
    maxUsageBytes: number(read('memory', 'memory.max_usage_in_bytes')),
    limitHits: number(read('memory', 'memory.failcnt')),
    pageFaults: memory.get('total_pgfault'),
    majorPageFaults: memory.get('total_pgmajfault'),
    oomKills: table(read('memory', 'memory.oom_control')).get('oom_kill'),
    threads: number(read('pids', 'pids.current')),
    threadsMax: number(read('pids', 'pids.max')),
    pressure: undefined,
    disks: disksV1(
      read('blkio', 'blkio.throttle.io_serviced_recursive'),
      read('blkio', 'blkio.throttle.io_service_bytes_recursive'),
    ),
  };
}

function countersV2(read: ReadGroupFile): Draft {
  const cpu = table(read('cpu', 'cpu.stat'));
  const memory = table(read('memory', 'memory.stat'));
  const events = table(read('memory', 'memory.events'));
  const [quota = '', period = ''] = read('cpu', 'cpu.max').trim().split(' ');
  const quotaUs = number(quota);
  return {
    userSeconds: scaled(cpu.get('user_usec'), 1e6),
    systemSeconds: scaled(cpu.get('system_usec'), 1e6),
    throttling: throttling(quotaUs, cpu, cpu.get('throttled_usec'), 1e6),
    cpuPeriodUs: number(period),
    cpuQuotaUs: quotaUs,
    cpuShares: sharesOfWeight(number(read('cpu', 'cpu.weight'))),
    cacheBytes: memory.get('file'),
    mappedFileBytes: memory.get('file_mapped'),
    activeFileBytes: memory.get('active_file'),
    inactiveFileBytes: memory.get('inactive_file'),
    kernelBytes: memory.get('kernel'),
    maxUsageBytes: number(read('memory', 'memory.peak')),
    limitHits: events.get('max'),
    pageFaults: memory.get('pgfault'),
    majorPageFaults: memory.get('pgmajfault'),
    oomKills: events.get('oom_kill'),
    threads: number(read('pids', 'pids.current')),
    threadsMax: number(read('pids', 'pids.max')),
    pressure: pressure(read),
    disks: disksV2(read('blkio', 'io.stat')),
  };
}

function throttling(
  quota: number | undefined,
  cpu: ReadonlyMap<string, number>,
  time: number | undefined,
  perSecond: number,
): GroupCounters['throttling'] {
  if (quota === undefined) return undefined;
  return {
    periods: cpu.get('nr_periods') ?? 0,
    throttled: cpu.get('nr_throttled') ?? 0,
    seconds: (time ?? 0) / perSecond,
  };
}

/** A kernel without PSI has no such files. */
function pressure(read: ReadGroupFile): GroupCounters['pressure'] {
  const of = (resource: PressureResource): Pressure | undefined => {
    const told = parsePressure(read(resource === 'io' ? 'blkio' : resource, `${resource}.pressure`));
    return told && { waitingSeconds: told.some.total / 1e9, stalledSeconds: told.full.total / 1e9 };
  };
  const [cpu, memory, io] = [of('cpu'), of('memory'), of('io')];
  return cpu === undefined || memory === undefined || io === undefined ? undefined : { cpu, memory, io };
}

/** What cpu.shares would be: weights from 1 to 10,000 stand for shares from 2 to 262,144. */
function sharesOfWeight(weight: number | undefined): number | undefined {
  return weight === undefined ? undefined : Math.round(2 + ((weight - 1) * 262_142) / 9999);
}

/** `8:0 Read 12`, lines of one device after the other. */
function disksV1(operations: string, bytes: string): DiskCounters[] {
  const figures = new Map<string, Map<string, number>>();
  for (const [kind, text] of Object.entries({ operations, bytes })) {
    for (const [, device = '', what, value] of text.matchAll(/^(\d+:\d+) (Read|Write) (\d+)$/gm)) {
      const those = figures.get(device) ?? new Map<string, number>();
      figures.set(device, those.set(`${what} ${kind}`, Number(value)));
    }
  }
  return [...figures].map(([device, those]) => ({
    device,
    reads: those.get('Read operations') ?? 0,
    writes: those.get('Write operations') ?? 0,
    readBytes: those.get('Read bytes') ?? 0,
    writtenBytes: those.get('Write bytes') ?? 0,
  }));
}

/** `8:0 rbytes=1 wbytes=2 rios=3 wios=4 ...` */
function disksV2(text: string): DiskCounters[] {
  return [...text.matchAll(/^(\d+:\d+) (.*)$/gm)].map(([, device = '', rest = '']) => {
    const of = (name: string): number => Number(new RegExp(`\\b${name}=(\\d+)`).exec(rest)?.[1] ?? 0);
    return {
      device,
      reads: of('rios'),
      writes: of('wios'),
      readBytes: of('rbytes'),
      writtenBytes: of('wbytes'),
    };
  });
}

/** Lines of `name value`. */
function table(text: string): ReadonlyMap<string, number> {
  return new Map([...text.matchAll(/^(\S+) (\d+)$/gm)].map(([, name = '', value]) => [name, Number(value)]));
}

function number(text: string): number | undefined {
  const trimmed = text.trim();
  return trimmed === '' || UNLIMITED.test(trimmed) ? undefined : Number(trimmed);
}

function scaled(value: number | undefined, divisor: number): number | undefined {
  return value === undefined ? undefined : value / divisor;
}
