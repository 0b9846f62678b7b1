/** The container runtime: its connection, health, the view of what it has, and the cgroups that it works in. */
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../api/types.ts';
import { errorMessage } from '../../base/errors.ts';
import { connectRuntime, type RuntimeClient } from '../../cri/runtime_client.ts';
import { systemdSlices } from '../cgroups/slices.ts';
import { cgroupPath, parseCgroupRoot, qosCgroup } from '../cgroups/cgroup_names.ts';
import { childGroups, type Hierarchy, readHierarchy } from '../cgroups/hierarchy.ts';
import { PodCgroups } from '../cgroups/pod_cgroups.ts';
import type { ContainerExec } from '../contracts.ts';
import { RuntimeCache } from '../pleg/runtime_cache.ts';
import type { SwapOptions } from '../runtime/linux_resources.ts';
import { RuntimeHealth } from '../runtime/runtime_health.ts';
import type { StreamingRuntime } from '../server/view.ts';
import type { Base } from './base.ts';
import type { KubeletMetrics } from './metrics.ts';

export interface Runtime {
  readonly cri: RuntimeClient;
  readonly health: RuntimeHealth;
  readonly cache: RuntimeCache;
  readonly hierarchy: Hierarchy;
  readonly cgroupDriver: 'cgroupfs' | 'systemd';
  readonly cgroups: PodCgroups;
  readonly exec: ContainerExec;
  /** See {@link ResourceOptions}. */
  readonly swap: SwapOptions | undefined;
  readonly streaming: StreamingRuntime;
}

const RUNTIME_WAIT_MS = 60_000;
const STREAMING_TIMEOUT_MS = 30_000;
/** Twelve days; a timer of 25 fires at once. */
const LONGEST_EXEC_MS = 2 ** 30;

/** @throws Error when the runtime does not answer within a minute */
export async function connectToRuntime(base: Base & KubeletMetrics): Promise<Runtime> {
  const { clock, config, gates, log, signal } = base;
  const cri = connectRuntime({
    endpoint: config.containerRuntimeEndpoint,
    imageEndpoint: config.imageServiceEndpoint,
    requestTimeoutMs: config.runtimeRequestTimeout,
    observe: base.observeRuntimeCall,
  });
  const health = new RuntimeHealth(cri, clock, log);
  await waitForRuntime(health, base);
  const hierarchy = await readHierarchy();
  const cgroupDriver = await askCgroupDriver(cri, config.cgroupDriver, signal);
  const cgroups = new PodCgroups({
    hierarchy,
    driver: cgroupDriver,
    root: parseCgroupRoot(config.cgroupRoot),
    enabled: config.cgroupsPerQOS,
    cpuCFSQuota: config.cpuCFSQuota,
    cpuPeriodUs: config.cpuCFSQuotaPeriod * 1000,
    podPidsLimit: config.podPidsLimit,
    reserveMemory:
      hierarchy.version === 2 &&
      gates.enabled('MemoryQoS') &&
      config.memoryReservationPolicy === 'TieredReservation',
    ...(cgroupDriver === 'systemd' && hierarchy.version === 2 ? { slices: systemdSlices({ signal }) } : {}),
    log,
  });
  await cgroups.init();
  return {
    cri,
    health,
    cache: new RuntimeCache({ cri, clock, log, relisted: (ms) => base.lifecycle.relisted(ms) }),
    hierarchy,
    cgroupDriver,
    cgroups,
    exec: execIn(cri),
    swap: await readSwap(hierarchy, config.memorySwap.swapBehavior),
    streaming: streamingOf(cri),
  };
}

/** The group that all pods are in, below the hierarchies' roots. */
export function podsGroupPath({ cgroupDriver, config }: Pick<Base, 'config'> & Runtime): string {
  return cgroupPath(qosCgroup(parseCgroupRoot(config.cgroupRoot), 'Guaranteed'), cgroupDriver);
}

