import { constants } from 'node:fs';
import type { Stats } from 'node:fs';
import { chmod, mkdir, open, stat } from 'node:fs/promises';
import type { ReadyVolume, VolumePlugin, VolumeRequest } from './plugin.ts';
import { codeOf } from './remove_tree.ts';

/** hostPath: a path of the node itself. Nothing is created or changed except by the `...OrCreate` types. */
export const hostPathPlugin: VolumePlugin = {
  name: 'kubernetes.io/host-path',
  supports: (volume) => volume.hostPath !== undefined,
  async setUp({ volume }: VolumeRequest): Promise<ReadyVolume> {
    const path = volume.hostPath?.path ?? '';
    await checkHostPath(path, volume.hostPath?.type ?? '');
    return { hostPath: path, readOnly: false };
  },
};

interface TypeCheck {
  readonly is: (stat: Stats) => boolean;
  readonly complaint: string;
  readonly create?: (path: string) => Promise<void>;
}

const directory = { is: (s: Stats) => s.isDirectory(), complaint: 'is not a directory' };
const file = { is: (s: Stats) => s.isFile(), complaint: 'is not a file' };

const CHECKS: Readonly<Record<string, TypeCheck>> = {
  DirectoryOrCreate: {
    ...directory,
    create: async (path) => {
      await mkdir(path, { recursive: true, mode: 0o755 });
      await chmod(path, 0o755);
    },
  },
  Directory: directory,
  FileOrCreate: {
    ...file,
    create: async (path) => {
      const handle = await open(path, constants.O_CREAT | constants.O_WRONLY | constants.O_EXCL, 0o644);
      await handle.chmod(0o644);
      await handle.close();
    },
  },
  File: file,
  Socket: { is: (s) => s.isSocket(), complaint: 'is not a socket file' },
  CharDevice: { is: (s) => s.isCharacterDevice(), complaint: 'is not a character device' },
  BlockDevice: { is: (s) => s.isBlockDevice(), complaint: 'is not a block device' },
};

/** @throws Error when `path` is not what `type` (`hostPath.type`) says; creates it for the `...OrCreate` types. */
export async function checkHostPath(path: string, type: string): Promise<void> {
  if (path.split('/').includes('..'))
    throw new Error(`hostPath path ${JSON.stringify(path)} must not contain '..'`);
  if (type === '') return; // the runtime creates a directory where nothing is
  const check = CHECKS[type];
  if (check === undefined) throw new Error(`hostPath type check failed: ${type} is an invalid volume type`);
  const fail = (): never => {
    throw new Error(`hostPath type check failed: ${path} ${check.complaint}`);
  };
  let found = await statOrUndefined(path);
  if (found === undefined && check.create !== undefined) {
    await check.create(path);
    found = await statOrUndefined(path);
  }
  if (found === undefined || !check.is(found)) fail();
}

async function statOrUndefined(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (err) {
    if (codeOf(err) === 'ENOENT' || codeOf(err) === 'ENOTDIR') return undefined;
    throw err;
  }
}
