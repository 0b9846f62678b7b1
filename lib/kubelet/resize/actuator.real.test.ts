/** Against a real containerd of this test's own: cgroups of a running container and of its pod. Needs root. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod, ResourceRequirements } from '../../api/types.ts';
import { nullLog } from '../../base/log.ts';
import { systemClock } from '../../base/clock.ts';
import { readHierarchy } from '../cgroups/hierarchy.ts';
import { parseCgroupRoot } from '../cgroups/cgroup_names.ts';
import { PodCgroups } from '../cgroups/pod_cgroups.ts';
import { RuntimeCache } from '../pleg/runtime_cache.ts';
import { containerResources } from '../runtime/linux_resources.ts';
import { resourceOptions } from '../testing/resource_options.ts';
import { ResizeActuator } from './actuator.ts';
import { NO_RESIZES } from './checkpoint.ts';
import { Resizes } from './resizes.ts';
import { realContainerd } from '../../../test/fixtures/kubelet_containerd.ts';

const real = realContainerd();

const MiB = 1024 * 1024;

function podOf(image: string, container: ResourceRequirements, over: Partial<Pod['spec']> = {}): Pod {
  return {
    metadata: { name: 'p', namespace: 'ns', uid: 'uid-resize' },
    spec: {
      containers: [
        {
          name: 'c',
          image,
          command: ['sh', '-c', 'dd if=/dev/zero of=/dev/shm/x bs=1M count=20; sleep 600'],
          resources: container,
        },
      ],
      ...over,
    },
  };
}

/** The pod with its container running, as a kubelet has it that started it. */
async function running(first: Pod) {
  const { containerd, cri } = real;
  const hierarchy = await readHierarchy();
  const v2 = hierarchy.version === 2;
  const cgroups = new PodCgroups({
    hierarchy,
    driver: 'cgroupfs',
    root: parseCgroupRoot(containerd.cgroupParent),
    enabled: true,
    cpuCFSQuota: true,
    cpuPeriodUs: 100_000,
    podPidsLimit: -1,
    log: nullLog,
  });
  const resources = () => resourceOptions({ cgroupV2: v2 });
  await cgroups.init();
  await cgroups.ensure(first);
  const parent = cgroups.parentOf(first);
  const [container] = first.spec.containers;
  if (container === undefined) throw new Error('no container');
  const sandbox = await real.sandbox(first, { cgroupParent: parent });
  const containerId = await sandbox.create('c', container.command ?? [], {
    linux: { resources: containerResources(first, container, resources()) },
  });
  await cri.startContainer({ containerId });
  const cache = new RuntimeCache({ cri, clock: systemClock, log: nullLog });
  await cache.relist();

  const events: string[] = [];
  let saved = NO_RESIZES;
  /** Of a kubelet that starts with what the one before saved. */
  const kubelet = () => {
    const resizes = new Resizes({
      state: saved,
      save: (state) => {
        saved = structuredClone(state);
        return Promise.resolve();
      },
      allocatable: () => ({ cpu: '8', memory: '8Gi' }),
      usesSwap: () => false,
      active: () => [],
      events: { pod: (_pod, _type, reason) => void events.push(reason) },
      timeline: { record: () => undefined },
      clock: systemClock,
      log: nullLog,
      retake: () => undefined,
    });
    return { resizes, actuator: new ResizeActuator({ cri, cgroups, resizes, resources }) };
  };
  let now = kubelet();
  now.resizes.admitted(first);
  now.actuator.started(first, 'c');

  const limits = async (): Promise<Record<string, string>> => {
    const read = async (controller: string, ...path: string[]): Promise<string> =>
      (await readFile(join(hierarchy.mounts.get(controller) ?? '', parent, ...path), 'utf8')).trim();
    const quota = async (...path: string[]): Promise<string> =>
      (await read('cpu', ...path, v2 ? 'cpu.max' : 'cpu.cfs_quota_us')).split(' ')[0] ?? '';
    const memory = v2 ? 'memory.max' : 'memory.limit_in_bytes';
    return {
      pod: await read('memory', memory),
      container: await read('memory', containerId, memory),
      quota: await quota(containerId),
      podQuota: await quota(),
    };
  };
  return {
    containerId,
    events,
    limits,
    actuated: () => now.resizes.actuated('uid-resize', 'c'),
    steps: (pod: Pod) => now.actuator.steps(pod, cache.podStatus('uid-resize')),
    resize: async (wanted: Pod): Promise<void> => {
      const pod = now.resizes.take(wanted);
      await now.actuator.apply(pod, cache.podStatus('uid-resize'), new AbortController().signal);
      expect(now.actuator.steps(pod, cache.podStatus('uid-resize'))).toBeUndefined();
    },
    grant: (wanted: Pod): Pod => now.resizes.take(wanted),
    restart: async (): Promise<void> => {
      await now.resizes.saved();
      now = kubelet();
    },
    /** dd may not be done yet. */
    filled: async (): Promise<void> => {
      for (let attempt = 0; attempt < 100; attempt++) {
        const { stats } = await cri.containerStats({ containerId });
        const used = stats?.memory?.usageBytes?.value ?? stats?.memory?.workingSetBytes?.value ?? 0n;
        if (Number(used) > 20 * MiB) return;
        await systemClock.sleep(50);
      }
    },
    end: async (): Promise<void> => {
      await cri.stopPodSandbox({ podSandboxId: sandbox.id });
      await cri.removePodSandbox({ podSandboxId: sandbox.id });
      await cgroups.remove('uid-resize');
    },
  };
}

