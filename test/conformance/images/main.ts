/** hack/conformance-images: builds the images of the conformance suite and lists all that the suite names. See --help. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { rootsFrom } from '../../../hack/cluster/paths.ts';
import { createProgress } from '../../../hack/cluster/progress.ts';
import { table } from '../../../hack/cluster/table.ts';
import { buildConformanceImages } from './build.ts';
import { leftOutReason } from './catalogue.ts';
import { suiteImages } from './suite_images.ts';

const USAGE = `usage: hack/conformance-images [--download]
Builds the container images that the Kubernetes conformance suite wants into the cache, and lists every image that the
suite names with its tar, or with the reason why it is not built.
  --download   fetch stock programs from the official release sites when they cannot be built
Import a tar into a node with: ctr --address SOCKET --namespace k8s.io images import TAR`;

const args = process.argv.slice(2);
const unknown = args.filter((argument) => !['--download', '--help', '-h'].includes(argument));
if (args.includes('--help') || args.includes('-h')) console.log(USAGE);
else if (unknown.length > 0) {
  console.error(`hack/conformance-images: unknown ${unknown.join(', ')}, want --download or --help`);
  process.exitCode = 2;
} else {
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort(new Error('interrupted')));
  try {
    const images = await buildConformanceImages({
      repoDir: path.resolve(import.meta.dirname, '../../..'),
      cacheDir: rootsFrom(process.env).cache,
      download: args.includes('--download'),
      progress: createProgress((line) => console.error(line)),
      signal: abort.signal,
    });
    const tars = new Map(images.map(({ ref, tarPath }) => [ref, tarPath]));
    const named = suiteImages(readFileSync(path.join(import.meta.dirname, 'suite-images.txt'), 'utf8'));
    console.log(
      table([
        ['IMAGE', 'TAR'],
        ...named.map((ref) => [ref, tars.get(ref) ?? `not built: ${leftOutReason(ref) ?? 'no recipe'}`]),
      ]),
    );
    for (const tarPath of new Set(tars.values()))
      console.log(`${tarPath}: ${Math.round(statSync(tarPath).size / 1_000_000)} MB, ${tars.size} images`);
  } catch (error) {
    console.error(`hack/conformance-images: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
