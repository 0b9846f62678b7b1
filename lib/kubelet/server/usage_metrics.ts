/** /metrics/resource and /metrics/cadvisor, both made from the usage summary. */
import { Exposition } from './exposition.ts';
import type { Labels } from './exposition.ts';
import type { CgroupStats } from './stats/cgroup_stats.ts';
import type { ContainerStats, PodStats, Summary } from './summary.ts';

type Sample = readonly [number | undefined, Labels, number?];

const seconds = (nanoseconds: number | undefined): number | undefined =>
  nanoseconds === undefined ? undefined : nanoseconds / 1e9;
const at = (time: string | undefined): number => Date.parse(time ?? '');

/** The metrics of KEP-727: what metrics-server scrapes. */
export function resourceMetrics({ node, pods }: Summary): string {
  const out = new Exposition();
  const containers = pods.flatMap((pod) =>
    pod.containers.map((container) => ({
      container,
      labels: { container: container.name, namespace: pod.podRef.namespace, pod: pod.podRef.name },
    })),
  );
  const podLabels = ({ podRef }: PodStats): Labels => ({ namespace: podRef.namespace, pod: podRef.name });
  out.metric(
    'container_cpu_usage_seconds_total',
    'counter',
    '[STABLE] Cumulative cpu time consumed by the container in core-seconds',
    containers.map(({ container: { cpu }, labels }) => [
      seconds(cpu?.usageCoreNanoSeconds),
      labels,
      at(cpu?.time),
    ]),
  );
  out.metric(
    'container_memory_working_set_bytes',
    'gauge',
    '[STABLE] Current working set of the container in bytes',
    containers.map(({ container: { memory }, labels }) => [
      memory?.workingSetBytes,
      labels,
      at(memory?.time),
    ]),
  );
  out.metric(
    'container_start_time_seconds',
    'gauge',
    '[STABLE] Start time of the container since unix epoch in seconds',
    containers.map(({ container, labels }) => [unixSeconds(container.startTime), labels]),
  );
  out.metric(
    'container_swap_limit_bytes',
    'gauge',
    '[ALPHA] Swap that the container may use, in bytes',
    containers.map(({ container: { swap }, labels }) => [
      swap?.swapAvailableBytes === undefined
        ? undefined
        : swap.swapAvailableBytes + (swap.swapUsageBytes ?? 0),
      labels,
      at(swap?.time),
    ]),
  );
  out.metric(
    'container_swap_usage_bytes',
    'gauge',
    '[ALPHA] Current amount of the container swap usage in bytes',
    containers.map(({ container: { swap }, labels }) => [swap?.swapUsageBytes, labels, at(swap?.time)]),
  );
  out.metric(
    'node_cpu_usage_seconds_total',
    'counter',
    '[STABLE] Cumulative cpu time consumed by the node in core-seconds',
    [[seconds(node.cpu?.usageCoreNanoSeconds), {}, at(node.cpu?.time)]],
  );
  out.metric('node_memory_working_set_bytes', 'gauge', '[STABLE] Current working set of the node in bytes', [
    [node.memory?.workingSetBytes, {}, at(node.memory?.time)],
  ]);
  out.metric('node_swap_usage_bytes', 'gauge', '[ALPHA] Current swap usage of the node in bytes', [
    [node.swap?.swapUsageBytes, {}, at(node.swap?.time)],
  ]);
  out.metric(
    'pod_cpu_usage_seconds_total',
    'counter',
    '[STABLE] Cumulative cpu time consumed by the pod in core-seconds',
    pods.map((pod) => [seconds(pod.cpu?.usageCoreNanoSeconds), podLabels(pod), at(pod.cpu?.time)]),
  );
  out.metric(
    'pod_memory_working_set_bytes',
    'gauge',
    '[STABLE] Current working set of the pod in bytes',
    pods.map((pod) => [pod.memory?.workingSetBytes, podLabels(pod), at(pod.memory?.time)]),
  );
  out.metric(
    'pod_swap_usage_bytes',
    'gauge',
    '[ALPHA] Current amount of the pod swap usage in bytes',
    pods.map((pod) => [pod.swap?.swapUsageBytes, podLabels(pod), at(pod.swap?.time)]),
  );
  out.metric(
    'resource_scrape_error',
    'gauge',
    '[STABLE] 1 if there was an error while getting container metrics, 0 otherwise',
    [[0, {}]],
  );
  return out.toString();
}

/** How the runtime and the kernel name what the figures are about, for the labels that dashboards join on. */
export interface CgroupNames {
  /** Of classes of pods and the like, by name. */
  readonly groups?: ReadonlyMap<string, CgroupStats>;
  readonly podCgroup?: (uid: string) => string | undefined;
  readonly container?: (
    uid: string,
    name: string,
  ) => { readonly id: string; readonly image: string } | undefined;
}

/** Labels of the groups of pods and containers. */
export function cgroupLabels(names: CgroupNames): {
  readonly idOf: (pod: PodStats) => string;
  readonly ofPod: (pod: PodStats) => Labels;
  readonly ofContainer: (pod: PodStats, container: string) => Labels;
} {
  const idOf = (pod: PodStats): string =>
    names.podCgroup?.(pod.podRef.uid) ?? `/kubepods/pod${pod.podRef.uid}`;
  return {
    idOf,
    ofPod: (pod) => labels('', pod.podRef.name, pod.podRef.namespace, idOf(pod)),
    ofContainer: (pod, container) => {
      const { name, namespace, uid } = pod.podRef;
      const known = names.container?.(uid, container);
      const id = `${idOf(pod)}/${known?.id ?? container}`;
      return { container, id, image: known?.image ?? '', name: known?.id ?? '', namespace, pod: name };
    },
  };
}

