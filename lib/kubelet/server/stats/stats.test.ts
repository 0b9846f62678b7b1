import { FakeClock } from '../../../base/fake_clock.ts';
import { CriError } from '../../../cri/errors.ts';
import type { ContainerStats, PodSandboxStats } from '../../../cri/runtime_client.ts';
import { cadvisorMetrics, resourceMetrics } from '../usage_metrics.ts';
import { CpuRates } from './cpu_rates.ts';
import type { CriStatsOptions } from './cri_stats.ts';
import { criStats } from './cri_stats.ts';
import { parseBootTime, parseCpuTime, parseMemory, parseNetwork, parseTasks } from './machine_stats.ts';

const TIME = '2026-01-01T00:00:00.000Z';

describe('K27: the machine', () => {
  test('CPU and boot time of /proc/stat', () => {
    const text = 'cpu  100 20 30 4000 50 6 7 8 9 10\ncpu0 1 1 1 1 1 1 1 1 1 1\nbtime 1767225600\n';
    expect(parseCpuTime(text)).toBe((100 + 20 + 30 + 6 + 7 + 8) * 1e7);
    expect(parseBootTime(text)).toBe(Date.parse(TIME));
    expect([parseCpuTime(''), parseBootTime('')]).toEqual([undefined, undefined]);
  });

  test('K22: memory of /proc/meminfo, as the group of all processes: neither untouched page cache nor the kernel is counted', () => {
    const meminfo =
      'MemTotal:     1000 kB\nMemFree:  100 kB\nBuffers:  20 kB\nCached:  510 kB\nSwapCached:  20 kB\nInactive(file):  100 kB\nAnonPages: 50 kB\nSlab:  300 kB\nSwapTotal: 10 kB\nSwapFree: 4 kB\n';
    expect(parseMemory(meminfo, 'pgfault 5\npgmajfault 1\n', TIME)).toEqual({
      memory: {
        time: TIME,
        availableBytes: 500 * 1024,
        usageBytes: 600 * 1024,
        workingSetBytes: 500 * 1024,
        rssBytes: 50 * 1024,
        pageFaults: 5,
        majorPageFaults: 1,
      },
      swap: { time: TIME, swapAvailableBytes: 4096, swapUsageBytes: 6 * 1024 },
    });
    expect(parseMemory('', '', TIME)).toEqual({});
  });

  test('the interface of the default route stands for the network', () => {
    const dev =
      'Inter-|   Receive  |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes\n' +
      '    lo: 9 9 9 0 0 0 0 0 9 9 9 0 0 0 0 0\n  br0: 1 0 2 0 0 0 0 0 3 0 4 0 0 0 0 0\nveth1: 1 0 2 0 0 0 0 0 3 0 4 0 0 0 0 0\n  eth0:10 0 20 0 0 0 0 0 30 0 40 0 0 0 0 0\n';
    const route = 'Iface\tDestination\tGateway\neth0\t00000000\t0100000A\t0003\n';
    const eth0 = { name: 'eth0', rxBytes: 10, rxErrors: 20, txBytes: 30, txErrors: 40 };
    const br0 = { name: 'br0', rxBytes: 1, rxErrors: 2, txBytes: 3, txErrors: 4 };
    expect(parseNetwork(dev, route, TIME)).toEqual({ time: TIME, ...eth0, interfaces: [br0, eth0] });
    expect(parseNetwork(dev, '', TIME)).toMatchObject(br0);
    expect(parseNetwork('', '', TIME)).toBeUndefined();
  });

  test('tasks of /proc/loadavg', () => {
    expect([parseTasks('0.1 0.2 0.3 2/345 6789\n'), parseTasks('')]).toEqual([345, undefined]);
  });
});

