/**
 * Files of the distribution, copied into an image with everything they need to run: the shared libraries that the
 * dynamic linker would load, and the symbolic links on the way. A root made so holds no shell and no package
 * manager.
 */
import { execFile } from 'node:child_process';
import { lstat, readdir, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { LayerEntry } from './layer.ts';

const execute = promisify(execFile);

/** Directories that Debian and Ubuntu replaced by links into /usr. */
const MERGED_DIRECTORIES = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/** `/lib -> usr/lib` and its like, where this machine has them. */
export async function mergedDirectoryLinks(): Promise<LayerEntry[]> {
  const links: LayerEntry[] = [];
  for (const name of MERGED_DIRECTORIES) {
    const path = `/${name}`;
    const target = await readlink(path).catch(() => undefined);
    if (target !== undefined) links.push({ type: 'symlink', path, target });
  }
  return links;
}

/**
 * The file at `path` on this machine as image entries: the file itself at its real place, and every symbolic
 * link in between.
 *
 * @throws Error (ENOENT) when the file or the target of a link does not exist
 */
export async function copiedFile(path: string): Promise<LayerEntry[]> {
  const entries: LayerEntry[] = [];
  let next = path;
  for (let hops = 0; hops < 20; hops++) {
    const directory = await realpath(dirname(next));
    const place = join(directory, basename(next));
    const status = await lstat(place);
    if (status.isSymbolicLink()) {
      const target = await readlink(place);
      entries.push({ type: 'symlink', path: place, target });
      next = resolve(directory, target);
      continue;
    }
    if (!status.isFile()) throw new Error(`image: ${place} is not a regular file`);
    entries.push({ type: 'file', path: place, mode: status.mode & 0o755, content: { source: place } });
    return entries;
  }
  throw new Error(`image: too many symbolic links at ${path}`);
}

/** Regular files and links directly in `directory` whose name matches, sorted; empty when there is no such directory. */
export async function filesIn(directory: string, pattern: RegExp): Promise<string[]> {
  const names = await readdir(directory).catch(() => []);
  return names
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => join(directory, name));
}

/** Absolute paths of the shared libraries in the output of `ldd`. Objects of the kernel (vdso) have no path. */
export function librariesOf(lddOutput: string): string[] {
  const paths = new Set<string>();
  for (const line of lddOutput.split('\n')) {
    const missing = /^\s*(\S+) => not found/.exec(line);
    if (missing !== null) throw new Error(`image: shared library ${missing[1]} is not installed`);
    const found = /(?:=>\s+|^\s+)(\/\S+)\s+\(0x[0-9a-f]+\)/.exec(line);
    if (found?.[1] !== undefined) paths.add(found[1]);
  }
  return [...paths];
}

/** The programs or libraries at `paths` with their shared libraries and the loader, as image entries. */
export async function withSharedLibraries(paths: readonly string[]): Promise<LayerEntry[]> {
  // ldd exits with 1 when one of them is static, and says so; everything else that fails names no library.
  const { stdout } = await execute('ldd', [...paths], { timeout: 30_000 }).catch((err: unknown) => {
    const output = err instanceof Error && 'stdout' in err ? err.stdout : undefined;
    if (typeof output === 'string' && output.includes('not a dynamic executable')) return { stdout: output };
    throw new Error(`image: ldd ${paths.join(' ')} failed`, { cause: err });
  });
  const wanted = new Set([...paths, ...librariesOf(stdout)]);
  const entries: LayerEntry[] = [];
  for (const path of [...wanted].sort()) entries.push(...(await copiedFile(path)));
  return entries;
}

/** A package of the distribution, as the SBOM names it. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Files of the package that were asked for. */
  readonly files: readonly string[];
}

/** Package of each path; paths that no package owns are left out. */
export async function packagesOwning(paths: readonly string[]): Promise<DebianPackage[]> {
  // dpkg knows a merged file by the path its package shipped: /lib/x for what lies in /usr/lib/x.
  const asked = new Map(
    paths.flatMap((path) => [
      [path, path],
      [path.replace(/^\/usr\//, '/'), path],
    ]),
  );
  const filesByPackage = new Map<string, string[]>();
  // It exits with 1 when it does not know one of them, and tells the others all the same.
  const { stdout: owners } = await execute('dpkg-query', ['--search', ...asked.keys()], {
    timeout: 60_000,
  }).catch((err: unknown) => {
    if (err instanceof Error && 'stdout' in err && typeof err.stdout === 'string')
      return { stdout: err.stdout };
    throw err;
  });
  for (const line of owners.split('\n')) {
    const [, owner, found] = /^([^\s,]+)(?:,.*)?: (\/.+)$/.exec(line) ?? [];
    const path = found === undefined ? undefined : asked.get(found);
    if (owner === undefined || path === undefined) continue;
    const files = filesByPackage.get(owner) ?? [];
    if (!files.includes(path)) files.push(path);
    filesByPackage.set(owner, files);
  }
  const packages: DebianPackage[] = [];
  for (const [owner, files] of [...filesByPackage].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { stdout } = await execute(
      'dpkg-query',
      ['--show', '--showformat=${Package}\t${Version}\t${Architecture}\n', owner],
      { timeout: 10_000 },
    );
    const [name, version, architecture] = stdout.trim().split('\t');
    if (name === undefined || version === undefined || architecture === undefined) {
      throw new Error(`image: dpkg-query told nothing about package ${owner}`);
    }
    packages.push({ name, version, architecture, files });
  }
  return packages;
}
