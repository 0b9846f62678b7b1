import { mkdir, readdir, realpath, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Pod, Volume } from '../../api/types.ts';
import { errorMessage } from '../../base/errors.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { podDir, VolumeError, type KubeletDirs, type PodVolumes, type VolumeManager } from '../contracts.ts';
import type { ObjectCache } from '../objects/object_cache.ts';
import { containerMounts } from './container_mounts.ts';
import { unmount } from './kernel.ts';
import { mountsBelow, readMountTable } from './mount_table.ts';
import { checkVolumeName, pluginDir, type ReadyVolume, type VolumePlugin } from './plugin.ts';
import { fsUserOf, usedVolumes } from './pod_facts.ts';
import { codeOf, lstatOrUndefined, removeTree } from './remove_tree.ts';
import type { TokenSource } from './token.ts';

export interface VolumeManagerOptions {
  readonly dirs: Pick<KubeletDirs, 'root'>;
  readonly plugins: readonly VolumePlugin[];
  readonly objects: Pick<ObjectCache, 'register' | 'unregister' | 'onChange'>;
  readonly tokens: Pick<TokenSource, 'forget'>;
  /** Whether the runtime can mount read-only recursively with the pod's handler. */
  readonly recursiveReadOnly: (runtimeClassName: string | undefined) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of each volume that was made ready for the first time or could not be, and of each pod's that were taken down. */
  readonly observe?: (operation: VolumeOperation) => void;
}

/** Something done to volumes, for metrics. */
export interface VolumeOperation {
  readonly name: 'volume_mount' | 'volume_unmount';
  /** `kubernetes.io/secret`; empty for all volumes of a pod. */
  readonly plugin: string;
  readonly durationMs: number;
  readonly failed: boolean;
}

interface MountedPod {
  pod: Pod;
  ready: Map<string, ReadyVolume>;
  /** Since when not all volumes could be made ready; monotonic milliseconds. */
  failingSince: number | undefined;
  /** All volumes were ready once. Until then it is the pod's worker that tries again. */
  complete: boolean;
}

/** Changed objects are shown after this time, so that several changes at once are written once. */
const SETTLE_MS = 100;
/** The time that stock waits for volumes before it says so. */
const ATTACH_TIMEOUT_MS = 123_000;
const RETRY_MS = 30_000;

/** Volumes of pods on this node; see {@link VolumeManager}. */
export function createVolumeManager(options: VolumeManagerOptions): VolumeManager {
  return new Manager(options);
}

class Manager implements VolumeManager {
  readonly #options: VolumeManagerOptions;
  readonly #pods = new Map<string, MountedPod>();
  /** One thing at a time per pod. */
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #refresh = new Map<string, { at: number; timer: Timer }>();
  #running: AbortSignal | undefined;

  constructor(options: VolumeManagerOptions) {
    this.#options = options;
  }

