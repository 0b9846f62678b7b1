/**
 * Files out of a folder that is laid out as the root of a machine: links in it are followed as a program with that
 * root would follow them, and shared libraries are found by its own dynamic linker.
 */
import { execFile } from 'node:child_process';
import { lstat, readlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { promisify } from 'node:util';
import { librariesOf } from './debian_files.ts';
import type { LayerEntry } from './layer.ts';

const execute = promisify(execFile);
const LOADERS: Readonly<Record<string, { readonly path: string; readonly triplet: string }>> = {
  x64: { path: '/lib64/ld-linux-x86-64.so.2', triplet: 'x86_64-linux-gnu' },
  arm64: { path: '/lib/ld-linux-aarch64.so.1', triplet: 'aarch64-linux-gnu' },
};
const MAX_LINKS = 40;

/**
 * The file at `path` below `root` as image entries: every symbolic link on the way, and the file at its real place.
 * A directory gives the links and the directory itself, without what is in it.
 *
 * @throws Error when nothing is there, or links lead in a circle
 */
export async function rootFile(root: string, path: string): Promise<LayerEntry[]> {
  const links: LayerEntry[] = [];
  let rest = path.split('/').filter((part) => part !== '');
  let place = '/';
  while (rest.length > 0) {
    const [part = '', ...after] = rest;
    const next = posix.join(place, part);
    const status = await lstat(join(root, next)).catch((err: unknown) => {
      throw new Error(`image: ${path} is not in ${root} (nothing at ${next})`, { cause: err });
    });
    if (status.isSymbolicLink()) {
      if (links.length >= MAX_LINKS) throw new Error(`image: too many symbolic links at ${path} in ${root}`);
      const target = await readlink(join(root, next));
      links.push({ type: 'symlink', path: next, target });
      rest = [
        ...posix
          .resolve(place, target)
          .split('/')
          .filter((one) => one !== ''),
        ...after,
      ];
      place = '/';
      continue;
    }
    if (after.length === 0) {
      const mode = status.mode & 0o7777;
      if (status.isFile())
        return [...links, { type: 'file', path: next, mode, content: { source: join(root, next) } }];
      if (status.isDirectory()) return [...links, { type: 'directory', path: next, mode }];
      throw new Error(`image: ${next} in ${root} is neither file nor directory`);
    }
    place = next;
    rest = after;
  }
  throw new Error(`image: path ${JSON.stringify(path)} names no file`);
}

/** The programs or libraries at `paths` below `root`, with their shared libraries and the loader. */
export async function rootPrograms(root: string, paths: readonly string[]): Promise<LayerEntry[]> {
  const loader = LOADERS[process.arch];
  if (loader === undefined)
    throw new Error(`image: programs are packed on x64 and arm64, not on ${process.arch}`);
  const [loaderFile] = (await rootFile(root, loader.path)).filter((entry) => entry.type === 'file');
  const loaderPath = join(root, loaderFile?.path ?? loader.path);
  const folders = [`/usr/lib/${loader.triplet}`, '/usr/lib'].map((folder) => join(root, folder)).join(':');
  // Programs name the loader by this path, which is a link.
  const wanted = new Set([...paths, loader.path]);
  for (const path of paths) {
    const real = (await rootFile(root, path)).at(-1)?.path ?? path;
    const { stdout } = await execute(
      loaderPath,
      ['--inhibit-cache', '--library-path', folders, '--list', join(root, real)],
      { timeout: 30_000 },
    ).catch((err: unknown) => {
      throw new Error(`image: the dynamic linker of ${root} cannot read ${path}`, { cause: err });
    });
    for (const library of librariesOf(stdout)) wanted.add(withinRoot(root, library, loader.path));
  }
  const entries = new Map<string, LayerEntry>();
  for (const path of [...wanted].sort())
    for (const entry of await rootFile(root, path)) entries.set(entry.path, entry);
  return [...entries.values()];
}

function withinRoot(root: string, library: string, loader: string): string {
  const prefix = root === '/' ? '' : root;
  if (library.startsWith(`${prefix}/`)) return library.slice(prefix.length);
  if (library === loader) return library;
  throw new Error(`image: ${library} is not in ${root}: the package that has it is missing`);
}
