import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseQuantity } from '../../api/quantity.ts';
import type { Pod } from '../../api/types.ts';
import { mountFs } from './kernel.ts';
import { isOwnFileSystem, makeOpenDirectory, mountTmpfs } from './memory_fs.ts';
import { setVolumeOwnership } from './ownership.ts';
import type { ReadyVolume, VolumePlugin, VolumeRequest } from './plugin.ts';
import { lstatOrUndefined } from './remove_tree.ts';

const NAME = 'kubernetes.io/empty-dir';

/** emptyDir on the node's disk, in memory (tmpfs) or on huge pages. */
export function emptyDirPlugin(deps: {
  /** Upper bound in bytes for memory-backed volumes of a pod: its memory limit, else the node's allocatable. */
  readonly memoryBound: (pod: Pod) => number;
}): VolumePlugin {
  return {
    name: NAME,
    supports: (volume) => volume.emptyDir !== undefined,
    async setUp(request: VolumeRequest): Promise<ReadyVolume> {
      const { dir, volume } = request;
      const ready = { hostPath: dir, readOnly: false };
      const marker = join(request.podDir, 'plugins', 'kubernetes.io~empty-dir', volume.name);
      const medium = volume.emptyDir?.medium ?? '';
      // What was handed to containers once is theirs: mode and owner are never reset, only a lost mount (the machine
      // was started again) begins anew.
      if ((await lstatOrUndefined(join(marker, 'ready'))) !== undefined && (await isThere(dir, medium)))
        return ready;
      if (medium === 'Memory') {
        const bound = deps.memoryBound(request.pod);
        const limit = volume.emptyDir?.sizeLimit;
        const asked = limit === undefined ? 0 : Number(parseQuantity(limit).value());
        const size = asked > 0 && bound > 0 ? Math.min(asked, bound) : asked > 0 ? asked : bound;
        await mountTmpfs(dir, size);
      } else if (medium === 'HugePages' || medium.startsWith('HugePages-')) {
        await mountHugePages(dir, await hugePageSize(medium, request.pod));
      }
      await makeOpenDirectory(dir);
      if (request.fsGroup !== undefined) {
        await setVolumeOwnership(dir, request.fsGroup, {
          readOnly: false,
          policy: request.fsGroupChangePolicy,
          signal: request.signal,
        });
      }
      await mkdir(marker, { recursive: true, mode: 0o750 });
      await writeFile(join(marker, 'ready'), '');
      return ready;
    },
  };
}

async function isThere(dir: string, medium: string): Promise<boolean> {
  if ((await lstatOrUndefined(dir)) === undefined) return false;
  return medium === '' || (await isOwnFileSystem(dir));
}

async function mountHugePages(dir: string, pageSize: number): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o755 });
  if (await isOwnFileSystem(dir)) return;
  mountFs('nodev', 'hugetlbfs', dir, 0, `pagesize=${pageSize}`);
}

/** The page size in bytes: named by the medium, else the only one that the pod's containers ask for. */
async function hugePageSize(medium: string, pod: Pod): Promise<number> {
  let size: number;
  if (medium.startsWith('HugePages-')) {
    size = Number(parseQuantity(medium.slice('HugePages-'.length)).value());
  } else {
    const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
    const asked = new Set(
      containers
        .flatMap((c) => Object.keys({ ...c.resources?.limits, ...c.resources?.requests }))
        .filter((name) => name.startsWith('hugepages-')),
    );
    const [only, second] = [...asked];
    if (only === undefined || second !== undefined) {
      throw new Error(
        'the medium of an emptyDir with huge pages must name the page size unless the pod requests just one',
      );
    }
    size = Number(parseQuantity(only.slice('hugepages-'.length)).value());
  }
  const known = (await readdir('/sys/kernel/mm/hugepages').catch(() => [])).map(
    (n) => Number(/(\d+)kB$/.exec(n)?.[1]) * 1024,
  );
  if (!known.includes(size))
    throw new Error(`medium ${medium}: this node has no huge pages of ${size} bytes`);
  return size;
}
