import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Hierarchy } from '../cgroups/hierarchy.ts';
import { kernelMetrics, parseInterfaces, readKernel } from './kernel_metrics.ts';

let root: string;
let hierarchy: Hierarchy;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsk-groups-'));
  const controllers = ['cpu', 'memory', 'pids', 'blkio'];
  hierarchy = { version: 2, mounts: new Map(controllers.map((name) => [name, root])), roots: [root] };
});
afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, text: string): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

const POD = {
  labels: { pod: 'web' },
  path: '/kubepods.slice/pod1',
  hostNetwork: false,
  containers: [{ id: 'abc', labels: { container: 'app', pod: 'web' } }],
};

test('the groups of a pod and of its containers, as the runtime calls them', async () => {
  put('kubepods.slice/pod1/memory.events', 'max 3\noom_kill 1\n');
  put('kubepods.slice/pod1/cri-containerd-abc.scope/memory.events', 'max 2\noom_kill 1\n');
  put('kubepods.slice/pod1/cri-containerd-pause.scope/memory.events', 'max 0\noom_kill 0\n');
  put('kubepods.slice/pod1/cri-containerd-abc.scope/io.stat', '8:0 rbytes=1 wbytes=2 rios=3 wios=4\n');
  put('kubepods.slice/memory.events', 'max 5\noom_kill 1\n');
  const averages = 'avg10=0.00 avg60=0.00 avg300=0.00';
  for (const [resource, total] of Object.entries({ cpu: 3, memory: 2, io: 1 }))
    put(
      `kubepods.slice/pod1/${resource}.pressure`,
      [`some ${averages} total=${total}000000`, `full ${averages} total=500000\n`].join('\n'),
    );
  const all = {
    labels: { id: '/kubepods.slice' },
    path: '/kubepods.slice',
    hostNetwork: true,
    containers: [],
  };
  const kernel = await readKernel(hierarchy, [all, POD]);
  const page = kernelMetrics(kernel, 5000, (device) => `/dev/${device}`);
  expect(page).toContain('container_memory_failcnt{id="/kubepods.slice"} 5\n');
  expect(page).toContain('container_pressure_cpu_waiting_seconds_total{pod="web"} 3\n');
  expect(page).toContain('container_pressure_io_stalled_seconds_total{pod="web"} 0.5\n');
  expect(page).toContain(
    'container_oom_events_total{pod="web"} 1\ncontainer_oom_events_total{container="app",pod="web"} 1\n',
  );
  expect(page).toContain('container_memory_failcnt{container="app",pod="web"} 2\n');
  expect(page).toContain('container_fs_writes_total{container="app",pod="web",device="/dev/8:0"} 4\n');
  expect(page).toContain('container_last_seen{container="app",pod="web"} 5\n');
  // What the kernel does not tell is not made up.
  expect(page).not.toContain('cfs');
});

test('the network is that of a process of the pod, unless it is that of the node', async () => {
  put('kubepods.slice/pod1/pause/cgroup.procs', `${process.pid}\n`);
  const own = await readKernel(hierarchy, [POD]);
  const hosts = await readKernel(hierarchy, [{ ...POD, hostNetwork: true }]);
  expect(own.interfaces.every(({ labels }) => labels['pod'] === 'web')).toBe(true);
  expect(hosts.interfaces).toEqual([]);
});

test('a pod that is gone meanwhile has no figures', async () => {
  const page = kernelMetrics(await readKernel(hierarchy, [POD]), 5000);
  expect(page.split('\n').filter((line) => !/^#|container_last_seen|threads_max|^$/.test(line))).toEqual([]);
});

test('packets of all interfaces but the loopback', () => {
  const dev =
    'Inter-| Receive | Transmit\n face |bytes packets\n' +
    '    lo: 9 9 9 9 0 0 0 0 9 9 9 9 0 0 0 0\n  eth0:10 11 12 13 0 0 0 0 20 21 22 23 0 0 0 0\n';
  expect(parseInterfaces(dev, { pod: 'web' })).toEqual([
    {
      labels: { pod: 'web', interface: 'eth0' },
      rxPackets: 11,
      rxDropped: 13,
      txPackets: 21,
      txDropped: 23,
    },
  ]);
});