describe('K27: CPU rates', () => {
  const at = (seconds: number, used: number) => ({
    time: new Date(Date.parse(TIME) + seconds * 1000).toISOString(),
    usageCoreNanoSeconds: used,
  });

  test('come from two moments, at least a second apart', () => {
    const rates = new CpuRates();
    expect(rates.rated('a', at(0, 1e9)).usageNanoCores).toBeUndefined();
    expect(rates.rated('a', at(2, 2e9)).usageNanoCores).toBe(5e8);
    expect(rates.rated('a', at(2.5, 9e9)).usageNanoCores).toBe(5e8);
    expect(rates.rated('a', at(4, 4e9)).usageNanoCores).toBe(1e9);
  });

  test('begin anew after a counter went back, and are forgotten with their subject', () => {
    const rates = new CpuRates();
    rates.rated('a', at(0, 5e9));
    expect(rates.rated('a', at(2, 1e9)).usageNanoCores).toBeUndefined();
    expect(rates.rated('a', at(4, 2e9)).usageNanoCores).toBe(5e8);
    rates.forgetUnseen();
    rates.forgetUnseen();
    expect(rates.rated('a', at(6, 3e9)).usageNanoCores).toBeUndefined();
  });

  test('of the source are kept', () => {
    expect(new CpuRates().rated('a', { ...at(0, 1), usageNanoCores: 7 }).usageNanoCores).toBe(7);
  });
});

