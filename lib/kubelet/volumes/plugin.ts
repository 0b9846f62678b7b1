import { VolumeError } from '../contracts.ts';
import type { Pod, Volume } from '../../api/types.ts';

/** A volume of a pod that is to be made ready. */
export interface VolumeRequest {
  readonly pod: Pod;
  readonly volume: Volume;
  /** `<root-dir>/pods/<uid>`. */
  readonly podDir: string;
  /** `<podDir>/volumes/<plugin>/<name>`: where the volume is to appear, unless it is elsewhere by nature (hostPath). */
  readonly dir: string;
  readonly fsGroup: number | undefined;
  readonly fsGroupChangePolicy: 'Always' | 'OnRootMismatch' | undefined;
  /** The one user that all containers run as by spec, if there is just one: owner of tokens. */
  readonly fsUser: number | undefined;
  readonly signal: AbortSignal;
}

/** A volume that is ready on the host. */
export interface ReadyVolume {
  /** Empty: the runtime brings it (image volumes). */
  readonly hostPath: string;
  /** Containers get it read-only whatever their mount says. */
  readonly readOnly: boolean;
  /** Contents go stale by time alone (tokens): set up again at this time, milliseconds of the monotonic clock. */
  readonly refreshAtMs?: number;
  /** A raw block volume: `hostPath` is a device node. */
  readonly block?: boolean;
  /** Groups that containers need (annotation pv.beta.kubernetes.io/gid). */
  readonly supplementalGroups?: readonly number[];
  /**
   * A volume that is attached to the node by a controller: its name in `node.status.volumesInUse` (it is not detached
   * while it stands there) and `volumesAttached`.
   */
  readonly attachedName?: string;
}

/**
 * A volume type. In-tree types are one file each; CSI and PersistentVolumes join through the same interface.
 */
export interface VolumePlugin {
  /** `kubernetes.io/empty-dir`; the directory on disk is `kubernetes.io~empty-dir`. */
  readonly name: string;
  supports(volume: Volume): boolean;
  /**
   * Makes the volume ready or brings its contents up to date. Called on every sync of the pod, after every restart of
   * the kubelet, and when an object it shows has changed: idempotent, and cheap when there is nothing to do.
   * What it throws becomes `MountVolume.SetUp failed for volume "x" : <message>`.
   */
  setUp(request: VolumeRequest): Promise<ReadyVolume>;
  /**
   * Before the generic tear-down (unmount everything below the directory, remove it): what a type has to do of its own.
   * Knows nothing but what is on disk.
   */
  tearDown?(volume: { readonly uid: string; readonly name: string; readonly dir: string }): Promise<void>;
  /** The pod's volumes are taken down: what is remembered of it can be forgotten. */
  podGone?(uid: string): void;
}

/** The directory name of a plugin: `kubernetes.io~empty-dir`. */
export function pluginDir(name: string): string {
  return name.replaceAll('/', '~');
}

/** Names of volumes are DNS labels; anything else must never become a path. */
export function checkVolumeName(name: string): string {
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) || name.length > 63) {
    throw new VolumeError(`volume name ${JSON.stringify(name)} is not a DNS label`);
  }
  return name;
}
