import { join } from 'node:path';
import { errorMessage } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { VolumeMount } from '../../api/types.ts';
import {
  ContainerConfigError,
  type AnyContainer,
  type ContainerDevice,
  type ContainerMount,
} from '../contracts.ts';
import { checkVolumeName, type ReadyVolume } from './plugin.ts';
import { lstatOrUndefined } from './remove_tree.ts';
import { expandStrict } from '../env/expansion.ts';
import { bindSubPath, makeSubPath, validateSubPath } from './sub_path.ts';

export interface MountContext {
  readonly volumes: ReadonlyMap<string, ReadyVolume>;
  readonly podDir: string;
  readonly log: Pick<Log, 'error'>;
  /** Whether the runtime can mount read-only recursively. */
  readonly recursiveReadOnly: boolean;
}

/** Mounts and devices of one container; binds its sub-paths. @throws ContainerConfigError */
export async function containerMounts(
  container: AnyContainer,
  env: ReadonlyMap<string, string>,
  context: MountContext,
): Promise<{ readonly mounts: readonly ContainerMount[]; readonly devices: readonly ContainerDevice[] }> {
  const mounts: ContainerMount[] = [];
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const volume = context.volumes.get(mount.name);
    if (volume === undefined || volume.block === true) {
      throw new ContainerConfigError(
        `cannot find volume "${mount.name}" to mount into container "${container.name}"`,
      );
    }
    const subPath = subPathOf(mount, env);
    const readonly = mount.readOnly === true || volume.readOnly;
    mounts.push({
      containerPath: mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`,
      ...(volume.hostPath === ''
        ? { hostPath: '', image: { volume: mount.name, subPath } }
        : { hostPath: await hostPathOf(mount, subPath, index, volume, container, context) }),
      readonly,
      propagation: propagationOf(mount.mountPropagation ?? 'None'),
      recursiveReadOnly: isRecursive(mount, context.recursiveReadOnly),
    });
  }
  const devices: ContainerDevice[] = [];
  for (const device of container.volumeDevices ?? []) {
    const volume = context.volumes.get(device.name);
    if (volume?.block !== true) {
      throw new ContainerConfigError(
        `cannot find volume "${device.name}" to pass into container "${container.name}"`,
      );
    }
    devices.push({
      hostPath: volume.hostPath,
      containerPath: device.devicePath,
      permissions: volume.readOnly ? 'r' : 'mrw',
    });
  }
  return { mounts, devices };
}

/** Expanded and checked; empty for the whole volume. */
function subPathOf(mount: VolumeMount, env: ReadonlyMap<string, string>): string {
  let subPath = mount.subPath ?? '';
  if (mount.subPathExpr !== undefined && mount.subPathExpr !== '') {
    const expanded = expandStrict(mount.subPathExpr, env);
    if (expanded.missing.length > 0) {
      throw new ContainerConfigError(`missing value for ${expanded.missing.join(', ')}`);
    }
    subPath = expanded.text;
  }
  if (subPath === '') return '';
  try {
    validateSubPath(subPath);
  } catch (err) {
    throw new ContainerConfigError(errorMessage(err), { cause: err });
  }
  return subPath;
}

async function hostPathOf(
  mount: VolumeMount,
  subPath: string,
  index: number,
  volume: ReadyVolume,
  container: AnyContainer,
  context: MountContext,
): Promise<string> {
  if (subPath === '') return volume.hostPath;
  const target = join(
    context.podDir,
    'volume-subpaths',
    checkVolumeName(mount.name),
    container.name,
    String(index),
  );
  // Why is for the log: it names paths of the node, which the pod's owner has no business with.
  const failed = (what: string, err: unknown): ContainerConfigError => {
    context.log.error(err, `Could not ${what}`, { volumeMount: mount.name, container: container.name });
    return new ContainerConfigError(
      `failed to ${what} for volumeMount "${mount.name}" of container "${container.name}"`,
    );
  };
  if ((await lstatOrUndefined(join(volume.hostPath, subPath))) === undefined) {
    try {
      await makeSubPath(volume.hostPath, subPath);
    } catch (err) {
      throw failed('create subPath directory', err);
    }
  }
  try {
    await bindSubPath(volume.hostPath, subPath, target);
  } catch (err) {
    throw failed('prepare subPath', err);
  }
  return target;
}

function propagationOf(mode: string): ContainerMount['propagation'] {
  switch (mode) {
    case 'Bidirectional':
      return 'bidirectional';
    case 'HostToContainer':
      return 'host-to-container';
    default:
      return 'private';
  }
}

function isRecursive(mount: VolumeMount, supported: boolean): boolean {
  switch (mount.recursiveReadOnly ?? 'Disabled') {
    case 'IfPossible':
      return supported && mount.readOnly === true;
    case 'Enabled':
      if (!supported) {
        throw new ContainerConfigError(
          `failed to resolve recursive read-only mode: volume "${mount.name}" requested recursive read-only mode, but it is not supported by the runtime`,
        );
      }
      return true;
    default:
      return false;
  }
}
