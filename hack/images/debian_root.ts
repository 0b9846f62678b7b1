/**
 * A folder with the files of some packages of the distribution, as an image wants them that holds software which
 * this machine has not installed. The packages come through apt, from the machine's own sources, but nothing of the
 * machine is touched: apt's state, its cache and the unpacked files lie in the cache of the project.
 */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MissingImageSourceError } from './image_sources.ts';

const execute = promisify(execFile);
const PACKAGE_NAME = /^[a-z0-9][a-z0-9+.-]+$/;
/** Directories that Debian replaced by links into /usr. */
const MERGED = ['bin', 'sbin', 'lib', 'lib64'] as const;

export interface DebianRootOptions {
  readonly cacheDir: string;
  readonly signal?: AbortSignal;
}

/**
 * The unpacked files of `packages` and of everything they depend on; their install scripts have not run. Unpacked
 * once: later calls find the folder and ask nobody, until it is deleted or the machine has another release.
 *
 * @returns path of the folder
 * @throws MissingImageSourceError when apt does not have a package, or this is no Debian
 */
export async function debianRoot(packages: readonly string[], options: DebianRootOptions): Promise<string> {
  const odd = packages.find((name) => !PACKAGE_NAME.test(name));
  if (odd !== undefined) throw new Error(`image: ${JSON.stringify(odd)} is no name of a package`);
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const wanted = [...new Set(packages)].sort();
  const key = createHash('sha256')
    .update(JSON.stringify([process.arch, /^VERSION_ID=(.*)$/m.exec(release)?.[1] ?? '', wanted]))
    .digest('hex')
    .slice(0, 16);
  const folder = join(options.cacheDir, 'images', 'debian');
  const root = join(folder, `root-${key}`);
  if (await isDirectory(root)) return root;
  const apt = join(folder, 'apt');
  const archives = join(folder, `${key}.archives`);
  const unfinished = `${root}.${process.pid}.tmp`;
  try {
    await fetchPackages(wanted, apt, archives, options.signal);
    for (const name of MERGED) {
      await mkdir(join(unfinished, 'usr', name), { recursive: true });
      await symlink(`usr/${name}`, join(unfinished, name));
    }
    const files = (await readdir(archives)).filter((name) => name.endsWith('.deb')).sort();
    for (const name of files) await unpack(join(archives, name), unfinished, options.signal);
    await rename(unfinished, root);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
    await rm(archives, { recursive: true, force: true });
  }
  return root;
}

/** Downloads the packages with all that they depend on into `archives`, as for a machine that has none installed. */
async function fetchPackages(
  packages: readonly string[],
  apt: string,
  archives: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  await mkdir(join(apt, 'lists', 'partial'), { recursive: true });
  await mkdir(join(archives, 'partial'), { recursive: true });
  await writeFile(join(apt, 'status'), '');
  const settings = [
    ['Dir::State', apt],
    ['Dir::State::status', join(apt, 'status')],
    ['Dir::Cache', apt],
    ['Dir::Cache::archives', archives],
    ['APT::Install-Recommends', 'false'],
    // Running as root, apt would drop to a user that cannot write into our cache.
    ['APT::Sandbox::User', 'root'],
    ['Acquire::Retries', '3'],
  ].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const aptGet = async (...command: readonly string[]): Promise<void> => {
    await execute('apt-get', ['-q', '-y', ...settings, ...command], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
      timeout: 600_000,
      maxBuffer: 16 * 1024 * 1024,
      ...(signal === undefined ? {} : { signal }),
    });
  };
  try {
    await aptGet('update');
    await aptGet('install', '--download-only', ...packages);
  } catch (err) {
    signal?.throwIfAborted();
    const output = typeof err === 'object' && err !== null && 'stderr' in err ? String(err.stderr) : '';
    const words = output
      .trim()
      .split('\n')
      .filter((line) => line.startsWith('E: '));
    throw new MissingImageSourceError(
      `image: apt does not give ${packages.join(', ')}${words.length === 0 ? '' : ` (${words.join(' ')})`}: ` +
        'these images are made of packages of Debian; check its sources and the connection',
      { cause: err },
    );
  }
}

/** Unpacks one package; links that stand for directories stay links, which `dpkg-deb --extract` replaces. */
async function unpack(file: string, root: string, signal: AbortSignal | undefined): Promise<void> {
  const archive = `${file}.tar`;
  const handle = await open(archive, 'w');
  try {
    await ending(['dpkg-deb', '--fsys-tarfile', file], handle.fd, signal);
    const target = ['--keep-directory-symlink', '--directory', root];
    await ending(['tar', '--extract', '--file', archive, ...target], 'ignore', signal);
  } catch (err) {
    throw new Error(`image: unpacking ${file} failed`, { cause: err });
  } finally {
    await handle.close();
    await rm(archive, { force: true });
  }
}

function ending(
  [program, ...args]: readonly [string, ...string[]],
  stdout: number | 'ignore',
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', stdout, 'inherit'],
      env: process.env,
      ...(signal === undefined ? {} : { signal }),
    });
    child.once('error', reject);
    child.once('close', (code, killedBy) => {
      if (code === 0) resolve();
      else
        reject(new Error(`${program}: ${killedBy === null ? `exit code ${code}` : `killed by ${killedBy}`}`));
    });
  });
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (status) => status.isDirectory(),
    () => false,
  );
}
