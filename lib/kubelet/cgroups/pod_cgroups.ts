/** The cgroups of QoS classes and pods: made before a pod's sandbox, removed when nothing of the pod runs any more. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { allContainers } from '../../api/pod.ts';
import { podQOS } from '../../api/qos.ts';
import { podLimits as limitsOf } from '../../api/resources.ts';
import type { Pod } from '../../api/types.ts';
import type { Log } from '../../base/log.ts';
import { bytes, cpuQuota, cpuShares, isHugePages, milliCpu, pageSize } from '../runtime/linux_resources.ts';
import { isSidecar } from '../runtime/restart_policy.ts';
import { podUid } from '../runtime/runtime_names.ts';
import {
  type CgroupDriver,
  type CgroupName,
  cgroupParent,
  cgroupPath,
  podCgroup,
  podUidOf,
  type QosClass,
  qosCgroup,
} from './cgroup_names.ts';
import { childGroups, createGroup, type Hierarchy, removeGroup, setValue } from './hierarchy.ts';
import { classReservations, podReservation } from './memory_qos.ts';
import type { GroupLimits } from './node_allocatable.ts';
import type { GroupSettings, Slices } from './slices.ts';

export interface PodCgroupsOptions {
  readonly hierarchy: Hierarchy;
  readonly driver: CgroupDriver;
  readonly root: CgroupName;
  /** `cgroupsPerQOS`; without it pods go into the root group. */
  readonly enabled: boolean;
  readonly cpuCFSQuota: boolean;
  readonly cpuPeriodUs: number;
  /** `podPidsLimit`; -1 for none. */
  readonly podPidsLimit: number;
  /** Memory that pods request is kept for them (v2 only). */
  readonly reserveMemory?: boolean;
  /** systemd, where its driver is used: what is set behind its back it sets back. */
  readonly slices?: Slices;
  readonly log: Log;
}

/** The first has the others below it. */
export const QOS_CLASSES: readonly QosClass[] = ['Guaranteed', 'Burstable', 'BestEffort'];

/** What a pod's group is given. */
export interface PodLimits {
  readonly cpuShares: number;
  /** Microseconds per period; undefined: no limit, as some container has none. */
  readonly cpuQuota: number | undefined;
  readonly memoryBytes: number | undefined;
  /** Bytes by size (`2MB`), of huge pages that the pod may use. */
  readonly hugePages: ReadonlyMap<string, number>;
}

export class PodCgroups {
  readonly #options: PodCgroupsOptions;
  readonly #made = new Set<string>();
  readonly #reported = new Set<string>();

  constructor(options: PodCgroupsOptions) {
    this.#options = options;
  }

  /** Makes the groups of the QoS classes. */
  async init(): Promise<void> {
    const { enabled, root, driver, hierarchy } = this.#options;
    if (!enabled) return;
    for (const qos of QOS_CLASSES) {
      const path = cgroupPath(qosCgroup(root, qos), driver);
      const settings = qos === 'BestEffort' ? this.#cpuShares(2) : {};
      await this.#tellSystemd((slices) => slices.start(unitOf(path), settings));
      await createGroup(hierarchy, path);
      await this.#write(path, settings);
    }
  }

  /** Holds all pods together within limits. Rejects when the kernel refuses one. */
  async limitPods(limits: GroupLimits): Promise<void> {
    const { enabled, root, driver } = this.#options;
    if (enabled) await this.limitGroup(cgroupPath(qosCgroup(root, 'Guaranteed'), driver), limits);
  }

