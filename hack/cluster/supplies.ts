/** Gathers what a cluster is made of: stock programs, our own, images. All of it is cached; nothing of it is the cluster's. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { IMAGE_NAMES } from '../images/definitions.ts';
import type { ImageName } from '../images/definitions.ts';
import { buildImages, imageRef } from '../images/images.ts';
import { buildConformanceImages, conformanceStock } from '../../test/conformance/images/build.ts';
import type { Supplies } from './bring_up.ts';
import type { Cluster } from './cluster.ts';
import { clusterComponents, DAEMONS, containerdProgram } from './components.ts';
import { parseContainerdVersion } from './containerd_config.ts';
import { lockFile } from './lock.ts';
import type { Flavour } from './options.ts';
import { cniPluginDir } from './packages.ts';
import type { Roots } from './paths.ts';
import { run } from './program.ts';
import type { Progress } from './progress.ts';
import type { ClusterSettings } from './settings.ts';
import { missingPrograms, stockCatalogue } from './stock_catalogue.ts';
import { goProblem, obtainStock } from './stock_programs.ts';

/** Images that every cluster starts with, and those that it takes in once it answers. */
const NEEDED: readonly ImageName[] = ['pause', 'coredns', 'webapp'];
const FOR_TESTS: readonly ImageName[] = ['busybox', 'agnhost'];

/** Stock programs that a cluster with these settings needs. */
export function wantedStock(
  settings: Pick<ClusterSettings, 'flavours' | 'registry' | 'containerd'>,
): string[] {
  return [
    'etcd',
    'kube-apiserver',
    'kube-controller-manager',
    'kubectl',
    ...daemons(settings, 'stock'),
    'coredns',
    'agnhost',
    ...(settings.containerd === 'pinned' ? ['containerd', 'containerd-shim-runc-v2'] : []),
    ...(settings.registry ? ['registry', ...conformanceStock()] : []),
  ];
}

function daemons(settings: Pick<ClusterSettings, 'flavours'>, flavour: Flavour): string[] {
  return (['kubelet', 'proxy', 'scheduler'] as const)
    .filter((part) => settings.flavours[part] === flavour)
    .map((part) => DAEMONS[part][flavour]);
}

/** Two small programs of our own in the images are Go: they are built once, so that later runs do without. */
export async function imageProblem(cache: string): Promise<string | undefined> {
  const dir = path.join(cache, 'images', 'programs');
  const built = existsSync(dir) ? readdirSync(dir) : [];
  if (['pause', 'webapp'].every((name) => built.some((file) => file.startsWith(`${name}-`))))
    return undefined;
  const problem = await goProblem();
  return problem === undefined
    ? undefined
    : `the images pause and webapp are not built yet and ${problem}: install Go from https://go.dev/dl.`;
}

export interface GatherOptions {
  readonly roots: Roots;
  readonly repo: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly settings: ClusterSettings;
  readonly download: boolean;
}

/** Builds or fetches what is missing. The result makes the supplies of the cluster once its addresses are known. */
export async function gatherSupplies(options: GatherOptions): Promise<(cluster: Cluster) => Supplies> {
  const { roots, repo, progress, signal, settings, download } = options;
  await obtainStock(wantedStock(settings), { repo, cache: roots.cache, download, progress, signal });
  await buildOurs(
    settings.inCluster ? ['ts-kubelet', 'ts-kube-proxy', 'ts-scheduler'] : daemons(settings, 'ours'),
    options,
  );
  const registryTars = settings.registry
    ? await buildConformanceImages({ repoDir: repo, cacheDir: roots.cache, progress, signal, download })
    : undefined;
  const catalogue = stockCatalogue(repo, roots.cache);
  const later = FOR_TESTS.filter(
    (name) => name !== 'agnhost' || missingPrograms(catalogue, ['agnhost']).length === 0,
  );
  const inCluster: ImageName[] = settings.inCluster ? ['ts-kube-proxy', 'ts-scheduler'] : [];
  const wanted = IMAGE_NAMES.filter((name) => [...NEEDED, ...later, ...inCluster].includes(name));
  const lock = await lockFile(path.join(roots.cache, 'images', 'lock'), () =>
    progress.note('another run builds images: waiting for it'),
  );
  let built: Awaited<ReturnType<typeof buildImages>>;
  try {
    built = await progress.step('images', () =>
      buildImages(wanted, { repoDir: repo, cacheDir: roots.cache, signal }),
    );
  } finally {
    await lock.release();
  }
  const tar = (name: ImageName): string => {
    const image = built.find((one) => one.name === name);
    if (image === undefined) throw new Error(`image ${name} was not built`);
    return image.tarPath;
  };
  const containerd = containerdProgram(settings, catalogue);
  const containerdVersion = parseContainerdVersion(await run([containerd, '--version']));
  if (containerdVersion === undefined) throw new Error(`${containerd} --version does not tell its version`);
  const plugins = cniPluginDir();
  if (plugins === undefined)
    throw new Error(
      'the CNI plugins ptp, host-local, portmap and loopback are not in one folder: install containernetworking-plugins',
    );
  return (cluster) => ({
    components: clusterComponents(cluster),
    software: { containerdVersion, cniPluginDir: plugins, sandboxImage: imageRef('pause') },
    imageTars: [...NEEDED, ...inCluster].map(tar),
    laterTars: later.map(tar),
    ...(registryTars === undefined
      ? {}
      : { registryTars: [...new Set(registryTars.map(({ tarPath }) => tarPath))] }),
    ...(settings.inCluster
      ? {
          imageKeys: {
            'ts-kube-proxy': path.basename(tar('ts-kube-proxy')),
            'ts-scheduler': path.basename(tar('ts-scheduler')),
          },
        }
      : {}),
  });
}

/** Bundles those daemons whose sources are newer than their bundle. */
async function buildOurs(
  names: readonly string[],
  { repo, roots, progress, signal }: GatherOptions,
): Promise<void> {
  if (names.length === 0) return;
  const lock = await lockFile(path.join(roots.cache, 'build.lock'), () =>
    progress.note('another run builds the daemons: waiting for it'),
  );
  try {
    const newest = Math.max(
      ...['cmd', 'lib', 'hack/build', 'package-lock.json'].map((name) => newestSource(path.join(repo, name))),
    );
    const stale = names.filter((name) => {
      const file = path.join(repo, 'dist', name);
      return !existsSync(file) || statSync(file).mtimeMs < newest;
    });
    if (stale.length === 0) return;
    await progress.step(`building ${stale.join(', ')}`, () =>
      run([process.execPath, path.join(repo, 'hack/build/build.ts'), ...stale], {
        cwd: repo,
        signal,
        timeoutMs: 300_000,
      }),
    );
  } finally {
    await lock.release();
  }
}

function newestSource(file: string): number {
  const stat = statSync(file);
  if (!stat.isDirectory()) return file.endsWith('.test.ts') ? 0 : stat.mtimeMs;
  return Math.max(0, ...readdirSync(file).map((name) => newestSource(path.join(file, name))));
}