  mountPod(pod: Pod, signal: AbortSignal): Promise<PodVolumes> {
    return this.#inTurn(uidOf(pod), async () => {
      signal.throwIfAborted();
      this.#options.objects.register(pod);
      const mounted = this.#pods.get(uidOf(pod)) ?? {
        pod,
        ready: new Map(),
        failingSince: undefined,
        complete: false,
      };
      mounted.pod = pod;
      this.#pods.set(uidOf(pod), mounted);
      await this.#setUpAll(mounted, signal);
      return this.#podVolumes(mounted);
    });
  }

  podChanged(pod: Pod): void {
    const uid = uidOf(pod);
    const mounted = this.#pods.get(uid);
    if (mounted === undefined || !showsPod(pod)) return;
    const { labels, annotations } = mounted.pod.metadata;
    mounted.pod = pod;
    const same = isDeepStrictEqual([labels, annotations], [pod.metadata.labels, pod.metadata.annotations]);
    if (mounted.complete && !same) this.#refreshAt(uid, SETTLE_MS);
  }

  async #setUpAll(mounted: MountedPod, signal: AbortSignal): Promise<void> {
    const { pod } = mounted;
    const volumes = usedVolumes(pod);
    const settled = await Promise.allSettled(
      volumes.map((volume) => this.#setUpObserved(mounted, volume, signal)),
    );
    signal.throwIfAborted();
    const failures: string[] = [];
    const unmounted: string[] = [];
    let refreshAtMs = Infinity;
    settled.forEach((result, i) => {
      const name = volumes[i]?.name ?? '';
      if (result.status === 'fulfilled') {
        mounted.ready.set(name, result.value);
        refreshAtMs = Math.min(refreshAtMs, result.value.refreshAtMs ?? Infinity);
      } else {
        unmounted.push(name);
        failures.push(errorMessage(result.reason));
      }
    });
    if (refreshAtMs !== Infinity) this.#refreshAt(uidOf(pod), refreshAtMs - this.#options.clock.monotonic());
    if (failures.length === 0) {
      mounted.failingSince = undefined;
      mounted.complete = true;
      return;
    }
    const now = this.#options.clock.monotonic();
    mounted.failingSince ??= now;
    if (now - mounted.failingSince >= ATTACH_TIMEOUT_MS) {
      mounted.failingSince = now;
      throw new VolumeError(
        `Unable to attach or mount volumes: unmounted volumes=[${unmounted.join(' ')}], unattached volumes=[], ` +
          `failed to process volumes=[]: timed out waiting for the condition; ${failures.join('; ')}`,
      );
    }
    throw new VolumeError(failures.join('; '));
  }

  #setUpObserved(mounted: MountedPod, volume: Volume, signal: AbortSignal): Promise<ReadyVolume> {
    const work = (): Promise<ReadyVolume> => this.#setUp(mounted.pod, volume, signal);
    if (mounted.ready.has(volume.name)) return work();
    const plugin = this.#options.plugins.find((p) => p.supports(volume))?.name ?? '';
    return this.#observed('volume_mount', plugin, work);
  }

  async #observed<T>(name: VolumeOperation['name'], plugin: string, work: () => Promise<T>): Promise<T> {
    const { clock, observe } = this.#options;
    const began = clock.monotonic();
    const tell = (failed: boolean): void =>
      observe?.({ name, plugin, durationMs: clock.monotonic() - began, failed });
    try {
      const result = await work();
      tell(false);
      return result;
    } catch (err) {
      tell(true);
      throw err;
    }
  }

  async #setUp(pod: Pod, volume: Volume, signal: AbortSignal): Promise<ReadyVolume> {
    const name = checkVolumeName(volume.name);
    const plugin = this.#options.plugins.find((p) => p.supports(volume));
    try {
      if (plugin === undefined) throw new Error('no volume plugin matched');
      const directory = podDir(this.#options.dirs, uidOf(pod));
      const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext ?? {};
      return await plugin.setUp({
        pod,
        volume,
        podDir: directory,
        dir: join(directory, 'volumes', pluginDir(plugin.name), name),
        fsGroup,
        fsGroupChangePolicy: fsGroupChangePolicy === 'OnRootMismatch' ? 'OnRootMismatch' : undefined,
        fsUser: fsUserOf(pod),
        signal,
      });
    } catch (err) {
      throw new VolumeError(`MountVolume.SetUp failed for volume "${name}" : ${errorMessage(err)}`, {
        cause: err,
      });
    }
  }

  #podVolumes(mounted: MountedPod): PodVolumes {
    const { pod } = mounted;
    const ready = new Map(mounted.ready);
    const groups = new Set<number>();
    for (const volume of ready.values()) for (const gid of volume.supplementalGroups ?? []) groups.add(gid);
    return {
      supplementalGroups: [...groups].sort((a, b) => a - b),
      // In turn with tear-down and refresh: a subPath is never bound into a pod that is being taken down.
      containerMounts: (container, env) =>
        this.#inTurn(uidOf(pod), () => {
          if (this.#pods.get(uidOf(pod)) !== mounted)
            throw new VolumeError('the volumes of the pod were taken down');
          return containerMounts(container, env, {
            volumes: ready,
            log: this.#options.log,
            podDir: podDir(this.#options.dirs, uidOf(pod)),
            recursiveReadOnly: this.#options.recursiveReadOnly(pod.spec.runtimeClassName),
          });
        }),
    };
  }

  unmountPod(uid: string, signal: AbortSignal): Promise<void> {
    return this.#inTurn(uid, async () => {
      signal.throwIfAborted();
      this.#pods.delete(uid);
      this.#refresh.get(uid)?.timer.cancel();
      this.#refresh.delete(uid);
      this.#options.objects.unregister(uid);
      this.#options.tokens.forget(uid);
      for (const plugin of this.#options.plugins) plugin.podGone?.(uid);
      const dir = podDir(this.#options.dirs, checkUid(uid));
      if ((await lstatOrUndefined(dir)) === undefined) return;
      try {
        const path = await realpath(dir);
        await this.#observed('volume_unmount', '', () => this.#takeDown(uid, path));
      } catch (err) {
        if (err instanceof VolumeError) throw err;
        throw new VolumeError(`UnmountVolume.TearDown failed for pod "${uid}" : ${errorMessage(err)}`, {
          cause: err,
          reason: 'FailedUnMount',
        });
      }
    });
  }

  async #takeDown(uid: string, dir: string): Promise<void> {
    const subPaths = join(dir, 'volume-subpaths');
    const volumes = join(dir, 'volumes');
    for (const { plugin, name, path } of await volumesOnDisk(volumes)) {
      await this.#options.plugins
        .find((p) => pluginDir(p.name) === plugin)
        ?.tearDown?.({ uid, name, dir: path });
    }
    const table = await readMountTable();
    for (const mount of [...mountsBelow(table, subPaths), ...mountsBelow(table, volumes)])
      unmount(mount.mountPoint);
    await removeSubPathTargets(subPaths);
    await removeTree(volumes);
    await removeTree(join(dir, 'plugins', 'kubernetes.io~empty-dir'));
  }

  async podsWithVolumes(): Promise<readonly string[]> {
    const found: string[] = [];
    const pods = join(this.#options.dirs.root, 'pods');
    for (const uid of await readdirOrEmpty(pods)) {
      for (const part of ['volumes', 'volume-subpaths']) {
        if ((await lstatOrUndefined(join(pods, uid, part))) === undefined) continue;
        found.push(uid);
        break;
      }
    }
    return found;
  }

  hostPaths(uid: string): ReadonlyMap<string, string> {
    const ready = this.#pods.get(uid)?.ready ?? new Map<string, ReadyVolume>();
    return new Map(
      [...ready].flatMap(([name, { block, hostPath }]) =>
        block === true || hostPath === '' ? [] : [[name, hostPath] as const],
      ),
    );
  }

  countByPlugin(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { pod, ready } of this.#pods.values()) {
      for (const volume of usedVolumes(pod)) {
        if (!ready.has(volume.name)) continue;
        const plugin = this.#options.plugins.find((p) => p.supports(volume))?.name ?? '';
        counts.set(plugin, (counts.get(plugin) ?? 0) + 1);
      }
    }
    return counts;
  }

  volumesInUse(): readonly string[] {
    const names = new Set<string>();
    for (const { ready } of this.#pods.values()) {
      for (const { attachedName } of ready.values()) if (attachedName !== undefined) names.add(attachedName);
    }
    return [...names].sort();
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#running = signal;
    const stop = this.#options.objects.onChange((kind, namespace, name) => {
      for (const [uid, { pod, complete }] of this.#pods) {
        if (complete && pod.metadata.namespace === namespace && showsObject(pod, kind, name))
          this.#refreshAt(uid, SETTLE_MS);
      }
    });
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    stop();
    for (const { timer } of this.#refresh.values()) timer.cancel();
    this.#refresh.clear();
  }

  #refreshAt(uid: string, delayMs: number): void {
    const at = this.#options.clock.monotonic() + Math.max(0, delayMs);
    const planned = this.#refresh.get(uid);
    if (planned !== undefined && planned.at <= at) return;
    planned?.timer.cancel();
    const timer = this.#options.clock.setTimer(Math.max(0, delayMs), () => {
      this.#refresh.delete(uid);
      void this.#refreshPod(uid);
    });
    this.#refresh.set(uid, { at, timer });
  }

  /** Never rejects. */
  async #refreshPod(uid: string): Promise<void> {
    const signal = this.#running;
    if (signal === undefined || signal.aborted) return;
    try {
      await this.#inTurn(uid, async () => {
        const mounted = this.#pods.get(uid);
        if (mounted?.complete === true) await this.#setUpAll(mounted, signal);
      });
    } catch (err) {
      if (signal.aborted) return;
      const pod = this.#pods.get(uid)?.pod;
      this.#options.log.error(err, 'Could not refresh the contents of volumes', {
        pod: pod === undefined ? uid : `${pod.metadata.namespace ?? ''}/${pod.metadata.name}`,
      });
      this.#refreshAt(uid, RETRY_MS);
    }
  }

  #inTurn<T>(uid: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(uid) ?? Promise.resolve();
    const turn = before.then(work, work);
    const forget = (): void => {
      if (this.#turns.get(uid) === settled) this.#turns.delete(uid);
    };
    const settled: Promise<void> = turn.then(forget, forget);
    this.#turns.set(uid, settled);
    return turn;
  }
}

