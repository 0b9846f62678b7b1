/**
 * The seams inside the kubelet: what each concern promises the others. Concerns import this file and never each
 * other's implementation; `daemon.ts` alone knows them all. Everything here is narrow on purpose: a test can fake
 * any of it in a few lines.
 */
import type { Container, EphemeralContainer, Node, Pod, PodStatus } from '../api/types.ts';

/** Any container of a pod spec: init, regular or ephemeral. */
export type AnyContainer = Container | EphemeralContainer;

/** What names a pod for logs, events and the timeline. `uid` is the kubelet's own UID (static pods: the config hash). */
export interface PodRef {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

// ---------------------------------------------------------------- errors that reach pod status and events

/**
 * A container cannot be configured (missing ConfigMap, runAsNonRoot violated, invalid env source, ...): its waiting
 * state gets reason `CreateContainerConfigError` with this message and it is retried with back-off.
 */
export class ContainerConfigError extends Error {
  override readonly name = 'ContainerConfigError';
}

/** A pod's volumes cannot be made ready. The worker records a `FailedMount` event with this message and retries. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError';
  /** Event reason. Default `FailedMount`. */
  readonly reason: string;
  constructor(message: string, options?: ErrorOptions & { reason?: string }) {
    super(message, options);
    this.reason = options?.reason ?? 'FailedMount';
  }
}

// ---------------------------------------------------------------- what the runtime has

export type ContainerRuntimeState = 'created' | 'running' | 'exited' | 'unknown';

/** One container as the runtime knows it. Times are milliseconds since the epoch, 0 for "not yet". */
export interface ContainerRuntimeStatus {
  /** Bare runtime id, without the `containerd://` prefix. */
  readonly id: string;
  readonly name: string;
  readonly sandboxId: string;
  readonly state: ContainerRuntimeState;
  /** Restart count that this incarnation was created with (CRI `attempt`). */
  readonly restartCount: number;
  /** Hash of the container's spec at creation (annotation `io.kubernetes.container.hash`, hex). */
  readonly hash: string;
  readonly createdAtMs: number;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly exitCode: number;
  /** As the runtime says: `OOMKilled`, `Completed`, `Error`, ... */
  readonly reason: string;
  readonly message: string;
  /** Image as the spec named it. */
  readonly image: string;
  /** What `status.containerStatuses[].imageID` shows. */
  readonly imageId: string;
  readonly logPath: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** uid, gid and supplementary groups of the first process (`status.containerStatuses[].user`), where the runtime tells. */
  readonly user?: {
    readonly uid: number;
    readonly gid: number;
    readonly supplementalGroups: readonly number[];
  };
  /** Container paths that the runtime mounted. */
  readonly mounts?: readonly {
    readonly containerPath: string;
    readonly hostPath: string;
    readonly readonly: boolean;
    readonly recursiveReadOnly: boolean;
    /** Of an image volume: what the runtime was asked to mount. */
    readonly image?: string;
  }[];
}