describe('K27: pods', () => {
  const now = BigInt(Date.parse(TIME)) * 1_000_000n;
  const container: ContainerStats = {
    attributes: {
      id: 'c1',
      metadata: { name: 'app', attempt: 0 },
      labels: {
        'io.kubernetes.pod.uid': 'u1',
        'io.kubernetes.pod.name': 'web',
        'io.kubernetes.pod.namespace': 'default',
      },
      annotations: {},
    },
    cpu: {
      timestamp: now,
      usageCoreNanoSeconds: { value: 3_000_000_000n },
      usageNanoCores: { value: 5n },
      psi: undefined,
    },
    memory: {
      timestamp: now,
      workingSetBytes: { value: 4096n },
      availableBytes: undefined,
      usageBytes: { value: 8192n },
      rssBytes: undefined,
      pageFaults: undefined,
      majorPageFaults: undefined,
      psi: undefined,
    },
    writableLayer: { timestamp: now, fsId: undefined, usedBytes: { value: 100n }, inodesUsed: { value: 2n } },
    swap: undefined,
    io: undefined,
  };
  const sandbox: PodSandboxStats = {
    attributes: {
      id: 's1',
      metadata: { name: 'web', namespace: 'default', uid: 'u1', attempt: 0 },
      labels: {},
      annotations: {},
    },
    linux: {
      cpu: {
        timestamp: now,
        usageCoreNanoSeconds: { value: 4_000_000_000n },
        usageNanoCores: undefined,
        psi: undefined,
      },
      memory: undefined,
      network: {
        timestamp: now,
        defaultInterface: {
          name: 'eth0',
          rxBytes: { value: 1n },
          rxErrors: { value: 0n },
          txBytes: { value: 2n },
          txErrors: { value: 0n },
        },
        interfaces: [],
      },
      process: { timestamp: now, processCount: { value: 3n } },
      containers: [container],
      io: undefined,
    },
    windows: undefined,
  };

  function source(client: Partial<CriStatsOptions['client']>, more: Partial<CriStatsOptions> = {}) {
    const missing = (call: string) => () =>
      Promise.reject(new CriError(call, 'UNIMPLEMENTED', 'unknown method'));
    return criStats({
      client: {
        listPodSandboxStats: missing('ListPodSandboxStats'),
        listContainerStats: missing('ListContainerStats'),
        imageFsInfo: async () => ({ imageFilesystems: [], containerFilesystems: [] }),
        ...client,
      },
      runtime: { podStatus: () => undefined, pods: () => [], onChange: () => () => undefined },
      nodeName: 'node-1',
      rootDir: '/',
      clock: new FakeClock(Date.parse(TIME)),
      ...more,
    });
  }

  const { signal } = new AbortController();

  test('as the runtime reports them', async () => {
    const stats = source({ listPodSandboxStats: async () => ({ stats: [sandbox] }) });
    const { node, pods } = await stats.summary({ onlyCPUAndMemory: false }, signal);
    expect(node).toMatchObject({ nodeName: 'node-1', cpu: { time: TIME }, fs: { time: TIME } });
    expect(pods).toMatchObject([
      {
        podRef: { name: 'web', namespace: 'default', uid: 'u1' },
        cpu: { usageCoreNanoSeconds: 4e9 },
        memory: { workingSetBytes: 4096, usageBytes: 8192 },
        network: { name: 'eth0', rxBytes: 1, interfaces: [{ name: 'eth0' }] },
        process_stats: { process_count: 3 },
        containers: [
          {
            name: 'app',
            cpu: { usageNanoCores: 5 },
            memory: { workingSetBytes: 4096 },
            rootfs: { usedBytes: 100 },
          },
        ],
      },
    ]);
  });

  test('a rate of 0 is one that was not measured; memory left is counted from the limit', async () => {
    const idle = { ...container, cpu: container.cpu && { ...container.cpu, usageNanoCores: { value: 0n } } };
    const stats = source(
      { listContainerStats: async () => ({ stats: [idle] }) },
      { memoryLimit: (uid, name) => (uid === 'u1' && name === 'app' ? 10_000 : undefined) },
    );
    const [pod] = (await stats.summary({ onlyCPUAndMemory: true }, signal)).pods;
    expect(pod?.containers[0]?.cpu).toEqual({ time: TIME, usageCoreNanoSeconds: 3e9 });
    expect(pod?.cpu).toEqual({ time: TIME, usageCoreNanoSeconds: 3e9 });
    expect(pod?.containers[0]?.memory?.availableBytes).toBe(10_000 - 4096);
  });

  test('CPU and memory only: no disks, no network, the groups of the node rated', async () => {
    const clock = new FakeClock(Date.parse(TIME));
    let used = 1e9;
    const stats = source(
      { listPodSandboxStats: async () => ({ stats: [sandbox] }) },
      {
        clock,
        systemContainers: async (time) => [
          { name: 'pods', startTime: TIME, cpu: { time, usageCoreNanoSeconds: used } },
        ],
      },
    );
    await stats.summary({ onlyCPUAndMemory: true }, signal);
    await clock.advance(2000);
    used = 2e9;
    const { node, pods } = await stats.summary({ onlyCPUAndMemory: true }, signal);
    expect([node.fs, node.network, node.rlimit, node.runtime, pods[0]?.network]).toEqual(
      Array(5).fill(undefined),
    );
    expect(node.systemContainers?.[0]?.cpu?.usageNanoCores).toBe(5e8);
  });

  test('of a runtime that knows containers only', async () => {
    const stats = source({ listContainerStats: async () => ({ stats: [container] }) });
    const { pods } = await stats.summary({ onlyCPUAndMemory: true }, signal);
    expect(pods).toMatchObject([
      {
        podRef: { name: 'web', namespace: 'default', uid: 'u1' },
        cpu: { usageCoreNanoSeconds: 3e9 },
        memory: { workingSetBytes: 4096 },
      },
    ]);
    expect(pods[0]?.containers[0]?.rootfs).toBeUndefined();
  });

  test('a runtime that is away is an error', async () => {
    const stats = source({
      listPodSandboxStats: () => Promise.reject(new CriError('x', 'UNAVAILABLE', 'no socket')),
    });
    await expect(stats.summary({ onlyCPUAndMemory: true }, signal)).rejects.toThrow('no socket');
  });

  test('become metrics', async () => {
    const stats = source({ listPodSandboxStats: async () => ({ stats: [sandbox] }) });
    const summary = await stats.summary({ onlyCPUAndMemory: false }, signal);
    const resource = resourceMetrics(summary);
    expect(resource).toContain(
      'container_cpu_usage_seconds_total{container="app",namespace="default",pod="web"} 3 1767225600000\n',
    );
    expect(resource).toContain(
      'pod_memory_working_set_bytes{namespace="default",pod="web"} 4096 1767225600000\n',
    );
    expect(resource).toContain('resource_scrape_error 0\n');
    const cadvisor = cadvisorMetrics(summary);
    expect(cadvisor).toContain(
      'container_memory_working_set_bytes{container="app",id="/kubepods/podu1/app",image="",name="",namespace="default",pod="web"} 4096 1767225600000\n',
    );
    expect(cadvisor).toContain(
      'container_network_receive_bytes_total{container="",id="/kubepods/podu1",image="",name="",namespace="default",pod="web",interface="eth0"} 1 1767225600000\n',
    );
  });
});
