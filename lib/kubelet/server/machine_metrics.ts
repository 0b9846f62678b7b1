/** `machine_*` of /metrics/cadvisor: what the machine is, for dashboards that set usage against it. */
import { Exposition, type Labels } from './exposition.ts';

export interface MachineFigures {
  readonly cores: number;
  readonly memoryBytes: number;
  readonly swapBytes: number;
  readonly topology: CpuTopology;
  /** For the labels by which figures of one boot of one machine are told from others. */
  readonly bootId: string;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly kernelVersion: string;
  readonly osImage: string;
}

export interface CpuTopology {
  readonly physicalCores: number;
  readonly sockets: number;
}

/** From /proc/cpuinfo; machines that tell no topology there have a core for each CPU, and one socket. */
export function cpuTopology(cpuinfo: string): CpuTopology {
  const blocks = cpuinfo.split(/\n\s*\n/).filter((block) => /^processor\s*:/m.test(block));
  const of = (block: string, key: string): string | undefined =>
    new RegExp(`^${key}\\s*: *(\\S+)`, 'm').exec(block)?.[1];
  const sockets = new Set(blocks.map((block) => of(block, 'physical id') ?? '0'));
  const cores = new Set(
    blocks.map((block) =>
      [of(block, 'physical id') ?? '0', of(block, 'core id') ?? of(block, 'processor')].join('/'),
    ),
  );
  return { physicalCores: cores.size, sockets: sockets.size };
}

/** /proc/meminfo's total of swap. */
export function swapTotal(meminfo: string): number {
  return Number(/^SwapTotal:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? 0) * 1024;
}

export function machineMetrics(machine: MachineFigures): string {
  const out = new Exposition();
  const { topology } = machine;
  const labels: Labels = {
    boot_id: machine.bootId,
    machine_id: machine.machineId,
    system_uuid: machine.systemUuid,
  };
  const gauge = (name: string, help: string, value: number): void =>
    out.metric(`machine_${name}`, 'gauge', help, [[value, labels]]);
  out.metric('cadvisor_version_info', 'gauge', 'Kernel and system that the figures are of; always 1.', [
    [
      1,
      {
        cadvisorRevision: '',
        cadvisorVersion: '',
        dockerVersion: '',
        kernelVersion: machine.kernelVersion,
        osVersion: machine.osImage,
      },
    ],
  ]);
  gauge('cpu_cores', 'Number of logical CPU cores.', machine.cores);
  gauge('cpu_physical_cores', 'Number of physical CPU cores.', topology.physicalCores);
  gauge('cpu_sockets', 'Number of CPU sockets.', topology.sockets);
  gauge('memory_bytes', 'Amount of memory installed on the machine.', machine.memoryBytes);
  gauge('swap_bytes', 'Amount of swap memory available on the machine.', machine.swapBytes);
  return out.toString();
}
