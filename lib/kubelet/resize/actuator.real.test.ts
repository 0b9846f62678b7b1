/** Against a real containerd of this test's own: cgroups of a running container and of its pod. Needs root. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../api/types.ts';
import { nullLog } from '../../base/log.ts';
import { systemClock } from '../../base/clock.ts';
import { readHierarchy } from '../cgroups/hierarchy.ts';
import { parseCgroupRoot } from '../cgroups/cgroup_names.ts';
import { PodCgroups } from '../cgroups/pod_cgroups.ts';
import { RuntimeCache } from '../pleg/runtime_cache.ts';
import { containerResources } from '../runtime/linux_resources.ts';
import { resourceOptions } from '../testing/resource_options.ts';
import { grantedOf } from './allocation.ts';
import { ResizeActuator } from './actuator.ts';
import { NO_RESIZES } from './checkpoint.ts';
import { Resizes } from './resizes.ts';
import { realContainerd } from '../../../test/fixtures/kubelet_containerd.ts';

const real = realContainerd();

function podOf(image: string, cpu: string, memory: string): Pod {
  const amounts = { cpu, memory };
  return {
    metadata: { name: 'p', namespace: 'ns', uid: 'uid-resize' },
    spec: {
      containers: [
        {
          name: 'c',
          image,
          command: ['sh', '-c', 'dd if=/dev/zero of=/dev/shm/x bs=1M count=20; sleep 600'],
          resources: { requests: { cpu: '100m', memory: '16Mi' }, limits: amounts },
        },
      ],
    },
  };
}

test('K9: limits of a running container and of its pod grow and shrink, but not below what is in use', async () => {
  const { containerd, cri } = real;
  const signal = new AbortController().signal;
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
  const first = podOf(containerd.images.busybox, '500m', '64Mi');
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
  const resizes = new Resizes({
    state: NO_RESIZES,
    save: () => Promise.resolve(),
    allocatable: () => ({ cpu: '8', memory: '8Gi' }),
    active: () => [],
    events: { pod: (_pod, _type, reason) => void events.push(reason) },
    timeline: { record: () => undefined },
    clock: systemClock,
    log: nullLog,
    retake: () => undefined,
  });
  resizes.admitted(first);
  const actuator = new ResizeActuator({ cri, cgroups, resizes, resources });
  actuator.started(first, 'c');

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
  const MiB = 1024 * 1024;
  const shown = (cpu: number, memory: number): Record<string, string> => ({
    pod: String(memory * MiB),
    container: String(memory * MiB),
    quota: String(cpu),
    podQuota: String(cpu),
  });
  expect(await limits()).toEqual(shown(50_000, 64));
  const resize = async (cpu: string, memory: string): Promise<void> => {
    const pod = resizes.take(podOf(containerd.images.busybox, cpu, memory));
    await actuator.apply(pod, cache.podStatus('uid-resize'), signal);
    expect(actuator.steps(pod, cache.podStatus('uid-resize'))).toBeUndefined();
  };
  await resize('1', '128Mi');
  expect(await limits()).toEqual(shown(100_000, 128));
  await resize('250m', '48Mi');
  expect(await limits()).toEqual(shown(25_000, 48));
  // dd may not be done yet: the refusal is what counts, so wait for it.
  for (let attempt = 0; attempt < 100; attempt++) {
    const { stats } = await cri.containerStats({ containerId });
    if (Number(stats?.memory?.usageBytes?.value ?? stats?.memory?.workingSetBytes?.value ?? 0n) > 20 * MiB)
      break;
    await systemClock.sleep(50);
  }
  await expect(resize('250m', '10Mi')).rejects.toThrow(
    /^cannot decrease memory limits: attempting to set container "c" memory limit \(10485760\) below current usage \(\d+\)$/,
  );
  expect(await limits()).toEqual(shown(25_000, 48));
  expect(resizes.actuated('uid-resize', 'c')).toEqual(
    grantedOf({ requests: { cpu: '100m', memory: '16Mi' }, limits: { cpu: '250m', memory: '48Mi' } }),
  );
  expect(events).toEqual([
    'ResizeStarted',
    'ResizeCompleted',
    'ResizeStarted',
    'ResizeCompleted',
    'ResizeStarted',
    'ResizeError',
  ]);
  await cri.stopPodSandbox({ podSandboxId: sandbox.id });
  await cri.removePodSandbox({ podSandboxId: sandbox.id });
  await cgroups.remove('uid-resize');
});
