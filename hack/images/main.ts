/**
 * Builds container images into the cache, without an engine daemon or a registry. Usage:
 *
 *     hack/images/build [NAME...]        (all of them when none is named)
 *
 * Prints one line per image: name, tar, `built` or `cached`. A tar is imported with
 * `ctr -n k8s.io images import TAR`; images of our daemons have an SBOM (CycloneDX) beside the tar.
 */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { IMAGE_NAMES } from './definitions.ts';
import { MissingImageSourceError } from './image_sources.ts';
import { buildImages } from './images.ts';

const { positionals } = parseArgs({ allowPositionals: true });
const unknown = positionals.filter((name) => !IMAGE_NAMES.some((known) => known === name));
if (unknown.length > 0) {
  console.error(`images: unknown image "${unknown.join('", "')}", want some of ${IMAGE_NAMES.join(', ')}`);
  process.exit(1);
}
const names = IMAGE_NAMES.filter((name) => positionals.length === 0 || positionals.includes(name));
try {
  await buildImages(names, {
    repoDir: resolve(import.meta.dirname, '../..'),
    cacheDir:
      process.env['TSK_CACHE'] ??
      join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ts-kubernetes'),
    onProgress: ({ name, tarPath, cached }) =>
      console.log(`${name}\t${tarPath}\t${cached ? 'cached' : 'built'}`),
  });
} catch (err) {
  if (!(err instanceof MissingImageSourceError)) throw err;
  console.error(err.message);
  process.exit(1);
}
