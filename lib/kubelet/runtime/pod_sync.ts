/** Carries out the actions that `podActions` decided on, against the runtime. */
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile, chmod } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import { errorMessage, isAbort } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Partially, PodSandboxConfig, RuntimeClient } from '../../cri/runtime_client.ts';
import {
  type AnyContainer,
  ContainerConfigError,
  type ContainerExec,
  type ContainerMount,
  type EnvResolver,
  type ExpandVariables,
  type KubeletDirs,
  type KubeletEvents,
  podDir,
  type PodDnsConfigurer,
  type PodRef,
  type PodRuntimeStatus,
  type PodVolumes,
  type Timeline,
} from '../contracts.ts';
import type { RuntimeCache } from '../pleg/runtime_cache.ts';
import { containerConfig } from './container_config.ts';
import type { ContainerLogsDir } from './container_logs_dir.ts';
import { type ContainerStop, podGraceSeconds } from './container_stop.ts';
import type { Images, ReadyImage } from './images.ts';
import { type HookNote, noteTaker, runHook } from './lifecycle_hooks.ts';
import type { ResourceOptions } from './linux_resources.ts';
import { currentOf, type KillAction, newestOf, type PodActions, type StartAction } from './pod_actions.ts';
import { rpcMessage, runtimeMessage } from './runtime_message.ts';
import { containerLogName, podLogDirName, podUid } from './runtime_names.ts';
import { sandboxConfig } from './sandbox_config.ts';
import type { SecurityOptions } from './security_context.ts';
import type { IdRange, UserNamespaces } from '../userns/user_namespaces.ts';
import { ContainerStartError } from './start_error.ts';
import type { WaitingReason } from './waiting_reason.ts';

export interface PodSyncOptions {
  readonly cri: RuntimeClient;
  readonly cache: RuntimeCache;
  readonly clock: Clock;
  readonly log: Log;
  readonly dirs: KubeletDirs;
  readonly events: KubeletEvents;
  readonly timeline: Timeline;
  readonly observeHook?: (note: HookNote) => void;
  readonly images: Images;
  readonly env: EnvResolver;
  readonly dns: PodDnsConfigurer;
  readonly expand: ExpandVariables;
  readonly exec: ContainerExec;
  readonly stop: ContainerStop;
  readonly logs: ContainerLogsDir;
  readonly security: SecurityOptions;
  readonly resources: () => ResourceOptions;
  readonly hostIPs: () => readonly string[];
  /** Looks up the handler of `runtimeClassName`; rejects with a message for the event. */
  readonly runtimeHandler: (pod: Pod, signal: AbortSignal) => Promise<string>;
  readonly userNamespaces: Pick<UserNamespaces, 'range' | 'known'>;
}

export interface SyncOutcome {
  /** Something was done to the runtime: look again. */
  readonly changed: boolean;
  /** What went wrong, by container; the sandbox's trouble under the empty name. */
  readonly failures: ReadonlyMap<string, ContainerStartError>;
}

/** What the worker learns while the actions go on. */
export interface SyncProgress {
  /** A container that is to be replaced was stopped. */
  killedForRestart(containerId: string): void;
  /** A start was tried: its back-off state is now in force. */
  startTried(action: StartAction): void;
  waiting(containerName: string, reason: WaitingReason | undefined): void;
}

export class PodSync {
  readonly #options: PodSyncOptions;

  constructor(options: PodSyncOptions) {
    this.#options = options;
  }

