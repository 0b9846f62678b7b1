/**
 * Obtains the stock programs at the pinned versions, once per machine: from PATH when the version is right, from the
 * cache, built from the Go modules in hack/stock, or (when asked) from the official release site with its checksum.
 * Whatever is written to the cache is written under another name and renamed when whole.
 */
import { chmod, copyFile, mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { lockFile } from './lock.ts';
import { attempt, run } from './program.ts';
import type { Progress } from './progress.ts';
import { missingPrograms, onPath, STOCK_PROGRAMS, stockCatalogue, stockProgram } from './stock_catalogue.ts';
import type { StockCatalogue } from './stock_catalogue.ts';
import { downloadProgram, OFFICIAL_SITES } from './stock_download.ts';
import type { ReleaseSites } from './stock_download.ts';

/** The first Go that fetches the toolchain which a go.mod asks for by itself. */
const OLDEST_GO = [1, 21] as const;
const VERSION_PACKAGE = 'k8s.io/component-base/version';

/** Whether what a program printed of its version says `version` (etcd leaves out the `v`). */
export function saysVersion(output: string, version: string): boolean {
  const words = output.split(/[\s,"]+/);
  return words.includes(version) || words.includes(version.replace(/^v/, ''));
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
    else if (options.download) await download(missing, catalogue, options);
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
  const { versionArgs } = stockProgram(name);
  const found = versionArgs === undefined ? undefined : onPath(name);
  if (found === undefined || versionArgs === undefined) return undefined;
  const { stdout } = await attempt([found, ...versionArgs], { timeoutMs: 10_000 }).catch(() => ({
    stdout: '',
  }));
  return saysVersion(stdout, catalogue.version(name)) ? found : undefined;
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
    progress.note(`${name} ${catalogue.version(name)} found at ${found}`);
  }
}

async function build(
  names: readonly string[],
  catalogue: StockCatalogue,
  options: ObtainOptions,
): Promise<void> {
  for (const name of Object.keys(STOCK_PROGRAMS).filter((one) => names.includes(one)))
    await goBuild(name, catalogue, options);
}

/** Flags that put the version into the programs of Kubernetes; the others carry theirs in their source. */
function linkerFlags(name: string, version: string): string {
  const { module } = stockProgram(name);
  if (module !== 'kubernetes' && name !== 'e2e.test') return '-s -w';
  const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(version) ?? [];
  const values = {
    gitVersion: version,
    gitMajor: major,
    gitMinor: minor,
    gitTreeState: 'clean',
    gitCommit: 'unknown',
    buildDate: '1970-01-01T00:00:00Z',
  };
  return [
    '-s -w',
    ...Object.entries(values).map(([key, value]) => `-X ${VERSION_PACKAGE}.${key}=${value}`),
  ].join(' ');
}

async function goBuild(
  name: string,
  catalogue: StockCatalogue,
  { repo, progress, signal }: ObtainOptions,
): Promise<void> {
  const { module, packagePath, test } = stockProgram(name);
  const version = catalogue.version(name);
  const ldflags = linkerFlags(name, version);
  await progress.step(`building stock ${name} ${version}`, async (detail) => {
    let compiled = 0;
    await replace(catalogue.file(name), async (file) => {
      await run(
        [
          'go',
          ...(test === true ? ['test', '-c'] : ['build']),
          '-mod=readonly',
          '-trimpath',
          // `go test -v` is about tests; without a list of packages it compiles in silence.
          ...(test === true ? [] : ['-v']),
          '-ldflags',
          ldflags,
          '-o',
          file,
          packagePath,
        ],
        {
          cwd: path.join(repo, 'hack/stock', module),
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

async function download(
  names: readonly string[],
  catalogue: StockCatalogue,
  { progress, signal, sites = OFFICIAL_SITES }: ObtainOptions,
): Promise<void> {
  for (const name of names) {
    if (stockProgram(name).notReleased === true) {
      progress.note(`${name} is not released: the tests that need it want Go`);
      continue;
    }
    await progress.step(`fetching stock ${name}`, () =>
      replace(catalogue.file(name), (file) =>
        downloadProgram(name, catalogue.version(name), file, {
          sites,
          ...(signal === undefined ? {} : { signal }),
        }),
      ),
    );
  }
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
