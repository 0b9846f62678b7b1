/**
 * Builds the images that the conformance suite wants into the cache, without an engine daemon or a registry: the
 * interface of this folder to hack/conformance and to the registry.
 */
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { lockFile } from '../../../hack/cluster/lock.ts';
import type { Progress } from '../../../hack/cluster/progress.ts';
import { obtainStock } from '../../../hack/cluster/stock_programs.ts';
import { packImages } from '../../../hack/images/image.ts';
import { contentKey, prune, touch } from '../../../hack/images/image_cache.ts';
import { RECIPES, recipeImages } from './catalogue.ts';
import { imageSpecs, stockPrograms } from './content.ts';

/** How many builds stay in the cache. */
const KEPT_BUILDS = 2;

export interface ConformanceImage {
  /** As the suite names it, e.g. `registry.k8s.io/e2e-test-images/agnhost:2.63.0`. */
  readonly ref: string;
  /** The tar that holds it. Images share tars: import each path once. */
  readonly tarPath: string;
}

export interface BuildOptions {
  /** Root of the checkout. */
  readonly repoDir: string;
  /** Root of the project's cache, outside the checkout. */
  readonly cacheDir: string;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
  /** Fetch stock programs where they cannot be built. Default false. */
  readonly download?: boolean;
}

/** Stock programs in the images. */
export function conformanceStock(): string[] {
  return stockPrograms(RECIPES);
}

/**
 * Builds the images, or finds them in the cache. A tar is imported with `ctr -n k8s.io images import TAR`.
 *
 * @throws MissingImageSourceError when something an image is made of cannot be had; the message says what to do
 */
export async function buildConformanceImages(options: BuildOptions): Promise<readonly ConformanceImage[]> {
  const { repoDir, cacheDir, progress, signal, download = false } = options;
  const images = recipeImages();
  const withSignal = signal === undefined ? {} : { signal };
  const stock = await obtainStock(conformanceStock(), {
    repo: repoDir,
    cache: cacheDir,
    download,
    progress,
    ...withSignal,
  });
  const lock = await lockFile(path.join(cacheDir, 'images', 'lock'), () =>
    progress.note('another run builds images: waiting for it'),
  );
  try {
    return await progress.step('images of the conformance suite', async (detail) => {
      const specs = await imageSpecs(images, { repoDir, cacheDir, stock, ...withSignal });
      const entries = [...new Set(specs.flatMap(({ layers }) => layers))].flat();
      const key = await contentKey(
        entries,
        specs.map(({ refs, config }) => ({ refs, config })),
      );
      const folder = path.join(cacheDir, 'images');
      await mkdir(folder, { recursive: true });
      const tarPath = path.join(folder, `conformance-${key}.tar`);
      if (await isFile(tarPath)) await touch(tarPath);
      else {
        detail(`packing ${specs.length} images`);
        await packImages(specs, tarPath);
        await prune(tarPath, KEPT_BUILDS, Date.now());
      }
      return images.map(({ ref }) => ({ ref, tarPath }));
    });
  } finally {
    await lock.release();
  }
}

async function isFile(file: string): Promise<boolean> {
  return stat(file).then(
    (status) => status.isFile(),
    () => false,
  );
}