/** The container metrics that dashboards know from cAdvisor, as far as the runtime gives them. */
export function cadvisorMetrics({ node, pods }: Summary, names: CgroupNames = {}): string {
  const out = new Exposition();
  const { idOf: podId, ofPod, ofContainer: labelsOf } = cgroupLabels(names);
  const cgroups = [
    { labels: labels('', '', '', '/'), stats: { ...node, startTime: node.startTime } },
    ...[...(names.groups ?? [])].map(([id, stats]) => ({
      labels: groupLabels(id),
      stats: { ...stats, startTime: '' },
    })),
    ...pods.flatMap((pod) => [
      { labels: ofPod(pod), stats: pod },
      ...pod.containers.map((c) => ({ labels: labelsOf(pod, c.name), stats: c })),
    ]),
  ];
  const each = (
    value: (stats: Pick<ContainerStats, 'cpu' | 'memory' | 'startTime' | 'swap'>) => Sample[0],
  ): Sample[] =>
    cgroups.map(({ labels, stats }) => [value(stats), labels, at(stats.memory?.time ?? stats.cpu?.time)]);
  const containers = pods.flatMap((pod) => pod.containers.map((c) => ({ c, l: labelsOf(pod, c.name) })));
  const interfaces = [
    { network: node.network, pod: '', namespace: '', id: '/' },
    ...pods.map((p) => ({
      network: p.network,
      pod: p.podRef.name,
      namespace: p.podRef.namespace,
      id: podId(p),
    })),
  ].flatMap(({ network, pod, namespace, id }) =>
    (network?.interfaces ?? []).map((i) => ({
      i,
      time: at(network?.time),
      l: { ...labels('', pod, namespace, id), interface: i.name },
    })),
  );
  out.metric(
    'container_cpu_usage_seconds_total',
    'counter',
    'Cumulative cpu time consumed in seconds.',
    each((s) => seconds(s.cpu?.usageCoreNanoSeconds)).map(([v, l, t]) => [v, { ...l, cpu: 'total' }, t]),
  );
  out.metric(
    'container_memory_usage_bytes',
    'gauge',
    'Current memory usage in bytes, including all memory regardless of when it was accessed',
    each((s) => s.memory?.usageBytes),
  );
  out.metric(
    'container_memory_working_set_bytes',
    'gauge',
    'Current working set in bytes.',
    each((s) => s.memory?.workingSetBytes),
  );
  out.metric(
    'container_memory_rss',
    'gauge',
    'Size of RSS in bytes.',
    each((s) => s.memory?.rssBytes),
  );
  out.metric(
    'container_memory_swap',
    'gauge',
    'Container swap usage in bytes.',
    each((s) => s.swap?.swapUsageBytes),
  );
  out.metric(
    'container_start_time_seconds',
    'gauge',
    'Start time of the container since unix epoch in seconds.',
    each((s) => unixSeconds(s.startTime)),
  );
  out.metric(
    'container_fs_usage_bytes',
    'gauge',
    'Number of bytes that are consumed by the container on this filesystem.',
    containers.map(({ c, l }) => [c.rootfs?.usedBytes, { ...l, device: '' }, at(c.rootfs?.time)]),
  );
  out.metric(
    'container_fs_limit_bytes',
    'gauge',
    'Size of the file system that the container writes to, in bytes.',
    containers.map(({ c, l }) => [c.rootfs?.capacityBytes, { ...l, device: '' }, at(c.rootfs?.time)]),
  );
  out.metric(
    'container_spec_memory_limit_bytes',
    'gauge',
    'Memory that the container may use, in bytes; 0 without a limit.',
    containers.map(({ c, l }) => [
      c.memory?.availableBytes === undefined ? 0 : c.memory.availableBytes + (c.memory.workingSetBytes ?? 0),
      l,
    ]),
  );
  out.metric(
    'container_processes',
    'gauge',
    'Processes of the pod.',
    pods.map((p) => [p.process_stats?.process_count, ofPod(p)]),
  );
  out.metric('container_scrape_error', 'gauge', '1 when figures could not be read, else 0.', [[0, {}]]);
  out.metric(
    'container_network_receive_bytes_total',
    'counter',
    'Cumulative count of bytes received',
    interfaces.map(({ i, l, time }) => [i.rxBytes, l, time]),
  );
  out.metric(
    'container_network_receive_errors_total',
    'counter',
    'Cumulative count of errors encountered while receiving',
    interfaces.map(({ i, l, time }) => [i.rxErrors, l, time]),
  );
  out.metric(
    'container_network_transmit_bytes_total',
    'counter',
    'Cumulative count of bytes transmitted',
    interfaces.map(({ i, l, time }) => [i.txBytes, l, time]),
  );
  out.metric(
    'container_network_transmit_errors_total',
    'counter',
    'Cumulative count of errors encountered while transmitting',
    interfaces.map(({ i, l, time }) => [i.txErrors, l, time]),
  );
  return out.toString();
}

function labels(container: string, pod: string, namespace: string, id: string): Labels {
  return { container, id, image: '', name: '', namespace, pod };
}

/** Labels of a group that is of no pod. */
export function groupLabels(id: string): Labels {
  return labels('', '', '', id);
}

function unixSeconds(time: string): number | undefined {
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? undefined : ms / 1000;
}