/** The group of a pod as the kernel knows it, below the hierarchies' roots; `undefined` where pods have none. */
export function podGroupPath(
  { cgroups, config }: Pick<Base, 'config'> & Pick<Runtime, 'cgroups'>,
  pod: Pod,
): string | undefined {
  return config.cgroupsPerQOS ? `/${cgroups.pathOf(pod)}` : undefined;
}

/** Watches health and pods of the runtime. Resolves when its pods have been listed once. */
export async function followRuntime({
  cache,
  health,
  background,
  clock,
  signal,
}: Base & Runtime): Promise<void> {
  background.start('Runtime health failed', health.run(signal));
  background.start('Runtime cache failed', cache.run(signal));
  while (!cache.synced && !signal.aborted) await clock.sleep(50, signal).catch(() => undefined);
}

async function waitForRuntime(health: RuntimeHealth, { clock, config, signal }: Base): Promise<void> {
  const until = clock.monotonic() + RUNTIME_WAIT_MS;
  for (;;) {
    try {
      await health.check(signal);
      return;
    } catch (error) {
      if (signal.aborted || clock.monotonic() > until) {
        throw new Error(
          `the container runtime at ${config.containerRuntimeEndpoint} does not answer: ${errorMessage(error)}`,
          { cause: error },
        );
      }
      await clock.sleep(500, signal);
    }
  }
}

/** The runtime's word counts, where it has one. */
async function askCgroupDriver(
  cri: RuntimeClient,
  configured: 'cgroupfs' | 'systemd',
  signal: AbortSignal,
): Promise<'cgroupfs' | 'systemd'> {
  try {
    const { linux } = await cri.runtimeConfig({}, { signal, timeoutMs: 10_000 });
    if (linux !== undefined) return linux.cgroupDriver === 0 ? 'systemd' : 'cgroupfs';
  } catch (error) {
    if (cri.supports('runtimeConfig')) throw error;
  }
  return configured;
}

/** Swap can be limited where the groups of v2 have a file for it. */
async function readSwap(hierarchy: Hierarchy, behavior: string): Promise<SwapOptions | undefined> {
  const root = hierarchy.mounts.get('memory');
  if (hierarchy.version !== 2 || root === undefined) return undefined;
  // The root has none: any group below tells.
  const groups = await childGroups(hierarchy, '');
  const files = await Promise.all(
    groups.map((name) =>
      access(join(root, name, 'memory.swap.max')).then(
        () => true,
        () => false,
      ),
    ),
  );
  if (!files.includes(true)) return undefined;
  const meminfo = await readFile('/proc/meminfo', 'utf8');
  const kilobytes = Number(/^SwapTotal:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? 0);
  return { limited: behavior === 'LimitedSwap', capacityBytes: kilobytes * 1024 };
}

function execIn(cri: RuntimeClient): ContainerExec {
  return {
    async execSync(containerId, argv, { timeoutMs, signal }) {
      const limitMs = Math.min(timeoutMs, LONGEST_EXEC_MS);
      const response = await cri.execSync(
        { containerId, cmd: [...argv], timeout: BigInt(Math.max(1, Math.ceil(limitMs / 1000))) },
        { signal, timeoutMs: limitMs + 10_000 },
      );
      return { exitCode: response.exitCode, stdout: response.stdout, stderr: response.stderr };
    },
  };
}

function streamingOf(cri: RuntimeClient): StreamingRuntime {
  const timeoutMs = STREAMING_TIMEOUT_MS;
  return {
    exec: async ({ argv, ...request }, signal) =>
      (await cri.exec({ ...request, cmd: [...argv] }, { signal, timeoutMs })).url,
    attach: async (request, signal) => (await cri.attach(request, { signal, timeoutMs })).url,
    portForward: async ({ sandboxId, ports }, signal) =>
      (await cri.portForward({ podSandboxId: sandboxId, port: [...ports] }, { signal, timeoutMs })).url,
  };
}
