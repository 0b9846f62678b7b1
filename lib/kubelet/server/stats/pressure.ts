/** Pressure stall information of the machine and of groups for /stats/summary (KEP-4205): how long work waited for what. */
import type { ContainerStats, NodeStats, PodStats, PSIStats } from '../summary.ts';

export const PRESSURE_RESOURCES = ['cpu', 'memory', 'io'] as const;
export type PressureResource = (typeof PRESSURE_RESOURCES)[number];

/** Text of a pressure file, empty where there is none (cgroup v1, a kernel without PSI, a group that is gone). */
export type ReadPressure = (resource: PressureResource) => string;

export interface PressureFiles {
  readonly node: ReadPressure;
  /** Of a pod's group; `undefined` when it has none. */
  pod(uid: string): PodPressure | undefined;
}

export interface PodPressure {
  readonly read: ReadPressure;
  /** Of the group of a container, by its name. */
  container(name: string): ReadPressure | undefined;
}

const KINDS = ['some', 'full'] as const;

/** `some avg10=0.12 avg60=0.00 avg300=0.00 total=MICROSECONDS`, then the same of `full`; totals become nanoseconds. */
export function parsePressure(text: string): PSIStats | undefined {
  const [some, full] = KINDS.map((kind) => {
    const line = new RegExp(`^${kind} avg10=(\\S+) avg60=(\\S+) avg300=(\\S+) total=(\\d+)$`, 'm').exec(text);
    if (line === null) return undefined;
    const [avg10 = 0, avg60 = 0, avg300 = 0, total = 0] = line.slice(1).map(Number);
    return { total: total * 1000, avg10, avg60, avg300 };
  });
  if (some === undefined) return undefined;
  // Of the CPU kernels before 5.13 tell only of some.
  return { full: full ?? { total: 0, avg10: 0, avg60: 0, avg300: 0 }, some };
}

type Figures = Pick<ContainerStats, 'cpu' | 'io' | 'memory'>;

/** `stats` with what its group tells; figures that are not there stay away. */
function withFigures<S extends Figures>(stats: S, read: ReadPressure, time: string): S {
  const [cpu, memory, io] = PRESSURE_RESOURCES.map((resource) => parsePressure(read(resource)));
  return {
    ...stats,
    ...(stats.cpu === undefined || cpu === undefined ? {} : { cpu: { ...stats.cpu, psi: cpu } }),
    ...(stats.memory === undefined || memory === undefined
      ? {}
      : { memory: { ...stats.memory, psi: memory } }),
    ...(io === undefined ? {} : { io: { time, psi: io } }),
  };
}

export function nodeWithPressure(node: NodeStats, files: PressureFiles, time: string): NodeStats {
  return withFigures(node, files.node, time);
}

export function podWithPressure(pod: PodStats, files: PressureFiles, time: string): PodStats {
  const group = files.pod(pod.podRef.uid);
  if (group === undefined) return pod;
  const containers = pod.containers.map((container) => {
    const read = group.container(container.name);
    return read === undefined ? container : withFigures(container, read, time);
  });
  return { ...withFigures(pod, group.read, time), containers };
}
