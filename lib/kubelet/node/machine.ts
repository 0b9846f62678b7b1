import { readdir, readFile, statfs } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';

/** What the kubelet tells of the machine it runs on. */
export interface Machine {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly swapBytes: number;
  /** Pages by page size in bytes. */
  readonly hugePages: ReadonlyMap<number, number>;
  /** Size of the file system that holds the kubelet's root directory. */
  readonly nodeFsBytes: number;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  /** As Go names it: amd64, arm64, ... */
  readonly architecture: string;
}

/**
 * Reads the machine's facts.
 *
 * @param options.fsRoot where /proc, /sys and /etc are; `/` except in tests
 * @throws Error when the number of CPUs or the memory cannot be read
 */
export async function readMachine(options: {
  readonly rootDir: string;
  readonly fsRoot?: string;
}): Promise<Machine> {
  const at = (path: string): string => join(options.fsRoot ?? '/', path);
  const [cpuinfo, meminfo, fs, release] = await Promise.all([
    readFile(at('proc/cpuinfo'), 'utf8'),
    readFile(at('proc/meminfo'), 'utf8'),
    statfs(options.rootDir),
    firstOf(at('etc/os-release'), at('usr/lib/os-release')),
  ]);
  const cpus = cpuinfo.match(/^processor\s*:/gm)?.length ?? 0;
  const memoryBytes = kilobytes(meminfo, 'MemTotal');
  if (cpus === 0 || memoryBytes === 0) throw new Error('/proc tells neither CPUs nor memory of this machine');
  const machineId = (await firstOf(at('etc/machine-id'), at('var/lib/dbus/machine-id'))).trim();
  const uuid = (await firstOf(at('sys/class/dmi/id/product_uuid'), at('proc/device-tree/vm,uuid'))).trim();
  return {
    cpus,
    memoryBytes,
    swapBytes: kilobytes(meminfo, 'SwapTotal'),
    hugePages: await hugePages(at('sys/kernel/mm/hugepages')),
    nodeFsBytes: fs.blocks * fs.bsize,
    machineId,
    systemUuid: uuid === '' ? machineId : uuid,
    bootId: (await firstOf(at('proc/sys/kernel/random/boot_id'))).trim(),
    kernelVersion: (await firstOf(at('proc/sys/kernel/osrelease'))).trim(),
    osImage: osImage(release),
    architecture: goArchitecture(arch()),
  };
}

function kilobytes(meminfo: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(meminfo)?.[1] ?? 0) * 1024;
}

async function hugePages(dir: string): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  for (const name of await readdir(dir).catch(() => [])) {
    const size = /^hugepages-(\d+)kB$/.exec(name)?.[1];
    if (size === undefined) continue;
    found.set(Number(size) * 1024, Number(await firstOf(join(dir, name, 'nr_hugepages'))));
  }
  return found;
}

function osImage(release: string): string {
  const value = /^PRETTY_NAME=(.*)$/m.exec(release)?.[1]?.trim() ?? '';
  const quoted = /^(["'])(.*)\1$/.exec(value);
  return (quoted?.[2] ?? value) || 'Linux';
}

/** Go's name (`GOARCH`) for what Node calls `arch`. */
export function goArchitecture(nodeArch: string): string {
  return { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' }[nodeArch] ?? nodeArch;
}

/** The first of the files that can be read, or nothing: containers and small boards lack some of them. */
async function firstOf(...paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    try {
      return await readFile(path, 'utf8');
    } catch {
      continue; // absent, or kept from us: the next one
    }
  }
  return '';
}