  /** Limits any group that is there. Rejects when it is not, or the kernel refuses. @param path below the root */
  async limitGroup(path: string, limits: GroupLimits): Promise<void> {
    const { hierarchy } = this.#options;
    const { milliCpu, memoryBytes, pids } = limits;
    const settings = {
      ...(milliCpu === undefined ? {} : this.#cpuShares(cpuShares(milliCpu))),
      ...(memoryBytes === undefined ? {} : this.#memory(memoryBytes)),
      ...(pids === undefined ? {} : { 'pids.max': String(pids) }),
    };
    await this.#tellSystemd((slices) => slices.set(unitOf(path), settings));
    for (const [file, value] of Object.entries(settings))
      if (!(await setValue(hierarchy, controllerOf(file), path, file, value)))
        throw new Error(`there is no ${file} in cgroup ${path}`);
  }

  /** CRI's `cgroupParent` of the pod. */
  parentOf(pod: Pod): string {
    const { enabled, root, driver } = this.#options;
    return enabled
      ? cgroupParent(podCgroup(root, podQOS(pod), podUid(pod)), driver)
      : cgroupParent(root, driver);
  }

  /** Makes the pod's group and sets its limits. Idempotent. */
  async ensure(pod: Pod): Promise<void> {
    const { enabled, hierarchy, podPidsLimit } = this.#options;
    const uid = podUid(pod);
    if (!enabled || this.#made.has(uid)) return;
    const path = this.pathOf(pod);
    const limits = podLimits(pod, this.#options);
    const settings = {
      ...this.#cpuShares(limits.cpuShares),
      ...(limits.cpuQuota === undefined ? {} : this.#cpuQuota(limits.cpuQuota)),
      ...(limits.memoryBytes === undefined ? {} : this.#memory(limits.memoryBytes)),
      ...this.#hugePages(limits.hugePages),
      ...(podPidsLimit > 0 ? { 'pids.max': String(podPidsLimit) } : {}),
      ...(this.#options.reserveMemory === true ? podReservation(pod) : {}),
    };
    await this.#tellSystemd((slices) => slices.start(unitOf(path), settings));
    await createGroup(hierarchy, path);
    await this.#write(path, settings);
    this.#made.add(uid);
  }

  /**
   * Raises the limits of the group of a running pod that are to grow: before its containers do.
   *
   * @param before the pod with what the group was set to
   */
  async grow(pod: Pod, before: Pod): Promise<void> {
    const { enabled } = this.#options;
    if (!enabled) return;
    const [now, was] = [podLimits(pod, this.#options), podLimits(before, this.#options)];
    const more = (a = Number.POSITIVE_INFINITY, b = Number.POSITIVE_INFINITY): boolean => a > b;
    await this.#set(this.pathOf(pod), {
      ...(more(now.cpuShares, was.cpuShares) ? this.#cpuShares(now.cpuShares) : {}),
      ...(more(now.cpuQuota, was.cpuQuota) ? this.#cpuQuota(now.cpuQuota) : {}),
      ...(more(now.memoryBytes, was.memoryBytes) ? this.#memory(now.memoryBytes) : {}),
    });
  }

  /** Sets all limits of the group of a running pod, whatever they were: after its containers have shrunk. */
  async settle(pod: Pod): Promise<void> {
    const { enabled } = this.#options;
    if (!enabled) return;
    const limits = podLimits(pod, this.#options);
    await this.#set(this.pathOf(pod), {
      ...this.#cpuShares(limits.cpuShares),
      ...this.#cpuQuota(limits.cpuQuota),
      ...this.#memory(limits.memoryBytes),
      ...(this.#options.reserveMemory === true ? podReservation(pod) : {}),
    });
  }

  /** Bytes of memory that the pod uses and may at most use; `undefined` where that is not known or not limited. */
  async memory(pod: Pod): Promise<{ readonly used: number; readonly limit: number | undefined } | undefined> {
    const { enabled, hierarchy } = this.#options;
    const used = enabled
      ? await this.#read(pod, 'memory', hierarchy.version === 2 ? 'memory.current' : 'memory.usage_in_bytes')
      : undefined;
    return used === undefined ? undefined : { used, limit: podLimits(pod, this.#options).memoryBytes };
  }

  /** The burstable class weighs as much as the requests of its pods; each has the memory that its pods are to keep. */
  async balance(pods: readonly Pod[]): Promise<void> {
    const { enabled, root, driver } = this.#options;
    if (!enabled) return;
    const requests = pods
      .filter((pod) => podQOS(pod) === 'Burstable')
      .reduce((sum, pod) => sum + podMilliCpu(pod), 0);
    await this.#set(cgroupPath(qosCgroup(root, 'Burstable'), driver), this.#cpuShares(cpuShares(requests)));
    if (this.#options.reserveMemory !== true) return;
    const reservations = classReservations(pods);
    for (const qos of QOS_CLASSES)
      await this.#set(cgroupPath(qosCgroup(root, qos), driver), reservations[qos]);
  }

  /** Removes the pod's group, whichever class it is in. Rejects while a process is in it. */
  async remove(uid: string): Promise<void> {
    const { enabled, root, driver, hierarchy } = this.#options;
    if (!enabled) return;
    const paths = QOS_CLASSES.map((qos) => cgroupPath(podCgroup(root, qos, uid), driver));
    for (const path of paths) await removeGroup(hierarchy, path);
    // Only now: a slice that is stopped takes along what runs in it.
    await this.#tellSystemd((slices) => slices.stop(paths.map(unitOf)));
    this.#made.delete(uid);
  }

  /** Tasks in the pod's group, those of its containers included; `undefined` where the kernel does not count them. */
  async processes(pod: Pod): Promise<number | undefined> {
    return this.#options.enabled ? this.#read(pod, 'pids', 'pids.current') : undefined;
  }

  /** UIDs of all pods that have a group. */
  async pods(): Promise<readonly string[]> {
    const { enabled, root, driver, hierarchy } = this.#options;
    if (!enabled) return [];
    const uids = new Set<string>();
    for (const qos of QOS_CLASSES) {
      for (const name of await childGroups(hierarchy, cgroupPath(qosCgroup(root, qos), driver))) {
        const uid = podUidOf(name, driver);
        if (uid !== undefined) uids.add(uid);
      }
    }
    return [...uids];
  }

  /** Of the pod's group, below the roots of the hierarchies. */
  pathOf(pod: Pod): string {
    const { root, driver } = this.#options;
    return cgroupPath(podCgroup(root, podQOS(pod), podUid(pod)), driver);
  }

  /** A number that the kernel keeps of the pod's group. */
  async #read(pod: Pod, controller: string, file: string): Promise<number | undefined> {
    const mount = this.#options.hierarchy.mounts.get(controller);
    if (mount === undefined) return undefined;
    const text = await readFile(join(mount, this.pathOf(pod), file), 'utf8').catch(() => '');
    const count = Number(text.trim());
    return text === '' || Number.isNaN(count) ? undefined : count;
  }

  /** @param quotaUs microseconds per period; `undefined`: no limit */
  #cpuQuota(quotaUs: number | undefined): GroupSettings {
    const { hierarchy, cpuPeriodUs } = this.#options;
    return hierarchy.version === 2
      ? { 'cpu.max': `${quotaUs ?? 'max'} ${cpuPeriodUs}` }
      : { 'cpu.cfs_period_us': String(cpuPeriodUs), 'cpu.cfs_quota_us': String(quotaUs ?? -1) };
  }

  #memory(bytes: number | undefined): GroupSettings {
    return this.#options.hierarchy.version === 2
      ? { 'memory.max': bytes === undefined ? 'max' : String(bytes) }
      : { 'memory.limit_in_bytes': bytes === undefined ? '-1' : String(bytes) };
  }

  #hugePages(limits: PodLimits['hugePages']): GroupSettings {
    const end = this.#options.hierarchy.version === 2 ? 'max' : 'limit_in_bytes';
    return Object.fromEntries([...limits].map(([size, limit]) => [`hugetlb.${size}.${end}`, String(limit)]));
  }

  #cpuShares(shares: number): GroupSettings {
    return this.#options.hierarchy.version === 2
      ? { 'cpu.weight': String(cpuWeight(shares)) }
      : { 'cpu.shares': String(shares) };
  }

  async #set(path: string, settings: GroupSettings): Promise<void> {
    if (Object.keys(settings).length === 0) return;
    await this.#tellSystemd((slices) => slices.set(unitOf(path), settings));
    await this.#write(path, settings);
  }

  /** A limit that cannot be set is reported once and does not keep the pod from running. */
  async #write(path: string, settings: GroupSettings): Promise<void> {
    for (const [file, value] of Object.entries(settings)) {
      let problem: unknown;
      try {
        if (await setValue(this.#options.hierarchy, controllerOf(file), path, file, value)) continue;
        problem = new Error(`no ${file} here`);
      } catch (error) {
        problem = error;
      }
      this.#report(file, 'Cannot set a cgroup limit; going on without', { cgroup: path, value }, problem);
    }
  }

  /** Without systemd the groups are there all the same: its refusal is reported once. */
  async #tellSystemd(tell: (slices: Slices) => Promise<void>): Promise<void> {
    const { slices } = this.#options;
    if (slices === undefined) return;
    try {
      await tell(slices);
    } catch (error) {
      this.#report('systemd', 'Cannot tell systemd of a cgroup; going on without', {}, error);
    }
  }

  #report(key: string, message: string, about: Readonly<Record<string, unknown>>, err: unknown): void {
    if (this.#reported.has(key)) return;
    this.#reported.add(key);
    this.#options.log.warn(message, { ...about, file: key, err });
  }
}

/** systemd's name of the group at a path. */
function unitOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** `memory.max` and the like begin with their controller. */
function controllerOf(file: string): string {
  return file.slice(0, file.indexOf('.'));
}

/** The conversion of the OCI runtimes: 2..262144 to 1..10000. */
function cpuWeight(shares: number): number {
  return 1 + Math.floor(((shares - 2) * 9999) / 262_142);
}

/** Limits of a pod's group: its own, or what its containers have together, and none where some container has none. Pure. */
export function podLimits(
  pod: Pod,
  options: { readonly cpuCFSQuota: boolean; readonly cpuPeriodUs: number },
): PodLimits {
  const limits = limitsOf(pod);
  const cpu = isLimited(pod, 'cpu') ? Number(limits.get('cpu')?.milliValue() ?? 0n) : undefined;
  const memory = isLimited(pod, 'memory') ? Number(limits.get('memory')?.value() ?? 0n) : undefined;
  return {
    cpuShares: cpuShares(podMilliCpu(pod)),
    cpuQuota: options.cpuCFSQuota && cpu !== undefined ? cpuQuota(cpu, options.cpuPeriodUs) : undefined,
    memoryBytes: memory,
    hugePages: new Map(
      [...limits]
        .filter(([name]) => isHugePages(name))
        .map(([name, amount]) => [pageSize(name), Number(amount.value())]),
    ),
  };
}

type Limits = Readonly<Record<string, string>> | undefined;

function isLimited(pod: Pod, name: 'cpu' | 'memory'): boolean {
  const has = (resources: { readonly limits?: Limits } | undefined): boolean =>
    bytes(resources?.limits?.[name]) > 0;
  return has(pod.spec.resources) || allContainers(pod).every((c) => has(c.resources));
}

function podMilliCpu(pod: Pod): number {
  const overhead = milliCpu(pod.spec.overhead?.['cpu']);
  const ofPod = milliCpu(pod.spec.resources?.requests?.['cpu']);
  if (ofPod > 0) return ofPod + overhead;
  const request = (c: {
    readonly resources?: { readonly requests?: Limits; readonly limits?: Limits };
  }): number => milliCpu(c.resources?.requests?.['cpu'] ?? c.resources?.limits?.['cpu']);
  const inits = pod.spec.initContainers ?? [];
  const sum = [...pod.spec.containers, ...inits.filter(isSidecar)].reduce(
    (total, c) => total + request(c),
    0,
  );
  return Math.max(sum, 0, ...inits.filter((c) => !isSidecar(c)).map(request)) + overhead;
}
