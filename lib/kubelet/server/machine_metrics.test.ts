import { cpuTopology, machineMetrics, swapTotal } from './machine_metrics.ts';

const cpu = (processor: number, socket: number, core: number): string =>
  `processor\t: ${processor}\nmodel name\t: X\nphysical id\t: ${socket}\ncore id\t\t: ${core}\n`;

test.each<[string, string, { physicalCores: number; sockets: number }]>([
  ['two threads a core', [cpu(0, 0, 0), cpu(1, 0, 0)].join('\n'), { physicalCores: 1, sockets: 1 }],
  [
    'two sockets, whose cores are numbered alike',
    [cpu(0, 0, 0), cpu(1, 0, 1), cpu(2, 1, 0), cpu(3, 1, 1)].join('\n'),
    { physicalCores: 4, sockets: 2 },
  ],
  [
    'an ARM machine, which tells no topology',
    'processor\t: 0\nBogoMIPS\t: 48\n\nprocessor\t: 1\n\nHardware\t: Y\n',
    { physicalCores: 2, sockets: 1 },
  ],
])('K27: CPUs of %s', (_, cpuinfo, want) => expect(cpuTopology(cpuinfo)).toEqual(want));

test('K27: swap', () => {
  expect(swapTotal('MemTotal: 5 kB\nSwapTotal:       1024 kB\n')).toBe(2 ** 20);
  expect(swapTotal('')).toBe(0);
});

test('K27: figures of the machine are labelled with what tells machines and boots apart', () => {
  const page = machineMetrics({
    cores: 4,
    memoryBytes: 5,
    swapBytes: 6,
    topology: { physicalCores: 2, sockets: 1 },
    bootId: 'b',
    machineId: 'm',
    systemUuid: 's',
    kernelVersion: '6.1',
    osImage: 'Debian',
  });
  const labels = '{boot_id="b",machine_id="m",system_uuid="s"}';
  expect(page.split('\n').filter((line) => /^[a-z]/.test(line))).toEqual([
    'cadvisor_version_info{cadvisorRevision="",cadvisorVersion="",dockerVersion="",kernelVersion="6.1",osVersion="Debian"} 1',
    `machine_cpu_cores${labels} 4`,
    `machine_cpu_physical_cores${labels} 2`,
    `machine_cpu_sockets${labels} 1`,
    `machine_memory_bytes${labels} 5`,
    `machine_swap_bytes${labels} 6`,
  ]);
});