  /** Rejects only with the signal's reason; everything else is in the outcome. */
  async apply(
    pod: Pod,
    cgroupParent: string,
    actions: PodActions,
    volumes: PodVolumes,
    progress: SyncProgress,
    signal: AbortSignal,
  ): Promise<SyncOutcome> {
    const { cache, stop } = this.#options;
    const ref = refOf(pod);
    const failures = new Map<string, ContainerStartError>();
    let changed = false;
    const status = cache.podStatus(ref.uid);
    if ((actions.createSandbox?.attempt ?? 0) > 0) {
      const message = 'Pod sandbox changed, it will be killed and re-created.';
      this.#options.events.pod(pod, 'Normal', 'SandboxChanged', message);
    }
    try {
      if (actions.killPod !== undefined && status !== undefined && isUp(status)) {
        changed = true;
        await stop.stopPod(pod, status, undefined, signal);
      }
      if (status !== undefined) {
        changed ||= actions.kill.length > 0;
        await Promise.all(actions.kill.map((kill) => this.#kill(pod, status, kill, progress, signal)));
      }
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      this.#options.events.pod(pod, 'Warning', 'FailedKillPod', `error killing pod: ${rpcMessage(error)}`);
      failures.set('', new ContainerStartError('KillPodError', errorMessage(error), { cause: error }));
      await cache.inspect(ref.uid, signal);
      return { changed, failures };
    }
    if (actions.start.length === 0) {
      if (changed) await cache.inspect(ref.uid, signal);
      return { changed, failures };
    }
    const attempt = actions.createSandbox?.attempt ?? actions.sandbox?.attempt ?? 0;
    let sandboxId = actions.sandbox?.id;
    let config: Partially<PodSandboxConfig>;
    try {
      const { createSandbox } = actions;
      if (createSandbox === undefined) {
        config = await this.#sandboxConfig(
          pod,
          attempt,
          cgroupParent,
          this.#options.userNamespaces.known(ref.uid),
        );
      } else {
        changed = true;
        const runtimeHandler = await this.#options.runtimeHandler(pod, signal);
        const users = await this.#options.userNamespaces.range(pod, runtimeHandler);
        config = await this.#sandboxConfig(pod, attempt, cgroupParent, users);
        sandboxId = await this.#createSandbox(pod, config, runtimeHandler, createSandbox.why, signal);
      }
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      const message = `Failed to create pod sandbox: ${rpcMessage(error)}`;
      this.#options.events.pod(pod, 'Warning', 'FailedCreatePodSandBox', message);
      this.#options.timeline.record(ref, { what: 'create sandbox failed', error: rpcMessage(error) });
      failures.set('', new ContainerStartError('CreatePodSandboxError', message, { cause: error }));
      await cache.inspect(ref.uid, signal).catch(() => undefined);
      return { changed, failures };
    }
    if (sandboxId === undefined) return { changed, failures };
    for (const action of actions.start) {
      try {
        changed = true;
        await this.#start(pod, action, sandboxId, config, volumes, progress, signal);
        progress.waiting(action.container.name, undefined);
      } catch (error) {
        if (isAbort(error, signal)) throw error;
        const failure =
          error instanceof ContainerStartError
            ? error
            : new ContainerStartError('CreateContainerError', errorMessage(error), { cause: error });
        failures.set(action.container.name, failure);
        progress.waiting(action.container.name, { reason: failure.reason, message: failure.message });
        this.#options.timeline.record(ref, {
          what: 'start container failed',
          container: action.container.name,
          error: `${failure.reason}: ${failure.message}`,
        });
        // Of init containers only one is ever due; a failed regular one does not hold up the next.
      }
    }
    await cache.inspect(ref.uid, signal);
    return { changed, failures };
  }

  async #kill(
    pod: Pod,
    status: PodRuntimeStatus,
    kill: KillAction,
    progress: SyncProgress,
    signal: AbortSignal,
  ): Promise<void> {
    const container = status.containers.find(({ id }) => id === kill.containerId);
    if (container === undefined) return;
    const probe =
      kill.reason === 'livenessProbe'
        ? kill.container.livenessProbe
        : kill.reason === 'startupProbe'
          ? kill.container.startupProbe
          : undefined;
    const graceSeconds = probe?.terminationGracePeriodSeconds ?? podGraceSeconds(pod, container);
    if (kill.restart) progress.killedForRestart(kill.containerId);
    await this.#options.stop.stop({ pod, status, container, message: kill.message, graceSeconds, signal });
  }

  async #sandboxConfig(
    pod: Pod,
    attempt: number,
    cgroupParent: string,
    users: IdRange | undefined,
  ): Promise<Partially<PodSandboxConfig>> {
    const { dns, dirs, security } = this.#options;
    return sandboxConfig({
      pod,
      attempt,
      hostname: dns.hostname(pod),
      dns: await dns.podDns(pod),
      podLogsDir: dirs.podLogs,
      cgroupParent,
      security,
      resources: this.#options.resources(),
      users,
    });
  }

  async #createSandbox(
    pod: Pod,
    config: Partially<PodSandboxConfig>,
    runtimeHandler: string,
    why: string,
    signal: AbortSignal,
  ): Promise<string> {
    const { cri, clock, dirs, timeline, cache } = this.#options;
    const ref = refOf(pod);
    await mkdir(join(dirs.podLogs, podLogDirName(ref)), { recursive: true, mode: 0o755 });
    const started = clock.monotonic();
    // Not cut short by the signal: a sandbox half made is worse than one to be stopped again.
    const { podSandboxId } = await cri.runPodSandbox({ config, runtimeHandler });
    timeline.record(ref, {
      what: 'create sandbox',
      why,
      durationMs: Math.round(clock.monotonic() - started),
    });
    await cache.inspect(ref.uid);
    if (signal.aborted) signal.throwIfAborted();
    return podSandboxId;
  }

  async #start(
    pod: Pod,
    action: StartAction,
    sandboxId: string,
    config: Partially<PodSandboxConfig>,
    volumes: PodVolumes,
    progress: SyncProgress,
    signal: AbortSignal,
  ): Promise<void> {
    const { cri, clock, events, timeline, log } = this.#options;
    const { container } = action;
    const ref = refOf(pod);
    const failed = (reason: string, message: string, error: unknown): ContainerStartError => {
      events.container(pod, container.name, 'Warning', 'Failed', `Error: ${message}`);
      return new ContainerStartError(reason, message, { cause: error });
    };
    const [image, volumeImages] = await this.#images(pod, container, config, signal).catch(
      (error: unknown) => {
        if (error instanceof ContainerStartError) {
          events.container(pod, container.name, 'Warning', 'Failed', `Error: ${error.reason}`);
        }
        throw error;
      },
    );
    const started = clock.monotonic();
    const logs = this.#options.logs;
    await logs.prepare(ref, container.name);
    const last = newestOf(this.#options.cache.podStatus(ref.uid), container.name);
    const restartCount =
      last === undefined
        ? Math.max(action.restartCount, (await logs.lastRestartCount(ref, container.name)) + 1)
        : action.restartCount;
    if (action.replaces !== undefined) await cri.removeContainer({ containerId: action.replaces });
    const containerId = await this.#create(
      pod,
      action,
      restartCount,
      sandboxId,
      config,
      volumes,
      image,
      volumeImages,
      signal,
    ).catch((error: unknown) => {
      if (isAbort(error, signal)) throw error;
      const reason =
        error instanceof ContainerConfigError ? 'CreateContainerConfigError' : 'CreateContainerError';
      throw failed(reason, runtimeMessage(error), error);
    });
    events.container(pod, container.name, 'Normal', 'Created', 'Container created');
    progress.startTried(action);
    try {
      await cri.startContainer({ containerId });
    } catch (error) {
      throw failed('RunContainerError', runtimeMessage(error), error);
    }
    events.container(pod, container.name, 'Normal', 'Started', 'Container started');
    timeline.record(ref, {
      what: 'start container',
      why: action.why,
      container: container.name,
      durationMs: Math.round(clock.monotonic() - started),
    });
    const logPath = join(logs.podDir(ref), containerLogName(container.name, restartCount));
    await logs.link(ref, container.name, containerId, logPath).catch((error: unknown) => {
      log.error(error, 'Cannot link the container log', { logPath });
    });
    const postStart = container.lifecycle?.postStart;
    if (postStart !== undefined) await this.#postStart(pod, container, containerId, postStart, signal);
  }

  /** The container's image, and those of the image volumes that it mounts. */
  async #images(
    pod: Pod,
    container: AnyContainer,
    config: object,
    signal: AbortSignal,
  ): Promise<readonly [ReadyImage, ReadonlyMap<string, string>]> {
    const { images } = this.#options;
    const ofVolumes = new Map<string, string>();
    for (const { name, image: source } of pod.spec.volumes ?? []) {
      if (source === undefined || container.volumeMounts?.some((mount) => mount.name === name) !== true)
        continue;
      const wanted = {
        image: source.reference ?? '',
        pullPolicy: source.pullPolicy,
        containerName: undefined,
      };
      ofVolumes.set(name, (await images.ensure(pod, wanted, config, signal)).ref);
    }
    const wanted = {
      image: container.image ?? '',
      pullPolicy: container.imagePullPolicy,
      containerName: container.name,
    };
    return [await images.ensure(pod, wanted, config, signal), ofVolumes];
  }

  async #postStart(
    pod: Pod,
    container: AnyContainer,
    containerId: string,
    handler: Parameters<typeof runHook>[0],
    signal: AbortSignal,
  ): Promise<void> {
    const { cache, clock, events, exec, stop, timeline } = this.#options;
    const ref = refOf(pod);
    await cache.inspect(ref.uid, signal);
    const status = cache.podStatus(ref.uid);
    try {
      const podIP = pod.spec.hostNetwork === true ? this.#options.hostIPs()[0] : status?.sandboxes[0]?.ips[0];
      const note = noteTaker(pod, this.#options);
      const options = { timeoutMs: 2 ** 31, signal, note };
      await runHook(handler, { container, containerId, podIP }, exec, clock, options);
      timeline.record(ref, { what: 'ran postStart', container: container.name });
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      events.container(pod, container.name, 'Warning', 'FailedPostStartHook', 'PostStartHook failed');
      const running = status?.containers.find(({ id }) => id === containerId);
      if (status !== undefined && running !== undefined) {
        await stop.stop({
          pod,
          status,
          container: running,
          message: 'FailedPostStartHook',
          graceSeconds: podGraceSeconds(pod, running),
          signal,
        });
      }
      throw new ContainerStartError('PostStartHookError', `PostStartHook failed: ${errorMessage(error)}`, {
        cause: error,
      });
    }
  }

  async #create(
    pod: Pod,
    action: StartAction,
    restartCount: number,
    sandboxId: string,
    config: Partially<PodSandboxConfig>,
    volumes: PodVolumes,
    image: ReadyImage,
    volumeImages: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<string> {
    const { cache, cri, env, expand, security } = this.#options;
    const { container } = action;
    const ref = refOf(pod);
    const status = cache.podStatus(ref.uid);
    const hostIPs = this.#options.hostIPs();
    const podIPs = pod.spec.hostNetwork === true ? hostIPs : (status?.sandboxes[0]?.ips ?? []);
    const variables = await env.containerEnv(pod, container, { podIPs, hostIPs }, signal);
    const { mounts, devices } = await volumes.containerMounts(container, variables);
    const all = [...mounts, ...(await this.#managedMounts(pod, container, mounts, podIPs))];
    const target = 'targetContainerName' in container ? container.targetContainerName : undefined;
    const sandbox = status?.sandboxes[0];
    const targetId =
      target === undefined || target === '' || sandbox === undefined
        ? undefined
        : currentOf(status, sandbox, target)?.id;
    if (target !== undefined && target !== '' && targetId === undefined) {
      throw new ContainerConfigError(`unable to find target container ${target}`);
    }
    const { containerId } = await cri.createContainer({
      podSandboxId: sandboxId,
      config: containerConfig({
        pod,
        container,
        restartCount,
        imageRef: image.ref,
        imageUser: image.user,
        env: variables,
        mounts: all,
        volumeImages,
        devices,
        volumeGroups: volumes.supplementalGroups,
        security,
        resources: this.#options.resources(),
        targetId,
        users: this.#options.userNamespaces.known(ref.uid),
        expand,
      }),
      sandboxConfig: config,
    });
    return containerId;
  }

  /** /etc/hosts and the termination message: mounts of the kubelet itself, where the pod has none of its own there. */
  async #managedMounts(
    pod: Pod,
    container: AnyContainer,
    mounts: readonly ContainerMount[],
    podIPs: readonly string[],
  ): Promise<ContainerMount[]> {
    const { dirs, dns } = this.#options;
    const taken = new Set(mounts.map(({ containerPath }) => containerPath));
    const managed: ContainerMount[] = [];
    const add = (containerPath: string, hostPath: string): void => {
      managed.push({ containerPath, hostPath, readonly: false, propagation: 'private' });
    };
    if (!taken.has('/etc/hosts') && podIPs.length > 0)
      add('/etc/hosts', await dns.writeHostsFile(pod, podIPs));
    const messagePath = container.terminationMessagePath ?? '/dev/termination-log';
    if (messagePath !== '' && !taken.has(messagePath)) {
      const dir = join(podDir(dirs, podUid(pod)), 'containers', container.name);
      // Only the newest incarnation and the one before are ever read.
      await mkdir(dir, { recursive: true, mode: 0o750 });
      const path = join(dir, randomBytes(4).toString('hex'));
      await writeFile(path, '', { mode: 0o666 });
      await chmod(path, 0o666); // whatever the umask
      add(messagePath, path);
    }
    return managed;
  }

  /** Removes what the kubelet keeps for a pod that is gone for good. */
  async removePodDir(uid: string): Promise<void> {
    await rm(podDir(this.#options.dirs, uid), { recursive: true, force: true });
  }
}

function isUp(status: PodRuntimeStatus): boolean {
  return (
    status.sandboxes.some(({ state, ips }) => state === 'ready' || ips.length > 0) ||
    status.containers.some(({ state }) => state !== 'exited')
  );
}

export function refOf(pod: Pod): PodRef {
  return { uid: podUid(pod), namespace: pod.metadata.namespace ?? 'default', name: pod.metadata.name };
}
