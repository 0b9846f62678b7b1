/** The first boot: both cgroup drivers, and what the kernel and systemd do for pods. */
import { existsSync, readFileSync } from 'node:fs';
import { field, listAt } from '../../cluster/api.ts';
import { SHUTDOWN_SECONDS, WATCHDOG_SECONDS } from '../cluster.ts';
import {
  awaitApi,
  awaitNodeReady,
  awaitPod,
  createPod,
  deletePods,
  getPod,
  isReady,
  nodeCondition,
  resizePod,
} from './api.ts';
import type { PodView, Resources } from './api.ts';
import type { Check } from './checks.ts';
import { configure, containerGroup, KUBELET, podGroup, podSlice, qosGroup } from './kubelet.ts';
import type { Driver, Qos } from './kubelet.ts';
import {
  becomes,
  cgroupDifferences,
  cgroupExists,
  cgroupValue,
  command,
  eventually,
  expectThat,
  journal,
  unitProperty,
} from './machine.ts';

const MIB = 1024 ** 2;
const SWAP_MIB = 256;
const RESOURCES: Readonly<Record<Qos, Resources>> = {
  guaranteed: { limits: { cpu: '250m', memory: '64Mi' } },
  burstable: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '500m', memory: '128Mi' } },
  besteffort: {},
};
const CLASSES: readonly Qos[] = ['guaranteed', 'burstable', 'besteffort'];
/** What a pod's group has by these. The weight of n shares (1024 per CPU) is 1 + (n - 2) * 9999 / 262142. */
const LIMITS: Readonly<Record<Qos, Readonly<Record<string, string>>>> = {
  guaranteed: {
    'memory.max': String(64 * MIB),
    'cpu.max': '25000 100000',
    'cpu.weight': '10',
    'pids.max': '100',
  },
  burstable: {
    'memory.max': String(128 * MIB),
    'cpu.max': '50000 100000',
    'cpu.weight': '4',
    'pids.max': '100',
  },
  besteffort: { 'memory.max': 'max', 'cpu.max': 'max 100000', 'cpu.weight': '1', 'pids.max': '100' },
};

async function classesRun(driver: Driver): Promise<ReadonlyMap<Qos, PodView>> {
  for (const qos of CLASSES) await createPod(qos, { resources: RESOURCES[qos] });
  const pods = new Map<Qos, PodView>();
  for (const qos of CLASSES) pods.set(qos, await awaitPod(qos, 'is ready', isReady));
  expectLimits(driver, pods);
  for (const [qos, pod] of pods) {
    const group = containerGroup(driver, podGroup(driver, qos, pod.uid), pod.containerId);
    expectCgroup(group, { 'memory.max': LIMITS[qos]['memory.max'] ?? '', 'memory.oom.group': '1' });
  }
  // The requests of the class's pods together, 102 shares; and as little as there is.
  await becomes('weight of the burstable class', '4', () =>
    cgroupValue(qosGroup(driver, 'burstable'), 'cpu.weight'),
  );
  await becomes('weight of the best-effort class', '1', () =>
    cgroupValue(qosGroup(driver, 'besteffort'), 'cpu.weight'),
  );
  return pods;
}

/** The limits of the pods' groups are what they ought to be. */
function expectLimits(driver: Driver, pods: ReadonlyMap<Qos, PodView>): void {
  for (const [qos, pod] of pods) {
    const group = podGroup(driver, qos, pod.uid);
    expectThat(cgroupExists(group), `there is no group ${group}`);
    expectCgroup(group, LIMITS[qos]);
  }
}

async function groupsGo(driver: Driver): Promise<void> {
  const uids = await Promise.all(CLASSES.map(async (qos) => [qos, (await getPod(qos)).uid] as const));
  await deletePods(...CLASSES);
  for (const [qos, uid] of uids)
    await eventually(`the group of the ${qos} pod goes`, () =>
      cgroupExists(podGroup(driver, qos, uid)) ? undefined : true,
    );
}