/** One pod sandbox as the runtime knows it. */
export interface SandboxRuntimeStatus {
  readonly id: string;
  readonly state: 'ready' | 'notready';
  readonly attempt: number;
  readonly createdAtMs: number;
  /** Pod IPs, primary first; empty for host network and before the network is up. */
  readonly ips: readonly string[];
  readonly hostNetwork: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Everything the runtime has of one pod, newest first in both lists. */
export interface PodRuntimeStatus extends PodRef {
  readonly sandboxes: readonly SandboxRuntimeStatus[];
  readonly containers: readonly ContainerRuntimeStatus[];
}

/** What the runtime had at the last look (CRI event or relist). Reading is free; nothing here talks to the runtime. */
export interface RuntimeView {
  /** `undefined`: the runtime has nothing of this pod, or it was not looked at yet. */
  podStatus(uid: string): PodRuntimeStatus | undefined;
  /** All pods that the runtime has something of, whether or not the API knows them. */
  pods(): readonly PodRuntimeStatus[];
  /** Called after the status of a pod changed. Returns the function that stops it. */
  onChange(listener: (uid: string) => void): () => void;
}

/** Runs a command in a container and waits for its end (CRI ExecSync). */
export interface ContainerExec {
  /**
   * Output is cut at 16 MiB by the runtime. Rejects with `CriError` (`DEADLINE_EXCEEDED` when `timeoutMs` passed; the
   * runtime kills the process). A non-zero exit code is not an error.
   */
  execSync(
    containerId: string,
    argv: readonly string[],
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<{ readonly exitCode: number; readonly stdout: Uint8Array; readonly stderr: Uint8Array }>;
}

// ---------------------------------------------------------------- pods

/** The pods that the kubelet was told to run: from the API, static files and URLs. */
export interface PodView {
  /** By the kubelet's own UID. */
  pod(uid: string): Pod | undefined;
  podByName(namespace: string, name: string): Pod | undefined;
  /** Pods of all sources, mirror pods left out. */
  pods(): readonly Pod[];
  /**
   * The pod with the status that the kubelet last computed (and that the API has or will have soon), or `undefined`.
   * For a static pod this is the status of its mirror.
   */
  status(uid: string): PodStatus | undefined;
}

// ---------------------------------------------------------------- volumes (lib/kubelet/volumes)

/** One bind mount of a container (CRI Mount). */
export interface ContainerMount {
  readonly containerPath: string;
  /** Absolute path on the host, existing. Empty for image volumes. */
  readonly hostPath: string;
  /** An image volume: its name in the pod, and the path inside of the image (`''`: all of it). */
  readonly image?: { readonly volume: string; readonly subPath: string };
  readonly readonly: boolean;
  readonly propagation: 'private' | 'host-to-container' | 'bidirectional';
  readonly recursiveReadOnly?: boolean;
  readonly selinuxRelabel?: boolean;
}

/** A device node given to a container (raw block volumes, later device plugins). */
export interface ContainerDevice {
  readonly hostPath: string;
  readonly containerPath: string;
  /** cgroup permissions, subset of `rwm`. */
  readonly permissions: string;
}

/** The volumes of one pod, mounted on the host. */
export interface PodVolumes {
  /**
   * Mounts and devices of a container in the order of `volumeMounts`, with subPath and subPathExpr resolved safely
   * below the volume. `env` is the container's resolved environment (for subPathExpr). Must not run for a container
   * that is running. Rejects with {@link ContainerConfigError} (message as upstream: `failed to prepare subPath ...`,
   * reason `CreateContainerConfigError`).
   */
  containerMounts(
    container: AnyContainer,
    env: ReadonlyMap<string, string>,
  ): Promise<{ readonly mounts: readonly ContainerMount[]; readonly devices: readonly ContainerDevice[] }>;
  /** Group ids that every container of the pod must have to use the volumes (annotation pv.beta.kubernetes.io/gid). */
  readonly supplementalGroups: readonly number[];
}

/** Volumes of pods, below `<root-dir>/pods/<uid>/{volumes,volume-subpaths}`. */
export interface VolumeManager {
  /**
   * Makes every volume that the pod's containers use ready, and brings contents (ConfigMap, Secret, projected,
   * downwardAPI, tokens) up to date. Idempotent and cheap when nothing changed; called on every sync of a pod that
   * needs containers. Rejects with {@link VolumeError}; a volume that cannot be mounted now is retried by the next call.
   */
  mountPod(pod: Pod, signal: AbortSignal): Promise<PodVolumes>;
  /** The pod's labels or annotations may have changed: volumes that show them are brought up to date soon. */
  podChanged(pod: Pod): void;
  /**
   * Takes down everything that {@link mountPod} set up, from the disk alone (the pod may be unknown after a restart).
   * Idempotent. After it resolves `<root-dir>/pods/<uid>/volumes` and `volume-subpaths` are gone. Rejects with
   * {@link VolumeError} naming what is still mounted; called again with back-off.
   */
  unmountPod(uid: string, signal: AbortSignal): Promise<void>;
  /** UIDs of pods that have volumes on disk (for the clean-up of orphans). */
  podsWithVolumes(): Promise<readonly string[]>;
  /** Where the pod's volumes that are file systems are on the host, by their names in the pod. */
  hostPaths(uid: string): ReadonlyMap<string, string>;
  /** How many volumes are ready, by the name of their plugin. */
  countByPlugin(): ReadonlyMap<string, number>;
  /** Names for `node.status.volumesInUse`, sorted. */
  volumesInUse(): readonly string[];
  /** Refreshes contents of mounted ConfigMap, Secret, projected and downwardAPI volumes as they change; until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

// ---------------------------------------------------------------- environment (lib/kubelet/env)

/** What is known of a pod at the time its container is created. */
export interface PodNetworkFacts {
  /** Primary first. For hostNetwork pods: the host's. */
  readonly podIPs: readonly string[];
  readonly hostIPs: readonly string[];
}

export interface EnvResolver {
  /**
   * The container's environment in order, later duplicates winning, service variables first. Rejects with
   * {@link ContainerConfigError} (missing ConfigMap/Secret/key that is not optional, unsupported fieldRef).
   */
  containerEnv(
    pod: Pod,
    container: AnyContainer,
    facts: PodNetworkFacts,
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, string>>;
}

/** Expands `$(VAR)` in command and args; `$$` escapes; unknown references stay as they are. */
export type ExpandVariables = (text: string, env: ReadonlyMap<string, string>) => string;

// ---------------------------------------------------------------- names and DNS (lib/kubelet/dns)

/** Content of resolv.conf as CRI wants it. */
export interface PodDns {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface PodDnsConfigurer {
  /** By dnsPolicy and dnsConfig. Too many servers or searches are cut and recorded as `DNSConfigForming` events. */
  podDns(pod: Pod): Promise<PodDns>;
  /** Host name of the sandbox; empty for host network. `setHostnameAsFQDN` over 64 characters rejects with {@link ContainerConfigError}. */
  hostname(pod: Pod): string;
  /**
   * Writes `<root-dir>/pods/<uid>/etc-hosts` (kubelet's managed hosts file, or a copy of the host's with hostAliases
   * for hostNetwork) and returns its path. Called before each container creation; only for containers that do not
   * mount something at /etc/hosts themselves.
   */
  writeHostsFile(pod: Pod, podIPs: readonly string[]): Promise<string>;
}

// ---------------------------------------------------------------- probes (lib/kubelet/probes)

export type ProbeKind = 'startup' | 'liveness' | 'readiness';

/** The standing verdicts on one container. `undefined`: no such probe, or it has no verdict for this container id yet. */
export interface ProbeVerdicts {
  readonly startup?: boolean;
  readonly liveness?: boolean;
  readonly readiness?: boolean;
}

/** Probes of all pods: readiness, liveness and startup. It records `Unhealthy` events itself; killing is the worker's. */
export interface ProbeManager {
  /** Starts (or, with a changed spec, updates) the probes of a pod. Idempotent; called on every sync. */
  podAdded(pod: Pod): void;
  /** Stops liveness and startup probes of a terminating pod; readiness goes on (upstream's rule). */
  podTerminating(pod: Pod): void;
  /** Stops everything of the pod. */
  podRemoved(uid: string): void;
  /**
   * Verdicts for this incarnation of the container. After a restart of the kubelet the verdicts from the API status
   * hold until the first probe of an already running container has a result (Ready must not flip).
   */
  verdicts(uid: string, containerName: string, containerId: string): ProbeVerdicts;
  /** True when `started` in the container status may be true: no startup probe, or it succeeded for this id. */
  started(pod: Pod, containerName: string, containerId: string): boolean;
  /** Called after a verdict changed. Returns the function that stops it. */
  onChange(
    listener: (change: { uid: string; containerName: string; kind: ProbeKind; success: boolean }) => void,
  ): () => void;
  run(signal: AbortSignal): Promise<void>;
}

/** What the ProbeManager reads and does (implemented by the core). */
export interface ProbeHost extends ContainerExec {
  /** The running incarnation of a container, `undefined` when it does not run. */
  runningContainer(uid: string, containerName: string): ContainerRuntimeStatus | undefined;
  /** Primary IP of the pod (host IP for hostNetwork), `undefined` before it is known. */
  podIP(uid: string): string | undefined;
  /** Status that the API has of the container: seeds verdicts after a restart of the kubelet. */
  lastKnownReady(
    uid: string,
    containerName: string,
    containerId: string,
  ): { readonly ready: boolean; readonly started: boolean } | undefined;
}

// ---------------------------------------------------------------- node (lib/kubelet/node)

/** Health that the core reports into the node's conditions. Each entry is a reason for `Ready=False`; empty is healthy. */
export interface HealthReport {
  /** For example `container runtime is down`, `PLEG is not healthy: ...`, `container runtime network not ready: ...`. */
  readonly problems: readonly string[];
}

/** What the NodeReporter reads from the core for `node.status`. */
export interface NodeFacts {
  health(): HealthReport;
  /** Name and version as CRI Version says (`containerd://1.6.20`); `undefined` before the runtime answered. */
  runtimeVersion(): string | undefined;
  /** For `status.images`: names and size; the reporter sorts and cuts. */
  images(
    signal: AbortSignal,
  ): Promise<readonly { readonly names: readonly string[]; readonly sizeBytes: number }[]>;
  runtimeHandlers(): readonly {
    readonly name: string;
    readonly features: { readonly recursiveReadOnlyMounts: boolean; readonly userNamespaces: boolean };
  }[];
  /** For `status.features`; `undefined`: the runtime does not tell them. */
  runtimeFeatures?(): { readonly supplementalGroupsPolicy: boolean } | undefined;
  volumesInUse(): readonly string[];
}

export interface NodeReporter {
  /** Registers the Node, keeps status and Lease until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** The Node as last read from or written to the API; before that, what the reporter would register (capacity and allocatable set). */
  node(): Node;
  /** Node addresses for `status.hostIPs`, primary first. */
  hostIPs(): readonly string[];
  /** Recompute and post now (health changed). */
  poke(): void;
}

// ---------------------------------------------------------------- status, events, timeline

export interface PodStatusWriter {
  /** Takes the computed status; the API is patched in the background, once per real change, with retry. */
  set(pod: Pod, status: PodStatus): void;
  /** Last status set (or, before any was set, what the API had). */
  get(uid: string): PodStatus | undefined;
  /** Resolves when the API has the last status set for the pod, or the pod is gone from the API. */
  flushed(uid: string, signal: AbortSignal): Promise<void>;
}

export type EventType = 'Normal' | 'Warning';

/** Events on pods, containers and the node. Aggregation and rate limit are the recorder's. */
export interface KubeletEvents {
  /** @param annotations of the Event, for programs that read more out of it than its message */
  pod(
    pod: Pod,
    type: EventType,
    reason: string,
    message: string,
    annotations?: Readonly<Record<string, string>>,
  ): void;
  /** `involvedObject.fieldPath` is set as upstream does: `spec.containers{name}`. */
  container(pod: Pod, containerName: string, type: EventType, reason: string, message: string): void;
  node(type: EventType, reason: string, message: string): void;
}

/** One entry of a pod's timeline. */
export interface TimelineEntry {
  readonly at: string;
  /** Short verb phrase: `create sandbox`, `pull image`, `kill container`, `probe failed`. */
  readonly what: string;
  /** Why it was decided. */
  readonly why?: string;
  readonly container?: string;
  readonly durationMs?: number;
  readonly error?: string;
  /** How often in a row the same was recorded; absent for once. `at` is the first time. */
  readonly times?: number;
  /** The last of these times. */
  readonly lastAt?: string;
}

/** What happened to each pod and why, bounded per pod; served at `/debug/explain/pod/<ns>/<name>`. */
export interface Timeline {
  record(pod: PodRef, entry: Omit<TimelineEntry, 'at' | 'times' | 'lastAt'>): void;
  /**
   * What the pod waits for now, or `undefined` for nothing.
   *
   * @param untilMs since the epoch, where it is known when something happens at the latest: shown as the time left
   */
  waiting(pod: PodRef, reason: string | undefined, untilMs?: number): void;
  explain(
    namespace: string,
    name: string,
  ):
    | { readonly pod: PodRef; readonly waitingFor?: string; readonly entries: readonly TimelineEntry[] }
    | undefined;
  /** All pods that something is known of, gone ones too, with what happened last. */
  latest(): readonly { readonly pod: PodRef; readonly waitingFor?: string; readonly last?: TimelineEntry }[];
}

// ---------------------------------------------------------------- directories

/** Where the kubelet keeps what (all absolute). */
export interface KubeletDirs {
  /** `--root-dir`, default /var/lib/kubelet. */
  readonly root: string;
  /** `podLogsDir`, default /var/log/pods. */
  readonly podLogs: string;
  /** Symlinks for log collectors, default /var/log/containers. */
  readonly containerLogs: string;
}

/** `<root>/pods/<uid>`. */
export function podDir(dirs: Pick<KubeletDirs, 'root'>, uid: string): string {
  return `${dirs.root}/pods/${uid}`;
}
