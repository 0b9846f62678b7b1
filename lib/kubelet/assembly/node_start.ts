/** What the kubelet says of its node and does to it when it starts. */
import { readFile } from 'node:fs/promises';
import { errorMessage } from '../../base/errors.ts';
import { podsGroupLimits, reservedGroups } from '../cgroups/node_allocatable.ts';
import { OomWatcher } from '../node/oom_watcher.ts';
import type { Base } from './base.ts';
import type { NodeParts } from './node.ts';
import type { Pods } from './pods.ts';
import type { Runtime } from './runtime.ts';

type Started = Base & Runtime & Pods & NodeParts;

const RETRY_MS = 10_000;
const OOM_POLL_MS = 5_000;

/** @throws Error when a group of daemons cannot be held to its reservation, which the operator asked for by name */
export async function startNode(kubelet: Started): Promise<void> {
  const { background, cgroups, config, events, hierarchy, signal } = kubelet;
  events.node('Normal', 'Starting', 'Starting kubelet.');
  if (hierarchy.version === 1) {
    events.node(
      'Warning',
      'CgroupV1',
      'cgroup v1 detected. cgroup v1 support is deprecated and will be removed in a future release. ' +
        'Please migrate to cgroup v2. More information at https://git.k8s.io/enhancements/keps/sig-node/5573-remove-cgroup-v1',
    );
  }
  watchSystemOom(kubelet);
  for (const { title, key, cgroup, limits } of reservedGroups(config)) {
    try {
      await cgroups.limitGroup(cgroup.replace(/^\/+/, ''), limits);
    } catch (error) {
      const message = `Failed to enforce ${title} Cgroup Limits on "${cgroup}": ${errorMessage(error)}`;
      events.node('Warning', 'FailedNodeAllocatableEnforcement', message);
      throw new Error(`${message} (enforceNodeAllocatable has "${key}")`, { cause: error });
    }
    events.node(
      'Normal',
      'NodeAllocatableEnforced',
      `Updated limits on ${title.toLowerCase()} cgroup ${cgroup}`,
    );
  }
  if (config.cgroupsPerQOS && config.enforceNodeAllocatable.includes('pods'))
    background.start('Node allocatable enforcement failed', enforceOnPods(kubelet, signal));
}

/** Tells from now on of processes that the kernel kills for the want of memory of the machine. */
function watchSystemOom({ background, events, log, signal }: Started): void {
  const watcher = new OomWatcher({ events, log });
  watcher.open();
  background.every('Reading the log of the kernel failed', OOM_POLL_MS, () => watcher.poll());
  signal.addEventListener('abort', () => watcher.close(), { once: true });
}

/** Tried until it succeeds: pods of a kubelet before may still use more than they may now. */
async function enforceOnPods(kubelet: Started, signal: AbortSignal): Promise<void> {
  const { cgroups, clock, config, events, reporter } = kubelet;
  const pidMax = Number(await readFile('/proc/sys/kernel/pid_max', 'utf8').catch(() => ''));
  while (!signal.aborted) {
    const capacity = reporter.node().status?.capacity ?? {};
    const limits = podsGroupLimits(capacity, config, pidMax > 0 ? pidMax : undefined);
    try {
      await cgroups.limitPods(limits);
      events.node('Normal', 'NodeAllocatableEnforced', 'Updated Node Allocatable limit across pods');
      return;
    } catch (error) {
      const message = `Failed to update Node Allocatable Limits: ${errorMessage(error)}`;
      events.node('Warning', 'FailedNodeAllocatableEnforcement', message);
    }
    await clock.sleep(RETRY_MS, signal).catch(() => undefined);
  }
}