function uidOf(pod: Pod): string {
  return checkUid(pod.metadata.uid ?? '');
}

/** A UID becomes a directory name: the API guarantees no more than that it is a string. */
function checkUid(uid: string): string {
  if (!/^[A-Za-z0-9][-A-Za-z0-9_.]*$/.test(uid))
    throw new VolumeError(`pod UID ${JSON.stringify(uid)} cannot be a directory name`);
  return uid;
}

/** Whether some volume shows fields of the pod itself. */
function showsPod(pod: Pod): boolean {
  return (pod.spec.volumes ?? []).some(
    ({ downwardAPI, projected }) =>
      downwardAPI !== undefined || projected?.sources?.some((s) => s.downwardAPI !== undefined) === true,
  );
}

function showsObject(pod: Pod, kind: 'configmap' | 'secret', name: string): boolean {
  return (pod.spec.volumes ?? []).some((volume) =>
    kind === 'configmap'
      ? volume.configMap?.name === name ||
        volume.projected?.sources?.some((s) => s.configMap?.name === name) === true
      : volume.secret?.secretName === name ||
        volume.projected?.sources?.some((s) => s.secret?.name === name) === true,
  );
}

async function volumesOnDisk(volumes: string): Promise<{ plugin: string; name: string; path: string }[]> {
  const found: { plugin: string; name: string; path: string }[] = [];
  for (const plugin of await readdirOrEmpty(volumes)) {
    for (const name of await readdirOrEmpty(join(volumes, plugin))) {
      found.push({ plugin, name, path: join(volumes, plugin, name) });
    }
  }
  return found;
}

/** `volume-subpaths/<volume>/<container>/<index>`: empty files and directories, unless something is still mounted. */
async function removeSubPathTargets(dir: string): Promise<void> {
  for (const volume of await readdirOrEmpty(dir)) {
    for (const container of await readdirOrEmpty(join(dir, volume))) {
      for (const index of await readdirOrEmpty(join(dir, volume, container))) {
        const target = join(dir, volume, container, index);
        // Not recursive: were the mount still there, its contents would be the container's, not ours.
        if ((await lstatOrUndefined(target))?.isDirectory() === true) await rmdir(target);
        else await unlink(target);
      }
      await rmdir(join(dir, volume, container));
    }
    await rmdir(join(dir, volume));
  }
  if ((await lstatOrUndefined(dir)) !== undefined) await rmdir(dir);
}

async function readdirOrEmpty(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (err) {
    if (codeOf(err) === 'ENOENT' || codeOf(err) === 'ENOTDIR') return [];
    throw err;
  }
}

/** Makes the directories of the kubelet that volumes stand in. */
export async function prepareRoot(root: string): Promise<void> {
  await mkdir(join(root, 'pods'), { recursive: true, mode: 0o750 });
}
