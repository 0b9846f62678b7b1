/** `spec.local`: a directory or a block device of this node. */
import { mkdir, realpath, rmdir, stat } from 'node:fs/promises';
import { run } from '../../../base/subprocess.ts';
import { bindMount } from '../kernel.ts';
import { readMountTable } from '../mount_table.ts';
import { setVolumeOwnership } from '../ownership.ts';
import { codeOf } from '../remove_tree.ts';
import { isMounted, mountOnce } from './mount_program.ts';
import type { PersistentVolumeRequest, PersistentVolumeSource } from './source.ts';

const NAME = 'kubernetes.io/local-volume';
const FORMAT_TIMEOUT_MS = 10 * 60_000;
/** blkid found nothing on the device. */
const BLKID_NOTHING = 2;

export const localSource: PersistentVolumeSource = {
  name: NAME,
  supports: (pv) => pv.spec?.local !== undefined,
  async setUp(request) {
    const path = request.pv.spec?.local?.path ?? '';
    const kind = await kindOf(path);
    if (request.pv.spec?.volumeMode === 'Block') {
      if (kind !== 'device') throw new Error(`path "${path}" is not a block device`);
      return { hostPath: await realpath(path), readOnly: request.readOnly, block: true };
    }
    const mounted = kind === 'device' ? await mountDevice(path, request) : await bind(path, request);
    if (mounted) await own(request);
    return { hostPath: request.dir, readOnly: request.readOnly };
  },
};

async function kindOf(path: string): Promise<'directory' | 'device'> {
  const found = await stat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') throw new Error(`path "${path}" does not exist`, { cause: error });
    throw error;
  });
  if (found.isDirectory()) return 'directory';
  if (found.isBlockDevice()) return 'device';
  throw new Error(`path "${path}" is neither a directory nor a block device`);
}

async function bind(path: string, request: PersistentVolumeRequest): Promise<boolean> {
  const { dir, pv, signal } = request;
  const options = pv.spec?.mountOptions ?? [];
  if (options.length > 0)
    return mountOnce({ type: '', source: path, dir, options: ['bind', ...options], signal });
  await mkdir(dir, { recursive: true, mode: 0o750 });
  if (await isMounted(dir)) return false;
  try {
    bindMount(path, dir);
  } catch (error) {
    await rmdir(dir).catch(() => undefined);
    throw error;
  }
  return true;
}

async function mountDevice(path: string, request: PersistentVolumeRequest): Promise<boolean> {
  const { dir, pv, readOnly, signal } = request;
  await mkdir(dir, { recursive: true, mode: 0o750 });
  if (await isMounted(dir)) return false;
  const wanted = pv.spec?.local?.fsType ?? '';
  const found = await fileSystemOn(path, signal);
  if (found === '') {
    if (readOnly)
      throw new Error(`cannot mount unformatted disk ${path} as we are manipulating it in read-only mode`);
    await format(path, wanted === '' ? 'ext4' : wanted, signal);
  }
  return mountOnce({
    type: wanted === '' ? found : wanted,
    source: path,
    dir,
    options: [...(pv.spec?.mountOptions ?? []), ...(readOnly ? ['ro'] : [])],
    signal,
  });
}

/** The type of file system on a device, empty for none at all. A device that holds anything else is never formatted. */
async function fileSystemOn(device: string, signal: AbortSignal): Promise<string> {
  const argv = ['blkid', '-p', '-s', 'TYPE', '-s', 'PTTYPE', '-o', 'export', '--', device] as const;
  const { exitCode, stdout, stderr } = await run(argv, { timeoutMs: FORMAT_TIMEOUT_MS, signal });
  if (exitCode === BLKID_NOTHING) return '';
  if (exitCode !== 0) throw new Error(`blkid ${device} exited with ${exitCode}: ${stderr.toString().trim()}`);
  const text = stdout.toString();
  const type = /^TYPE=(.*)$/m.exec(text)?.[1];
  if (type !== undefined) return type;
  throw new Error(`device ${device} holds a partition table, not a file system`);
}

async function format(device: string, type: string, signal: AbortSignal): Promise<void> {
  if (!/^[a-z0-9]+$/.test(type)) throw new Error(`file system type ${JSON.stringify(type)} is not a name`);
  const argv: readonly [string, ...string[]] = type.startsWith('ext')
    ? [`mkfs.${type}`, '-F', '-m0', device]
    : [`mkfs.${type}`, device];
  await run(argv, { timeoutMs: FORMAT_TIMEOUT_MS, signal, check: true });
}

/** Gives the volume to the pod's group, unless another pod has it mounted: that one's access is not taken away. */
async function own(request: PersistentVolumeRequest): Promise<void> {
  const { dir, fsGroup, fsGroupChangePolicy, readOnly, signal } = request;
  if (fsGroup === undefined || readOnly || (await isShared(dir))) return;
  await setVolumeOwnership(dir, fsGroup, { readOnly: false, policy: fsGroupChangePolicy, signal });
}

async function isShared(dir: string): Promise<boolean> {
  const path = await realpath(dir);
  const table = await readMountTable();
  const ours = table.findLast(({ mountPoint }) => mountPoint === path);
  return table.some(
    (entry) =>
      entry.mountPoint !== path &&
      entry.device === ours?.device &&
      entry.root === ours.root &&
      entry.mountPoint.includes('/volumes/kubernetes.io~local-volume/'),
  );
}