const shown = (cpu: number, memory: number): Record<string, string> => ({
  pod: String(memory * MiB),
  container: String(memory * MiB),
  quota: String(cpu),
  podQuota: String(cpu),
});

test('K9: limits of a running container and of its pod grow and shrink, but not below what is in use', async () => {
  const { busybox } = real.containerd.images;
  const requests = { cpu: '100m', memory: '16Mi' };
  const asking = (cpu: string, memory: string): Pod => podOf(busybox, { requests, limits: { cpu, memory } });
  const pod = await running(asking('500m', '64Mi'));
  expect(await pod.limits()).toEqual(shown(50_000, 64));
  await pod.resize(asking('1', '128Mi'));
  expect(await pod.limits()).toEqual(shown(100_000, 128));
  await pod.resize(asking('250m', '48Mi'));
  expect(await pod.limits()).toEqual(shown(25_000, 48));
  await pod.filled();
  await expect(pod.resize(asking('250m', '10Mi'))).rejects.toThrow(
    /^cannot decrease memory limits: attempting to set container "c" memory limit \(10485760\) below current usage \(\d+\)$/,
  );
  expect(await pod.limits()).toEqual(shown(25_000, 48));
  expect(pod.actuated()).toEqual({ requests, limits: { cpu: '250m', memory: '48Mi' } });
  expect(pod.events).toEqual([
    'ResizeStarted',
    'ResizeCompleted',
    'ResizeStarted',
    'ResizeCompleted',
    'ResizeStarted',
    'ResizeError',
  ]);
  await pod.end();
});

test('K9: limits of a pod as a whole are those of its containers too, also after a kubelet that was killed meanwhile', async () => {
  const { busybox } = real.containerd.images;
  const requests = { cpu: '100m', memory: '16Mi' };
  const asking = (cpu: string, memory: string): Pod =>
    podOf(busybox, {}, { resources: { requests, limits: { cpu, memory } } });
  const pod = await running(asking('500m', '64Mi'));
  expect(await pod.limits()).toEqual(shown(50_000, 64));
  await pod.resize(asking('1', '128Mi'));
  expect(await pod.limits()).toEqual(shown(100_000, 128));
  pod.grant(asking('250m', '48Mi'));
  await pod.restart();
  const granted = pod.grant(asking('250m', '48Mi'));
  expect(pod.steps(granted)).toMatchObject({ updates: [{ containerId: pod.containerId }], group: true });
  await pod.resize(asking('250m', '48Mi'));
  expect(await pod.limits()).toEqual(shown(25_000, 48));
  await pod.filled();
  const below = 'memory limit \\(10485760\\) below current usage \\(\\d+\\)';
  await expect(pod.resize(asking('250m', '10Mi'))).rejects.toThrow(
    new RegExp(
      `^cannot decrease memory limits: \\[attempting to set pod ${below}, attempting to set container "c" ${below}\\]$`,
    ),
  );
  expect(await pod.limits()).toEqual(shown(25_000, 48));
  expect(pod.events.slice(2)).toEqual(['ResizeStarted', 'ResizeCompleted', 'ResizeStarted', 'ResizeError']);
  await pod.end();
});
