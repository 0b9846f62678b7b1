import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { podDir, type KubeletDirs } from '../contracts.ts';
import { EnvFileMissingError, parseEnvFile, type EnvFileReader } from '../env/env_file.ts';
import { checkVolumeName } from './plugin.ts';
import { codeOf } from './remove_tree.ts';
import { openWithin, validateSubPath } from './sub_path.ts';

/** Longest env file that is read. */
const MAX_BYTES = 64 * 1024;

/** Env files in emptyDir volumes (the only type that the API allows), out of which no symlink leads. */
export function envFileReader(dirs: Pick<KubeletDirs, 'root'>): EnvFileReader {
  return async (pod, volumeName, path) => {
    validateSubPath(path);
    const root = join(
      podDir(dirs, pod.metadata.uid ?? ''),
      'volumes',
      'kubernetes.io~empty-dir',
      checkVolumeName(volumeName),
    );
    try {
      return parseEnvFile(await readRegular(root, path));
    } catch (err) {
      if (codeOf(err) !== 'ENOENT') throw err;
      throw new EnvFileMissingError(`environment file "${path}" not found in volume "${volumeName}"`, {
        cause: err,
      });
    }
  };
}

async function readRegular(root: string, path: string): Promise<string> {
  const place = await openWithin(root, path);
  try {
    // Looked at before it is opened for reading: opening a FIFO would hang.
    const stat = await place.stat();
    if (!stat.isFile()) throw new Error(`environment file "${path}" is not a regular file`);
    if (stat.size > MAX_BYTES)
      throw new Error(`environment file "${path}" is longer than ${MAX_BYTES} bytes`);
    const handle = await open(`/proc/self/fd/${place.fd}`, 'r');
    try {
      const buffer = Buffer.alloc(MAX_BYTES);
      let length = 0;
      for (;;) {
        const { bytesRead } = await handle.read(buffer, length, MAX_BYTES - length, length);
        if (bytesRead === 0) return buffer.toString('utf8', 0, length);
        length += bytesRead;
      }
    } finally {
      await handle.close();
    }
  } finally {
    await place.close();
  }
}
