/**
 * Obtains the stock programs at the pinned versions, once per machine: from PATH when the version is right, from the
 * cache, built from the Go modules in hack/stock, or (when asked) from the official release site with its checksum.
 * Whatever is written to the cache is written under another name and renamed when whole.
 */
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  createReadStream,
  createWriteStream,
  existsSync,
  readFileSync,
} from 'node:fs';
import { chmod, copyFile, mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { lockFile } from './lock.ts';
import { attempt, run } from './program.ts';
import type { Progress } from './progress.ts';

/** What builds and serves each program. */
const KUBERNETES_PACKAGES: Readonly<Record<string, string>> = {
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  kubelet: 'k8s.io/kubernetes/cmd/kubelet',
  'kube-proxy': 'k8s.io/kubernetes/cmd/kube-proxy',
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
  agnhost: 'k8s.io/kubernetes/test/images/agnhost',
};
const COREDNS = 'coredns';
/** For tests only: the release site does not carry it. */
const NOT_RELEASED = new Set(['agnhost']);
/** The first Go that fetches the toolchain which a go.mod asks for by itself. */
const OLDEST_GO = [1, 21] as const;

export const STOCK_NAMES: readonly string[] = [...Object.keys(KUBERNETES_PACKAGES), COREDNS];

/** Sites that releases are fetched from. */
export interface ReleaseSites {
  readonly kubernetes: string;
  readonly coredns: string;
}
export const OFFICIAL_SITES: ReleaseSites = {
  kubernetes: 'https://dl.k8s.io/release',
  coredns: 'https://github.com/coredns/coredns/releases/download',
};

/** The version that a go.mod requires of `module`, e.g. `v1.36.3`. */
export function requiredVersion(goMod: string, module: string): string {
  const escaped = module.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const version = new RegExp(`^(?:require\\s+|\\s+)${escaped}\\s+(v\\S+)`, 'm').exec(goMod)?.[1];
  if (version === undefined) throw new Error(`go.mod: does not require ${module}`);
  return version;
}

/** Pinned versions, and where each program lies in the cache. */
export interface StockCatalogue {
  readonly kubernetes: string;
  readonly coredns: string;
  file(name: string): string;
}

export function stockCatalogue(repo: string, cache: string): StockCatalogue {
  const goMod = (module: string): string =>
    readFileSync(path.join(repo, 'hack/stock', module, 'go.mod'), 'utf8');
  const kubernetes = requiredVersion(goMod('kubernetes'), 'k8s.io/kubernetes');
  const coredns = requiredVersion(goMod('coredns'), 'github.com/coredns/coredns');
  return {
    kubernetes,
    coredns,
    file: (name) => path.join(cache, 'stock', name === COREDNS ? `coredns-${coredns}` : kubernetes, name),
  };
}

/** Those of `names` that are not in the cache. */
export function missingPrograms(catalogue: StockCatalogue, names: readonly string[]): string[] {
  return names.filter((name) => !isExecutable(catalogue.file(name)));
}

/** Path of `program` on PATH. */
export function onPath(program: string, searchPath = process.env['PATH'] ?? ''): string | undefined {
  return searchPath
    .split(':')
    .filter((dir) => dir !== '')
    .map((dir) => path.join(dir, program))
    .find(isExecutable);
}

/** Whether the version line of a Kubernetes program says `version`. */
export function saysVersion(output: string, version: string): boolean {
  return output.split(/[\s,"]+/).includes(version);
}

/** Why the Go on this machine cannot build the programs, in words, or `undefined` when it can. */
export async function goProblem(): Promise<string | undefined> {
  if (onPath('go') === undefined) return 'there is no Go on PATH';
  const { stdout } = await attempt(['go', 'env', 'GOVERSION'], { cwd: '/' });
  return goVersionProblem(stdout.trim());
}

export function goVersionProblem(version: string): string | undefined {
  const [major = 0, minor = 0] = (/^go(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
  if (major > OLDEST_GO[0] || (major === OLDEST_GO[0] && minor >= OLDEST_GO[1])) return undefined;
  return `Go ${version === '' ? 'of unknown version' : version.slice(2)} is too old (want ${OLDEST_GO.join('.')} or newer)`;
}

export interface ObtainOptions {
  readonly repo: string;
  readonly cache: string;
  readonly download: boolean;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
  readonly sites?: ReleaseSites;
}

/** Makes sure that `names` are in the cache. Rejects with one sentence when one cannot be had. */
export async function obtainStock(names: readonly string[], options: ObtainOptions): Promise<StockCatalogue> {
  const { repo, cache, progress } = options;
  const catalogue = stockCatalogue(repo, cache);
  if (missingPrograms(catalogue, names).length === 0) return catalogue;
  const lock = await lockFile(path.join(cache, 'stock', 'lock'), () =>
    progress.note('another run obtains stock programs: waiting for it'),
  );
  try {
    await copyFromPath(missingPrograms(catalogue, names), catalogue, progress);
    const missing = missingPrograms(catalogue, names);
    if (missing.length === 0) return catalogue;
    const noGo = await goProblem();
    if (noGo === undefined) await build(missing, catalogue, options);
    else if (options.download) await downloadAll(missing, catalogue, options);
    else throw new Error(cannotObtain(missing, noGo));
  } finally {
    await lock.release();
  }
  return catalogue;
}

/** The sentence for programs that are nowhere. */
export function cannotObtain(missing: readonly string[], goProblem: string): string {
  return (
    `stock ${missing.join(', ')}: neither on PATH nor in the cache at the pinned version, and ${goProblem}: ` +
    'install Go from https://go.dev/dl, or run again with --download to fetch the official release.'
  );
}

/** The program on PATH, if it is of the pinned version. Programs that go into images have to be built as those want. */
async function pinnedOnPath(name: string, catalogue: StockCatalogue): Promise<string | undefined> {
  const found = name === COREDNS || NOT_RELEASED.has(name) ? undefined : onPath(name);
  if (found === undefined) return undefined;
  const argument = name === 'kubectl' ? ['version', '--client'] : ['--version'];
  const { stdout } = await attempt([found, ...argument], { timeoutMs: 10_000 }).catch(() => ({ stdout: '' }));
  return saysVersion(stdout, catalogue.kubernetes) ? found : undefined;
}

/** Those of `names` that are neither in the cache nor on PATH. */
export async function unobtained(catalogue: StockCatalogue, names: readonly string[]): Promise<string[]> {
  const missing = missingPrograms(catalogue, names);
  const found = await Promise.all(missing.map((name) => pinnedOnPath(name, catalogue)));
  return missing.filter((_, i) => found[i] === undefined);
}

async function copyFromPath(
  names: readonly string[],
  catalogue: StockCatalogue,
  progress: Progress,
): Promise<void> {
  for (const name of names) {
    const found = await pinnedOnPath(name, catalogue);
    if (found === undefined) continue;
    await replace(catalogue.file(name), (file) => copyFile(found, file));
    progress.note(`${name} ${catalogue.kubernetes} found at ${found}`);
  }
}

async function build(
  names: readonly string[],
  catalogue: StockCatalogue,
  options: ObtainOptions,
): Promise<void> {
  const kubernetes = names.filter((name) => name !== COREDNS);
  if (kubernetes.length > 0) {
    const flag = (name: string, value: string): string => `-X k8s.io/component-base/version.${name}=${value}`;
    const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(catalogue.kubernetes) ?? [];
    const ldflags = [
      '-s -w',
      flag('gitVersion', catalogue.kubernetes),
      flag('gitMajor', major),
      flag('gitMinor', minor),
      flag('gitTreeState', 'clean'),
      flag('gitCommit', 'unknown'),
      flag('buildDate', '1970-01-01T00:00:00Z'),
    ].join(' ');
    // One after the other, the big ones first: each is kept even when a later one fails or the run is interrupted.
    for (const name of Object.keys(KUBERNETES_PACKAGES).filter((one) => kubernetes.includes(one)))
      await goBuild(name, KUBERNETES_PACKAGES[name] ?? name, ldflags, catalogue, options);
  }
  if (names.includes(COREDNS)) await goBuild(COREDNS, '.', '-s -w', catalogue, options);
}

async function goBuild(
  name: string,
  packagePath: string,
  ldflags: string,
  catalogue: StockCatalogue,
  { repo, progress, signal }: ObtainOptions,
): Promise<void> {
  const cwd = path.join(repo, 'hack/stock', name === COREDNS ? COREDNS : 'kubernetes');
  const version = name === COREDNS ? catalogue.coredns : catalogue.kubernetes;
  await progress.step(`building stock ${name} ${version}`, async (detail) => {
    let compiled = 0;
    await replace(catalogue.file(name), async (file) => {
      await run(
        ['go', 'build', '-mod=readonly', '-trimpath', '-v', '-ldflags', ldflags, '-o', file, packagePath],
        {
          cwd,
          env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off' },
          timeoutMs: 45 * 60_000,
          ...(signal === undefined ? {} : { signal }),
          onStderr: (text) => {
            const lines = text.trim().split('\n');
            compiled += lines.filter((line) => !line.startsWith('go: ')).length;
            detail(`${compiled} packages, ${lines.at(-1) ?? ''}`);
          },
        },
      );
    });
  });
}

async function downloadAll(
  names: readonly string[],
  catalogue: StockCatalogue,
  options: ObtainOptions,
): Promise<void> {
  const { progress, signal, sites = OFFICIAL_SITES } = options;
  const machine = process.arch === 'x64' ? 'amd64' : process.arch;
  for (const name of names) {
    if (NOT_RELEASED.has(name)) {
      progress.note(`${name} is not released: the tests that need it want Go`);
      continue;
    }
    await progress.step(`fetching stock ${name}`, async () => {
      if (name === COREDNS) {
        const version = catalogue.coredns.replace(/^v/, '');
        const url = `${sites.coredns}/${catalogue.coredns}/coredns_${version}_linux_${machine}.tgz`;
        await replace(catalogue.file(name), (file) => fetchCorednsArchive(url, file, signal));
      } else {
        const url = `${sites.kubernetes}/${catalogue.kubernetes}/bin/linux/${machine}/${name}`;
        await replace(catalogue.file(name), (file) => fetchVerified(url, file, signal));
      }
    });
  }
}

async function fetchCorednsArchive(url: string, file: string, signal?: AbortSignal): Promise<void> {
  const archive = `${file}.tgz`;
  try {
    await fetchVerified(url, archive, signal);
    await run([
      'tar',
      '--extract',
      '--gzip',
      '--file',
      archive,
      '--directory',
      path.dirname(file),
      '--transform',
      `s|.*|${path.basename(file)}|`,
      'coredns',
    ]);
  } finally {
    await rm(archive, { force: true });
  }
}

/**
 * Fetches `url` into `file` and compares it with the SHA-256 that the site serves at `url.sha256`. On any failure
 * there is no file. Waits 60 s for each answer to begin, and for no longer than 20 minutes altogether.
 */
export async function fetchVerified(url: string, file: string, signal?: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([
    AbortSignal.timeout(20 * 60_000),
    ...(signal === undefined ? [] : [signal]),
  ]);
  try {
    const wanted = parseChecksum(await (await get(`${url}.sha256`, limit)).text());
    if (wanted === undefined) throw new Error(`${url}.sha256 holds no SHA-256 checksum`);
    const { body } = await get(url, limit);
    if (body === null) throw new Error(`${url}: an empty answer`);
    await pipeline(body, createWriteStream(file), { signal: limit });
    const got = await digestOf(file);
    if (got !== wanted)
      throw new Error(
        `${url}: the checksum of what came is ${got}, want ${wanted}: it is thrown away; run again`,
      );
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
}

/** The hex digest in a checksum file (`HEX`, or `HEX  NAME`). */
export function parseChecksum(text: string): string | undefined {
  return /^([0-9a-f]{64})(\s|$)/i.exec(text.trim())?.[1]?.toLowerCase();
}

async function get(url: string, signal: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    const cause =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new Error(
      `${url} cannot be fetched (${cause}): check the connection, or install Go and build instead`,
      { cause: error },
    );
  }
  if (response.ok) return response;
  await response.body?.cancel();
  throw new Error(`${url} answers ${response.status} ${response.statusText}`.trimEnd());
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}

/** Lets `write` make a file beside `target`, makes it executable, and renames it into place. */
async function replace(target: string, write: (file: string) => Promise<void>): Promise<void> {
  await mkdir(path.dirname(target), { recursive: true });
  const file = `${target}.${process.pid}.new`;
  try {
    await write(file);
    await chmod(file, 0o755);
    await rename(file, target);
  } finally {
    await rm(file, { force: true });
  }
}

function isExecutable(file: string): boolean {
  if (!existsSync(file)) return false;
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
