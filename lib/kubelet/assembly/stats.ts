/** Usage of the node and its pods: one source for /stats/summary, the metrics made from it, and eviction. */
import { join } from 'node:path';
import { parseQuantity } from '../../api/quantity.ts';
import { allContainers } from '../../api/pod.ts';
import { fileText, groupsBelow } from '../metrics/group_counters.ts';
import type { ContainerStats } from '../server/summary.ts';
import { cgroupStats } from '../server/stats/cgroup_stats.ts';
import { criStats } from '../server/stats/cri_stats.ts';
import { DiskUsage } from '../server/stats/disk_usage.ts';
import type { PressureFiles, ReadPressure } from '../server/stats/pressure.ts';
import type { StatsSource } from '../server/view.ts';
import type { Base } from './base.ts';
import type { ContainerInputs } from './container_inputs.ts';
import type { Pods } from './pods.ts';
import { podGroupPath, podsGroupPath, type Runtime } from './runtime.ts';

export interface Stats {
  readonly stats: StatsSource;
}

const LOGS_AGE_MS = 10_000;

export function createStats(kubelet: Base & Runtime & Pods & ContainerInputs): Stats {
  const { cache, clock, config, cri, dirs, hierarchy, nodeName, pods, volumes } = kubelet;
  const startTime = new Date(clock.now()).toISOString();
  const groups: readonly (readonly [string, string])[] = [
    ['pods', config.cgroupsPerQOS ? podsGroupPath(kubelet) : ''],
    ['kubelet', config.kubeletCgroups],
    ['runtime', kubelet.flags.runtimeCgroups],
  ];
  const systemContainers = async (time: string): Promise<ContainerStats[]> => {
    const found = await Promise.all(
      groups
        .filter(([, path]) => path !== '')
        .map(async ([name, path]) => ({ name, startTime, ...(await cgroupStats(hierarchy, path, time)) })),
    );
    return found.filter(({ cpu, memory }) => cpu !== undefined || memory !== undefined);
  };
  const stats = criStats({
    client: cri,
    runtime: cache,
    nodeName,
    rootDir: dirs.root,
    clock,
    memoryLimit: (uid, name) => {
      const pod = pods.pod(uid);
      const container = pod === undefined ? undefined : allContainers(pod).find((c) => c.name === name);
      const limit = container?.resources?.limits?.['memory'];
      return limit === undefined ? undefined : Number(parseQuantity(limit).value());
    },
    disk: {
      dirs,
      volumes: new DiskUsage({ clock, maxAgeMs: config.volumeStatsAggPeriod }),
      logs: new DiskUsage({ clock, maxAgeMs: LOGS_AGE_MS }),
      pod: (uid) => pods.pod(uid),
      hostPaths: (uid) => volumes.hostPaths(uid),
    },
    systemContainers,
    ...(hierarchy.version === 2 ? { pressure: pressureFiles(kubelet) } : {}),
  });
  return { stats };
}

/** cgroup v2 has one root for all controllers. */
function pressureFiles(kubelet: Base & Runtime & Pods): PressureFiles {
  const { cache, hierarchy, pods } = kubelet;
  const [root = ''] = hierarchy.roots;
  const reader =
    (dir: string): ReadPressure =>
    (resource) =>
      fileText(join(root, dir, `${resource}.pressure`));
  return {
    node: (resource) => fileText(`/proc/pressure/${resource}`),
    pod(uid) {
      const pod = pods.pod(uid);
      const path = pod === undefined ? undefined : podGroupPath(kubelet, pod);
      if (path === undefined) return undefined;
      const groups = groupsBelow(hierarchy, path);
      const running = (cache.podStatus(uid)?.containers ?? []).filter(({ state }) => state === 'running');
      return {
        read: reader(path),
        container(name) {
          const id = running.find((container) => container.name === name)?.id;
          const group = id === undefined ? undefined : groups.find((each) => each.includes(id));
          return group === undefined ? undefined : reader(join(path, group));
        },
      };
    },
  };
}
