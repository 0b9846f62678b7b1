/** Directories and symlinks of container logs. */
import { mkdir, readdir, rm, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../base/errors.ts';
import type { KubeletDirs, PodRef } from '../contracts.ts';
import { podLogDirName } from './runtime_names.ts';

export class ContainerLogsDir {
  readonly #dirs: KubeletDirs;

  constructor(dirs: KubeletDirs) {
    this.#dirs = dirs;
  }

  podDir(pod: PodRef): string {
    return join(this.#dirs.podLogs, podLogDirName(pod));
  }

  async prepare(pod: PodRef, containerName: string): Promise<void> {
    await mkdir(join(this.podDir(pod), containerName), { recursive: true, mode: 0o755 });
  }

  /** Restart count of the newest log of a container, -1 without one: continues the count when the runtime forgot. */
  async lastRestartCount(pod: PodRef, containerName: string): Promise<number> {
    const names = await readdir(join(this.podDir(pod), containerName)).catch(() => []);
    return Math.max(
      -1,
      ...names.map((name) => (/^(\d+)\.log/.exec(name)?.[1] === undefined ? -1 : Number.parseInt(name, 10))),
    );
  }

  /** `<pod>_<namespace>_<container>-<id>.log` in /var/log/containers, for log collectors. */
  async link(pod: PodRef, containerName: string, containerId: string, logPath: string): Promise<void> {
    const path = this.#linkPath(pod, containerName, containerId);
    await mkdir(this.#dirs.containerLogs, { recursive: true, mode: 0o755 });
    try {
      await symlink(logPath, path);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
  }

  async unlink(pod: PodRef, containerName: string, containerId: string): Promise<void> {
    try {
      await unlink(this.#linkPath(pod, containerName, containerId));
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    }
  }

  /** Removes a log and its rotated parts. */
  async removeLog(logPath: string): Promise<void> {
    const dir = join(logPath, '..');
    const base = logPath.slice(dir.length + 1);
    const names = await readdir(dir).catch(() => []);
    for (const name of names)
      if (name === base || name.startsWith(`${base}.`)) await rm(join(dir, name), { force: true });
  }

  async removePod(pod: PodRef): Promise<void> {
    await rm(this.podDir(pod), { recursive: true, force: true });
  }

  /** Pods that have a log directory, by uid. */
  async pods(): Promise<readonly PodRef[]> {
    const names = await readdir(this.#dirs.podLogs).catch(() => []);
    return names.flatMap((name) => {
      const [namespace, podName, uid, ...rest] = name.split('_');
      return namespace === undefined || podName === undefined || uid === undefined || rest.length > 0
        ? []
        : [{ namespace, name: podName, uid }];
    });
  }

  #linkPath(pod: PodRef, containerName: string, containerId: string): string {
    // File names end at 255 bytes; the id must stay whole.
    const head = `${pod.name}_${pod.namespace}_${containerName}`.slice(0, 251 - 1 - containerId.length);
    return join(this.#dirs.containerLogs, `${head}-${containerId}.log`);
  }
}
