/** Requests and limits to what the kernel takes. */
import { parseQuantity } from '../../api/quantity.ts';
import { podQOS } from '../../api/qos.ts';
import { allContainers, podPriority } from '../../api/pod.ts';
import { podLimits, podRequests, type ResourceMap } from '../../api/resources.ts';
import type { Container, Pod, ResourceRequirements } from '../../api/types.ts';
import type { LinuxContainerResources, Partially, PodSandboxConfig } from '../../cri/runtime_client.ts';
import { effectiveResources } from './pod_level_limits.ts';

const HUGE_PAGES = 'hugepages-';
const MIN_SHARES = 2;
const MAX_SHARES = 262_144;
const MIN_QUOTA_US = 1000;
/** Pods of at least this priority (`system-cluster-critical`) are as protected as guaranteed ones. */
const SYSTEM_CRITICAL_PRIORITY = 2_000_000_000;

/** cpu.shares of a request: 1024 per CPU. */
export function cpuShares(milliCpu: number): number {
  if (milliCpu <= 0) return MIN_SHARES;
  return Math.min(MAX_SHARES, Math.max(MIN_SHARES, Math.floor((milliCpu * 1024) / 1000)));
}

/** cpu.cfs_quota_us of a limit, 0 for none. */
export function cpuQuota(milliCpu: number, periodUs: number): number {
  if (milliCpu <= 0) return 0;
  return Math.max(MIN_QUOTA_US, Math.floor((milliCpu * periodUs) / 1000));
}

/** CPU in thousandths, 0 for absent. */
export function milliCpu(quantity: string | undefined): number {
  return quantity === undefined ? 0 : Number(parseQuantity(quantity).milliValue());
}

/** Bytes, 0 for absent. */
export function bytes(quantity: string | undefined): number {
  return quantity === undefined ? 0 : Number(parseQuantity(quantity).value());
}

/** What the kernel's OOM killer adds to the container's score: who asked for memory and keeps to it dies last. */
export function oomScoreAdj(
  pod: Pod,
  container: Pick<Container, 'resources'>,
  memoryCapacity: number,
): number {
  if (podPriority(pod) >= SYSTEM_CRITICAL_PRIORITY) return -997;
  const qos = podQOS(pod);
  if (qos === 'Guaranteed') return -997;
  if (qos === 'BestEffort') return 1000;
  const request = bytes(container.resources?.requests?.['memory']) + sharedMemory(pod);
  const adjusted = 1000 - Math.floor((1000 * request) / Math.max(memoryCapacity, 1));
  // Between guaranteed (below) and best effort (above), whatever the request.
  return Math.min(999, Math.max(3, adjusted));
}

/** What the pod as a whole asks for beyond its containers, in equal parts: bytes. */
function sharedMemory(pod: Pod): number {
  if (pod.spec.resources?.requests?.['memory'] === undefined) return 0;
  const requested = (skipPodLevel: boolean): number =>
    Number(podRequests(pod, { skipPodLevel, excludeOverhead: true }).get('memory')?.value() ?? 0n);
  return Math.max(0, requested(false) - requested(true)) / allContainers(pod).length;
}

export interface ResourceOptions {
  readonly cpuCFSQuota: boolean;
  readonly cpuPeriodUs: number;
  /** Bytes of memory of the node. */
  readonly memoryCapacity: number;
  readonly cgroupV2: boolean;
  /** Resources of the node's sizes of huge pages: `hugepages-2Mi`. A container has none of those that it does not ask for. */
  readonly hugePages: readonly string[];
  /** `singleProcessOOMKill`: the kernel kills one process of a container that is out of memory, not all. v2 only. */
  readonly singleProcessOOMKill: boolean;
  /** The node's swap; `undefined` where the kernel cannot limit it. */
  readonly swap: SwapOptions | undefined;
  /** `memory.high` and the like of a container on v2, where the feature gate MemoryQoS is on. */
  readonly memoryQos?: (
    pod: Pod,
    container: Pick<Container, 'resources'>,
  ) => Readonly<Record<string, string>>;
}

export interface SwapOptions {
  /** `memorySwap.swapBehavior` is LimitedSwap: burstable pods may use some. */
  readonly limited: boolean;
  readonly capacityBytes: number;
}