/** Of the memory, `bytes`. */
function memoryTotal(): number {
  return Number(/^MemTotal:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024;
}

function swapTotal(): number {
  return Number(/^SwapTotal:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024;
}

/** What the kubelet told systemd, as systemd heard it. */
async function notifications(): Promise<string> {
  return journal(`--grep=${KUBELET}: Got notification message`, '_PID=1');
}

let pods: ReadonlyMap<Qos, PodView> = new Map();
const pod = (qos: Qos): PodView => {
  const found = pods.get(qos);
  if (found === undefined) throw new Error(`the ${qos} pod did not come up`);
  return found;
};

export const FIRST_BOOT: readonly Check[] = [
  [
    'systemd is init, control groups are v2',
    async () => {
      expectThat(readFileSync('/proc/1/comm', 'utf8').trim() === 'systemd', 'process 1 is another');
      expectThat(existsSync('/sys/fs/cgroup/cgroup.controllers'), 'there is no cgroup.controllers');
      await command('fallocate', `--length=${SWAP_MIB}MiB`, '/swapfile');
      await command('chmod', '600', '/swapfile');
      await command('mkswap', '/swapfile');
      await command('swapon', '/swapfile');
      await configure('systemd', {
        failSwapOn: false,
        memorySwap: { swapBehavior: 'LimitedSwap' },
        featureGates: { MemoryQoS: true },
        memoryReservationPolicy: 'TieredReservation',
      });
      await command('systemctl', 'start', 'containerd');
      for (const name of ['pause', 'busybox'])
        await command('ctr', '--namespace=k8s.io', 'images', 'import', `/payload/images/${name}.tar`);
    },
  ],
  ['etcd and kube-apiserver serve', awaitApi],
  [
    'the unit starts: READY=1 and a status reach systemd, the node is Ready',
    async () => {
      await command('systemctl', 'log-level', 'debug');
      await command('systemctl', 'enable', '--quiet', KUBELET);
      // Returns when the kubelet has said that it is ready.
      await command('systemctl', 'start', KUBELET);
      await command('systemctl', 'log-level', 'info');
      expectThat((await unitProperty(KUBELET, 'Type')) === 'notify', 'the unit is not Type=notify');
      expectThat((await unitProperty(KUBELET, 'ActiveState')) === 'active', 'the unit is not active');
      expectThat((await unitProperty(KUBELET, 'StatusText')) !== '', 'there is no status');
      expectThat((await notifications()).includes('READY=1'), 'systemd heard no READY=1');
      await awaitNodeReady();
    },
  ],
  [
    'systemd driver: groups of QoS classes, pods and containers with their limits',
    async () => {
      pods = await classesRun('systemd');
    },
  ],
  [
    'systemd driver: systemd knows the limits, a reload of it leaves them as they are',
    async () => {
      const { uid } = pod('burstable');
      const slice = podSlice('burstable', uid);
      expectThat((await unitProperty(slice, 'LoadState')) === 'loaded', `systemd has no ${slice}`);
      await becomes('MemoryMax of the slice', String(128 * MIB), () => unitProperty(slice, 'MemoryMax'));
      await command('systemctl', 'daemon-reload');
      expectLimits('systemd', pods);
    },
  ],
  [
    'LimitedSwap: a burstable container has its share, others none',
    async () => {
      const share = Math.floor((64 * MIB * swapTotal()) / memoryTotal() / 4096) * 4096;
      for (const [qos, want] of [
        ['burstable', share],
        ['guaranteed', 0],
        ['besteffort', 0],
      ] as const)
        expectCgroup(systemdContainer(qos), { 'memory.swap.max': String(want) });
    },
  ],
  [
    'MemoryQoS: memory is kept by class, burstable containers are slowed down before their limit',
    async () => {
      const kept = String(64 * MIB);
      const high = String(Math.floor(((64 + 0.9 * 64) * MIB) / 4096) * 4096);
      expectCgroup(systemdContainer('guaranteed'), { 'memory.min': kept, 'memory.high': 'max' });
      expectCgroup(systemdContainer('burstable'), {
        'memory.min': '0',
        'memory.low': kept,
        'memory.high': high,
      });
      expectCgroup(systemdContainer('besteffort'), { 'memory.min': '0', 'memory.low': '0' });
      expectCgroup(podGroup('systemd', 'guaranteed', pod('guaranteed').uid), { 'memory.min': kept });
      expectCgroup(podGroup('systemd', 'burstable', pod('burstable').uid), { 'memory.low': kept });
      await becomes('memory that all guaranteed pods keep', kept, () =>
        cgroupValue(qosGroup('systemd', 'guaranteed'), 'memory.min'),
      );
    },
  ],
  [
    'a pod is resized in place, up and down, without a restart',
    async () => {
      const { containerId, uid } = pod('burstable');
      const group = podGroup('systemd', 'burstable', uid);
      for (const [cpu, memory] of [
        ['800m', 192],
        ['300m', 160],
      ] as const) {
        await resizePod('burstable', { limits: { cpu, memory: `${memory}Mi` } });
        const want = {
          'memory.max': String(memory * MIB),
          'cpu.max': `${Number.parseInt(cpu, 10) * 100} 100000`,
        };
        for (const one of [group, systemdContainer('burstable')])
          await becomes(`limits after the resize to ${cpu} and ${memory}Mi`, '', () =>
            cgroupDifferences(one, want),
          );
        const resized = await awaitPod('burstable', 'tells the resize', (view) => isResized(view, memory));
        expectThat(
          resized.containerId === containerId && resized.restarts === 0,
          `the container was restarted: ${resized.restarts}`,
        );
      }
    },
  ],
  [
    'a container that runs out of memory is killed whole and told as OOMKilled',
    async () => {
      // The first process waits for another that eats: only killed with it does it end.
      const script = '(x=0123456789abcdef; while :; do x=$x$x; done) & wait; sleep 3600';
      await createPod('eater', {
        resources: { limits: { cpu: '500m', memory: '32Mi' } },
        script,
        spec: { restartPolicy: 'Never' },
      });
      const { json } = await awaitPod('eater', 'fails', ({ phase }) => phase === 'Failed');
      const ended = field(json, 'status', 'containerStatuses', 0, 'state', 'terminated');
      expectThat(
        field(ended, 'reason') === 'OOMKilled' && field(ended, 'exitCode') === 137,
        `it is told as ${JSON.stringify(ended)}`,
      );
      await deletePods('eater');
    },
  ],
  [
    'a kubelet that hangs misses its watchdog: systemd starts it anew, containers run on',
    async () => {
      const before = await getPod('guaranteed');
      const restarts = Number(await unitProperty(KUBELET, 'NRestarts'));
      const pid = await unitProperty(KUBELET, 'MainPID');
      await command('kill', '-STOP', pid);
      await eventually(
        'systemd restarts the unit',
        async () => (Number(await unitProperty(KUBELET, 'NRestarts')) > restarts ? true : undefined),
        6 * WATCHDOG_SECONDS,
      );
      await eventually('the unit is active', async () =>
        (await unitProperty(KUBELET, 'ActiveState')) === 'active' ? true : undefined,
      );
      expectThat((await unitProperty(KUBELET, 'MainPID')) !== pid, 'it is the same process');
      expectThat(
        (await journal(`--unit=${KUBELET}`, '_PID=1')).includes('Watchdog timeout'),
        'the reason is another',
      );
      await awaitNodeReady();
      const after = await awaitPod('guaranteed', 'is ready', isReady);
      expectThat(
        after.containerId === before.containerId && after.restarts === 0,
        'its container is another',
      );
      expectLimits('systemd', new Map([['guaranteed', after]]));
    },
  ],
  ['systemd driver: groups go with their pods', () => groupsGo('systemd')],
  [
    'a stop tells systemd STOPPING=1 and leaves pods alone',
    async () => {
      await command('systemctl', 'log-level', 'debug');
      await command('systemctl', 'stop', KUBELET);
      await command('systemctl', 'log-level', 'info');
      expectThat((await notifications()).includes('STOPPING=1'), 'systemd heard no STOPPING=1');
      expectThat((await unitProperty(KUBELET, 'Result')) === 'success', 'the unit did not end well');
    },
  ],
  [
    'cgroupfs driver: groups of QoS classes, pods and containers with their limits',
    async () => {
      await configure('cgroupfs', {
        failSwapOn: false,
        shutdownGracePeriod: `${SHUTDOWN_SECONDS.all}s`,
        shutdownGracePeriodCriticalPods: `${SHUTDOWN_SECONDS.critical}s`,
      });
      await command('systemctl', 'restart', 'containerd');
      await command('systemctl', 'start', KUBELET);
      await awaitNodeReady();
      pods = await classesRun('cgroupfs');
    },
  ],
  ['cgroupfs driver: groups go with their pods', () => groupsGo('cgroupfs')],
  [
    'pods run that are to see the machine reset',
    async () => {
      await createPod('stays', { resources: RESOURCES.burstable });
      await createPod('once', { spec: { restartPolicy: 'Never' } });
      for (const name of ['stays', 'once']) await awaitPod(name, 'is ready', isReady);
      expectThat((await nodeCondition('Ready')).status === 'True', 'the node is not ready');
    },
  ],
];

function systemdContainer(qos: Qos): string {
  const { containerId, uid } = pod(qos);
  return containerGroup('systemd', podGroup('systemd', qos, uid), containerId);
}

function expectCgroup(group: string, want: Readonly<Record<string, string>>): void {
  const difference = cgroupDifferences(group, want);
  expectThat(difference === '', difference);
}

function isResized({ json }: PodView, memory: number): boolean {
  const told = field(json, 'status', 'containerStatuses', 0, 'resources', 'limits', 'memory');
  const pending = listAt(json, 'status', 'conditions').some((one) =>
    String(field(one, 'type')).startsWith('PodResize'),
  );
  return told === `${memory}Mi` && !pending;
}
