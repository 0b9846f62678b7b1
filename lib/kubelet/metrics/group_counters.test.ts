import { parseCounters } from './group_counters.ts';

const V1 = {
  'cpu.stat': 'nr_periods 10\nnr_throttled 4\nthrottled_time 2500000000\n',
  'cpuacct.stat': 'user 150\nsystem 25\n',
  'cpu.cfs_quota_us': '50000\n',
  'cpu.cfs_period_us': '100000\n',
  'cpu.shares': '102\n',
  'memory.stat':
    'cache 1\ntotal_cache 4096\ntotal_mapped_file 8\ntotal_active_file 16\ntotal_inactive_file 32\ntotal_pgfault 7\ntotal_pgmajfault 3\n',
  'memory.kmem.usage_in_bytes': '64\n',
  'memory.max_usage_in_bytes': '9000\n',
  'memory.failcnt': '2\n',
  'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n',
  'pids.current': '5\n',
  'pids.max': 'max\n',
  'blkio.throttle.io_serviced_recursive': '8:0 Read 3\n8:0 Write 4\n8:0 Sync 7\n8:0 Total 7\nTotal 7\n',
  'blkio.throttle.io_service_bytes_recursive': '8:0 Read 300\n8:0 Write 400\nTotal 700\n',
};
const V2 = {
  'cpu.stat':
    'usage_usec 1750000\nuser_usec 1500000\nsystem_usec 250000\nnr_periods 10\nnr_throttled 4\nthrottled_usec 2500000\n',
  'cpu.max': '50000 100000\n',
  'cpu.weight': '4\n',
  'memory.stat':
    'anon 1\nfile 4096\nkernel 64\nfile_mapped 8\nactive_file 16\ninactive_file 32\npgfault 7\npgmajfault 3\n',
  'memory.events': 'low 0\nhigh 0\nmax 2\noom 1\noom_kill 1\n',
  'memory.peak': '9000\n',
  'pids.current': '5\n',
  'pids.max': 'max\n',
  'cpu.pressure':
    'some avg10=1.00 avg60=0.50 avg300=0.10 total=1500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=250000\n',
  'memory.pressure':
    'some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n',
  'io.pressure':
    'some avg10=0.00 avg60=0.00 avg300=0.00 total=20000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=10000\n',
  'io.stat': '8:0 rbytes=300 wbytes=400 rios=3 wios=4 dbytes=0 dios=0\n',
};
const COUNTERS = {
  userSeconds: 1.5,
  systemSeconds: 0.25,
  throttling: { periods: 10, throttled: 4, seconds: 2.5 },
  cpuPeriodUs: 100_000,
  cpuQuotaUs: 50_000,
  cacheBytes: 4096,
  mappedFileBytes: 8,
  activeFileBytes: 16,
  inactiveFileBytes: 32,
  kernelBytes: 64,
  maxUsageBytes: 9000,
  limitHits: 2,
  pageFaults: 7,
  majorPageFaults: 3,
  oomKills: 1,
  threads: 5,
  disks: [{ device: '8:0', reads: 3, writes: 4, readBytes: 300, writtenBytes: 400 }],
};

const reader =
  (files: Readonly<Record<string, string>>) =>
  (_controller: string, file: string): string =>
    files[file] ?? '';

test.each<[string, 1 | 2, Readonly<Record<string, string>>, object]>([
  ['v1', 1, V1, { ...COUNTERS, cpuShares: 102 }],
  // A weight of 4 is what shares of 102 become.
  [
    'v2',
    2,
    V2,
    {
      ...COUNTERS,
      cpuShares: 81,
      pressure: {
        cpu: { waitingSeconds: 1.5, stalledSeconds: 0.25 },
        memory: { waitingSeconds: 0, stalledSeconds: 0 },
        io: { waitingSeconds: 0.02, stalledSeconds: 0.01 },
      },
    },
  ],
  ['v1, a group that went', 1, {}, { disks: [] }],
  ['v2, a group that went', 2, {}, { disks: [] }],
  [
    'v1 without a limit of CPU',
    1,
    { 'cpu.cfs_quota_us': '-1\n', 'cpu.cfs_period_us': '100000\n', 'cpu.stat': 'nr_periods 0\n' },
    { cpuPeriodUs: 100_000, disks: [] },
  ],
  [
    'v2 without a limit of CPU',
    2,
    { 'cpu.max': 'max 100000\n', 'pids.max': '12\n' },
    { cpuPeriodUs: 100_000, threadsMax: 12, disks: [] },
  ],
])('%s', (_, version, files, want) => {
  expect(parseCounters(version, reader(files))).toEqual(want);
});