/**
 * How much swap a container may use (KEP-2400): nothing, unless swap is limited by request and the pod is burstable and
 * not critical, and the container asks for some memory but not for all that it may have. Then it gets of the swap what
 * its request is of the memory.
 */
export function swapLimit(
  pod: Pod,
  { resources }: Pick<Container, 'resources'>,
  memoryCapacity: number,
  { limited, capacityBytes }: SwapOptions,
): number {
  const request = bytes(resources?.requests?.['memory']);
  if (!limited || request === 0 || request === bytes(resources?.limits?.['memory'])) return 0;
  if (podQOS(pod) !== 'Burstable' || podPriority(pod) >= SYSTEM_CRITICAL_PRIORITY) return 0;
  return Math.floor((request / Math.max(memoryCapacity, 1)) * capacityBytes);
}

export function containerResources(
  pod: Pod,
  container: Pick<Container, 'resources'>,
  options: ResourceOptions,
): Partially<LinuxContainerResources> {
  const resources: ResourceRequirements = effectiveResources(pod, container);
  return {
    ...cpuAndMemory(resources, options),
    oomScoreAdj: BigInt(oomScoreAdj(pod, container, options.memoryCapacity)),
    ...(options.cgroupV2 ? { unified: unified(pod, container, options) } : {}),
    hugepageLimits: hugepages(resources, options.hugePages),
  };
}

/** What the pod as a whole has: runtimes that run it in a machine of its own make it as large as both parts together. */
export function sandboxResources(
  pod: Pod,
  options: Pick<ResourceOptions, 'cpuCFSQuota' | 'cpuPeriodUs'>,
): Pick<NonNullable<Partially<PodSandboxConfig>['linux']>, 'overhead' | 'resources'> {
  const texts = (amounts: ResourceMap): Record<string, string> =>
    Object.fromEntries([...amounts].map(([name, amount]) => [name, amount.toString()]));
  const all = { excludeOverhead: true };
  const resources = { requests: texts(podRequests(pod, all)), limits: texts(podLimits(pod, all)) };
  const { overhead } = pod.spec;
  return {
    ...(overhead === undefined ? {} : { overhead: cpuAndMemory({ limits: overhead }, options) }),
    resources: cpuAndMemory(resources, options),
  };
}

function cpuAndMemory(
  { limits = {}, requests = {} }: ResourceRequirements,
  { cpuCFSQuota, cpuPeriodUs }: Pick<ResourceOptions, 'cpuCFSQuota' | 'cpuPeriodUs'>,
): Partially<LinuxContainerResources> {
  const limit = milliCpu(limits['cpu']);
  const request = requests['cpu'] === undefined ? limit : milliCpu(requests['cpu']);
  return {
    cpuShares: BigInt(cpuShares(request)),
    ...(cpuCFSQuota && limit > 0
      ? { cpuPeriod: BigInt(cpuPeriodUs), cpuQuota: BigInt(cpuQuota(limit, cpuPeriodUs)) }
      : {}),
    memoryLimitInBytes: BigInt(bytes(limits['memory'])),
  };
}

function unified(
  pod: Pod,
  container: Pick<Container, 'resources'>,
  { memoryCapacity, memoryQos, singleProcessOOMKill, swap }: ResourceOptions,
): Record<string, string> {
  return {
    ...(singleProcessOOMKill ? {} : { 'memory.oom.group': '1' }),
    ...(swap === undefined
      ? {}
      : { 'memory.swap.max': String(swapLimit(pod, container, memoryCapacity, swap)) }),
    ...memoryQos?.(pod, container),
  };
}

function hugepages(
  { limits = {} }: ResourceRequirements,
  ofNode: readonly string[],
): { pageSize: string; limit: bigint }[] {
  const names = new Set([...ofNode, ...Object.keys(limits).filter(isHugePages)]);
  return [...names].map((name) => ({ pageSize: pageSize(name), limit: BigInt(bytes(limits[name])) }));
}

/** Whether a resource is huge pages of some size. */
export function isHugePages(resourceName: string): boolean {
  return resourceName.startsWith(HUGE_PAGES);
}

/** The kernel's name of the size of huge pages that a resource is: 2MB, 1GB. */
export function pageSize(resourceName: string): string {
  return resourceName.slice(HUGE_PAGES.length).replace(/i$/, 'B');
}
