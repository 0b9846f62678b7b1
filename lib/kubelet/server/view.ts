/**
 * What the kubelet's server reads of the kubelet, and the few things it asks the runtime for. `daemon.ts` puts it
 * together from the concerns; a test fakes what it needs.
 */
import type { Node } from '../../api/types.ts';
import type { Hierarchy } from '../cgroups/hierarchy.ts';
import type { ContainerExec, PodRef, PodView, RuntimeView, Timeline } from '../contracts.ts';
import type { Summary } from './summary.ts';

/** One exec or attach session. With `tty` the runtime merges stderr into stdout, so `stderr` must be false then. */
export interface StreamRequest {
  readonly containerId: string;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/**
 * The streaming calls of CRI (Exec, Attach, PortForward). Each resolves to the URL at which the runtime's own streaming
 * server waits for the session (absolute, `http:` or `https:`; single use). Rejects with `CriError`: `NOT_FOUND` when
 * the container or sandbox is gone or does not run.
 */
export interface StreamingRuntime {
  exec(request: StreamRequest & { readonly argv: readonly string[] }, signal: AbortSignal): Promise<string>;
  attach(request: StreamRequest, signal: AbortSignal): Promise<string>;
  portForward(
    request: { readonly sandboxId: string; readonly ports: readonly number[] },
    signal: AbortSignal,
  ): Promise<string>;
}

/** Usage of the node and its pods, for /stats/summary and the metrics made from it. */
export interface StatsSource {
  /**
   * @param options `onlyCPUAndMemory`: leave out file systems and network, which cost more to find out
   */
  summary(options: { readonly onlyCPUAndMemory: boolean }, signal: AbortSignal): Promise<Summary>;
}

export interface KubeletView {
  readonly nodeName: string;
  readonly pods: PodView;
  readonly runtime: RuntimeView;
  readonly exec: ContainerExec;
  readonly streaming: StreamingRuntime;
  readonly stats: StatsSource;
  readonly timeline: Timeline;
  /** Name of a pod's cgroup (`/kubepods/burstable/pod...`), for /metrics/cadvisor. */
  podCgroup?(uid: string): string | undefined;
  /** Names of the groups that pods are in by class, for /metrics/cadvisor. */
  readonly classCgroups?: () => readonly string[];
  /** Where the groups are, for what /metrics/cadvisor asks the kernel. */
  readonly hierarchy?: Hierarchy;
  node(): Node | undefined;
  /** Why the sync loop counts as stuck (last turn too long ago), or undefined: for /healthz/syncloop and the watchdog. */
  syncLoopProblem(): string | undefined;
  /** Host folder served at /logs/; default /var/log. */
  readonly hostLogDir?: string;
  /** The effective configuration, for /configz: a `KubeletConfiguration` object. */
  configuration(): unknown;
  /** Writes a checkpoint of a running container and resolves to the archive's path. Absent where the runtime cannot. */
  checkpoint?(pod: PodRef, containerName: string, containerId: string, signal: AbortSignal): Promise<string>;
}
