/**
 * User namespaces of pods (`hostUsers: false`): each pod has a range of the host's user and group ids of its own, kept in
 * its directory for as long as the pod is there, in the file and the form that stock uses.
 */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../api/types.ts';
import { writeFileAtomic } from '../../base/atomic_file.ts';
import { errorCode } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { setAside } from '../../base/set_aside.ts';
import { ContainerConfigError, type KubeletDirs, podDir } from '../contracts.ts';

/** Ids of the host that are a pod's ids from 0 on. */
export interface IdRange {
  readonly hostId: number;
  readonly length: number;
}

export interface RuntimeHandlerFeatures {
  readonly name: string;
  readonly features: { readonly userNamespaces: boolean };
}

export interface UserNamespacesOptions {
  readonly dirs: Pick<KubeletDirs, 'root'>;
  /** Ids that a pod gets, a multiple of 65536. */
  readonly idsPerPod: number;
  /** Ids of the host to take from; the first and how many. */
  readonly ids: IdRange;
  readonly handlers: () => readonly RuntimeHandlerFeatures[];
  readonly log: Pick<Log, 'error'>;
}

const FILE = 'userns';
/** Ids of the host below are the host's own users. */
const FIRST_ID = 65_536;
const MAX_ID = 2 ** 32;

export class UserNamespaces {
  readonly #options: UserNamespacesOptions;
  readonly #ranges = new Map<string, IdRange>();

  private constructor(options: UserNamespacesOptions) {
    this.#options = options;
  }

  /** Takes over the ranges of pods that are there. */
  static async load(options: UserNamespacesOptions): Promise<UserNamespaces> {
    const namespaces = new UserNamespaces(options);
    const pods = join(options.dirs.root, 'pods');
    for (const uid of await readdir(pods).catch(() => [])) {
      const range = await rangeAt(join(pods, uid, FILE), options.log);
      if (range !== undefined) namespaces.#ranges.set(uid, range);
    }
    return namespaces;
  }

  /**
   * The pod's range, `undefined` for a pod in the host's user namespace.
   *
   * @param handler of its RuntimeClass, `''` for the default one
   * @throws ContainerConfigError where the runtime cannot, or no range is left: such a pod must not run as the host's users
   */
  async range(pod: Pod, handler: string): Promise<IdRange | undefined> {
    if (pod.spec.hostUsers !== false) return undefined;
    this.#checkHandler(handler);
    const uid = pod.metadata.uid ?? '';
    const known = this.#ranges.get(uid);
    if (known !== undefined) return known;
    const range = this.#free();
    this.#ranges.set(uid, range);
    const dir = podDir(this.#options.dirs, uid);
    const mapping = [{ hostId: range.hostId, containerId: 0, length: range.length }];
    try {
      await mkdir(dir, { recursive: true, mode: 0o750 });
      await writeFileAtomic(join(dir, FILE), JSON.stringify({ uidMappings: mapping, gidMappings: mapping }));
    } catch (error) {
      this.#ranges.delete(uid);
      throw error;
    }
    return range;
  }

  /** The range that the pod has, without giving it one. */
  known(uid: string): IdRange | undefined {
    return this.#ranges.get(uid);
  }

  /** Nothing is left of the pod. */
  release(uid: string): void {
    this.#ranges.delete(uid);
  }

  #checkHandler(handler: string): void {
    const known = this.#options.handlers();
    const features = known.find(({ name }) => name === handler)?.features;
    if (features?.userNamespaces === true) return;
    throw new ContainerConfigError(
      handler === '' || known.length === 0
        ? "can't set `spec.hostUsers: false`, runtime does not support user namespaces"
        : `can't set \`spec.hostUsers: false\`, RuntimeClass handler ${JSON.stringify(handler)} does not support user namespaces`,
    );
  }

  #free(): IdRange {
    const { ids, idsPerPod: length } = this.#options;
    const taken = [...this.#ranges.values()];
    const end = ids.hostId + ids.length;
    for (let hostId = ids.hostId; hostId + length <= end; hostId += length) {
      const overlaps = (other: IdRange): boolean =>
        other.hostId < hostId + length && hostId < other.hostId + other.length;
      if (!taken.some(overlaps)) return { hostId, length };
    }
    throw new ContainerConfigError('no range of user ids is left on the node for another user namespace');
  }
}

/**
 * What the host gives the kubelet: the ranges of the user `kubelet` in /etc/subuid and /etc/subgid, where they name one,
 * else all ids from 65536 on.
 *
 * @throws Error when the two files disagree, or name what cannot be used
 */
export async function hostIds(
  idsPerPod: number,
  files: { readonly subuid: string; readonly subgid: string } = {
    subuid: '/etc/subuid',
    subgid: '/etc/subgid',
  },
): Promise<IdRange> {
  const [uids, gids] = await Promise.all([rangeOfKubelet(files.subuid), rangeOfKubelet(files.subgid)]);
  if (uids === undefined && gids === undefined) {
    return { hostId: FIRST_ID, length: MAX_ID - FIRST_ID };
  }
  if (
    uids === undefined ||
    gids === undefined ||
    uids.hostId !== gids.hostId ||
    uids.length !== gids.length
  ) {
    throw new Error(`${files.subuid} and ${files.subgid} must give the user kubelet the same range of ids`);
  }
  if (uids.hostId < FIRST_ID || uids.hostId % FIRST_ID !== 0 || uids.length < idsPerPod) {
    throw new Error(
      `${files.subuid} gives the user kubelet ${uids.length} ids from ${uids.hostId} on, want at least ${idsPerPod} from a multiple of ${FIRST_ID} on`,
    );
  }
  return uids;
}

async function rangeOfKubelet(file: string): Promise<IdRange | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const ranges = text.split('\n').flatMap((line) => {
    const match = /^kubelet:(\d+):(\d+)$/.exec(line.trim());
    return match === null ? [] : [{ hostId: Number(match[1]), length: Number(match[2]) }];
  });
  if (ranges.length > 1)
    throw new Error(`${file} gives the user kubelet ${ranges.length} ranges of ids, want one`);
  return ranges[0];
}

async function rangeAt(path: string, log: Pick<Log, 'error'>): Promise<IdRange | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR')
      log.error(error, 'Cannot read the user namespace of a pod', { path });
    return undefined;
  }
  try {
    return rangeIn(JSON.parse(text));
  } catch (error) {
    await setAside(path, error, 'The user namespace of a pod', log);
    return undefined;
  }
}

/** The one mapping that starts at id 0 of the pod. */
function rangeIn(parsed: unknown): IdRange {
  const mappings = isRecord(parsed) ? parsed['uidMappings'] : undefined;
  const first: unknown = Array.isArray(mappings) ? mappings[0] : undefined;
  const [hostId, length] = isRecord(first) ? [first['hostId'], first['length']] : [];
  if (typeof hostId !== 'number' || typeof length !== 'number' || length <= 0) {
    throw new TypeError('uidMappings has no range');
  }
  return { hostId, length };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
