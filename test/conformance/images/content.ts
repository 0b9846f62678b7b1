/** Turns recipes into the layers that the packer writes. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { createAuthority, issue } from '../../../hack/cluster/pki/certificate.ts';
import type { StockCatalogue } from '../../../hack/cluster/stock_catalogue.ts';
import { debianRoot } from '../../../hack/images/debian_root.ts';
import { imageBlobs, platformIndex } from '../../../hack/images/image.ts';
import type { ImageConfig, ImageSpec } from '../../../hack/images/image.ts';
import { cachedLayerBlob } from '../../../hack/images/image_cache.ts';
import { cached, goProgram, required } from '../../../hack/images/image_sources.ts';
import type { LayerEntry } from '../../../hack/images/layer.ts';
import { rootFile, rootPrograms } from '../../../hack/images/root_files.ts';
import type { RecipeImage } from './catalogue.ts';
import type { Account, DebianLayer, ImageRecipe, RecipeLayer, RegistryLayer } from './recipe.ts';

const BUSYBOX = '/bin/busybox';
/** The shell of every image that has one. */
const SHELL = { package: 'bash-static', program: '/usr/bin/bash-static', names: ['ash', 'sh'] } as const;
const CERTIFICATE_YEARS = 20;

export interface ContentOptions {
  /** Root of the checkout. */
  readonly repoDir: string;
  readonly cacheDir: string;
  readonly stock: StockCatalogue;
  readonly signal?: AbortSignal;
}

/** Stock programs that the recipes want, each once. */
export function stockPrograms(recipes: readonly ImageRecipe[]): string[] {
  const names = recipes
    .flatMap(({ layers }) => layers)
    .flatMap((layer) => (layer.kind === 'stock' ? Object.keys(layer.programs) : []));
  return [...new Set(names)].sort();
}

/** Packages of the distribution that the recipes want, each once: all images take theirs from one root. */
export function debianPackages(recipes: readonly ImageRecipe[]): string[] {
  const names = recipes
    .flatMap(({ layers }) => layers)
    .flatMap((layer): readonly string[] => {
      if (layer.kind === 'shell') return [SHELL.package];
      return layer.kind === 'debian' ? layer.packages : [];
    });
  return [...new Set(names)].sort();
}

/**
 * The specs of `images`, ready to be packed. Layers that recipes share are shared.
 *
 * @throws MissingImageSourceError when something an image is made of is not there and cannot be had
 */
export async function imageSpecs(
  images: readonly RecipeImage[],
  options: ContentOptions,
): Promise<readonly ImageSpec[]> {
  const content = new Content(debianPackages(images.map(({ recipe }) => recipe)), options);
  const specs: ImageSpec[] = [];
  for (const { ref, tag, recipe } of images) {
    options.signal?.throwIfAborted();
    specs.push({
      refs: [ref],
      compress: false,
      layers: await content.layersOf(recipe),
      config: configOf(recipe, tag),
    });
  }
  return specs;
}

function configOf(recipe: ImageRecipe, tag: string): ImageConfig {
  return { ...recipe.config, labels: { 'org.opencontainers.image.version': tag } };
}

class Content {
  readonly #packages: readonly string[];
  readonly #options: ContentOptions;
  readonly #layers = new Map<string, Promise<readonly LayerEntry[]>>();

  constructor(packages: readonly string[], options: ContentOptions) {
    this.#packages = packages;
    this.#options = options;
  }

  async layersOf(recipe: ImageRecipe): Promise<(readonly LayerEntry[])[]> {
    const layers: (readonly LayerEntry[])[] = [];
    for (const layer of recipe.layers) {
      // Equal descriptions are one layer, whichever recipe they stand in.
      const key = JSON.stringify(layer);
      const known = this.#layers.get(key) ?? this.#entriesOf(layer);
      this.#layers.set(key, known);
      layers.push(await known);
    }
    return layers;
  }

  async #entriesOf(layer: RecipeLayer): Promise<readonly LayerEntry[]> {
    const { repoDir, cacheDir, stock } = this.#options;
    switch (layer.kind) {
      case 'shell':
        return [
          ...(await busyboxEntries(layer.accounts ?? [])),
          ...(await shellEntries(await debianRoot(this.#packages, this.#options))),
        ];
      case 'debian':
        return debianEntries(await debianRoot(this.#packages, this.#options), layer);
      case 'files':
        return layer.entries;
      case 'stock': {
        const entries: LayerEntry[] = [];
        for (const [name, place] of Object.entries(layer.programs)) {
          const source = stock.file(name);
          await required(source, `build it with hack/stock-binaries ${name}`);
          entries.push({ type: 'file', path: place, mode: 0o755, content: { source } });
        }
        return entries;
      }
      case 'go': {
        const folder = path.join(repoDir, layer.source);
        const source = await goProgram(folder, { repoDir, cacheDir });
        return [{ type: 'file', path: layer.path, mode: layer.mode ?? 0o755, content: { source } }];
      }
      case 'certificate': {
        const { certificate, key } = await localhostPair(cacheDir);
        return [
          { type: 'file', path: layer.certificate, content: certificate },
          { type: 'file', path: layer.key, content: key },
        ];
      }
      case 'registry':
        return this.#registryEntries(layer);
    }
  }

  /**
   * The layout of agnhost's registry server: `NAME/manifests/TAG` holds a digest, and manifests and blobs lie below
   * `sha256/` by the first two digits and all of their digest, in a file `data`.
   */
  async #registryEntries(layer: RegistryLayer): Promise<LayerEntry[]> {
    const entries: LayerEntry[] = [];
    for (const [name, recipe] of Object.entries(layer.images)) {
      const [repository = '', tag = ''] = name.split(':');
      const folder = path.posix.join(layer.folder, repository);
      const { manifest, config, layers } = await imageBlobs(
        { compress: false, layers: await this.layersOf(recipe), config: configOf(recipe, tag) },
        cachedLayerBlob(path.join(this.#options.cacheDir, 'images', 'layers')),
      );
      const index = platformIndex(manifest);
      const add = (kind: string, digest: string, content: string | { readonly source: string }): void => {
        const hex = digest.replace('sha256:', '');
        entries.push({
          type: 'file',
          path: `${folder}/${kind}/sha256/${hex.slice(0, 2)}/${hex}/data`,
          content,
        });
      };
      entries.push({ type: 'file', path: `${folder}/manifests/${tag}`, content: index.digest });
      for (const { digest, text } of [index, manifest]) add('manifests', digest, text);
      add('blobs', config.digest, config.text);
      for (const { digest, file } of layers) add('blobs', digest, { source: file });
    }
    return entries;
  }
}

/** A root in which busybox is every command that no layer above brings. Directories are merged as Debian's are. */
async function busyboxEntries(accounts: readonly Account[]): Promise<LayerEntry[]> {
  await required(BUSYBOX, 'install busybox-static (hack/up does)');
  const { stdout } = await promisify(execFile)(BUSYBOX, ['--list'], { timeout: 10_000 });
  const others: readonly string[] = ['', 'busybox', ...SHELL.names];
  const commands = stdout.split('\n').filter((name) => !others.includes(name));
  const groups = accounts.flatMap(({ name, groups: more = [] }) =>
    more.map((group) => `${group.name}:x:${group.id}:${name}\n`),
  );
  const line = (name: string, id: number, home: string): string =>
    `${name}:x:${id}:${id}:${name}:${home}:${id === 0 ? '/bin/sh' : '/bin/false'}\n`;
  return [
    ...['bin', 'sbin', 'lib', 'lib64'].map((name): LayerEntry => ({
      type: 'symlink',
      path: `/${name}`,
      target: `usr/${name}`,
    })),
    ...['/usr/bin', '/usr/sbin', '/usr/lib', '/usr/lib64'].map((folder): LayerEntry => ({
      type: 'directory',
      path: folder,
    })),
    { type: 'file', path: '/usr/bin/busybox', mode: 0o755, content: { source: BUSYBOX } },
    ...commands.map((name): LayerEntry => ({ type: 'symlink', path: `/usr/bin/${name}`, target: 'busybox' })),
    { type: 'directory', path: '/tmp', mode: 0o1777 },
    { type: 'directory', path: '/root', mode: 0o700 },
    { type: 'directory', path: '/var/run' },
    {
      type: 'file',
      path: '/etc/passwd',
      content:
        line('root', 0, '/root') +
        line('nobody', 65_534, '/') +
        accounts.map(({ name, id }) => line(name, id, '/')).join(''),
    },
    {
      type: 'file',
      path: '/etc/group',
      content:
        'root:x:0:\nnogroup:x:65534:\n' +
        accounts.map(({ name, id }) => `${name}:x:${id}:\n`).join('') +
        groups.join(''),
    },
    { type: 'file', path: '/etc/nsswitch.conf', content: 'hosts: files dns\n' },
  ];
}

async function shellEntries(root: string): Promise<LayerEntry[]> {
  return [
    ...(await rootFile(root, SHELL.program)),
    ...SHELL.names.map((name): LayerEntry => ({
      type: 'symlink',
      path: `/usr/bin/${name}`,
      target: path.basename(SHELL.program),
    })),
  ];
}

async function debianEntries(root: string, layer: DebianLayer): Promise<LayerEntry[]> {
  const entries = await rootPrograms(root, layer.programs);
  for (const file of layer.files ?? []) entries.push(...(await rootFile(root, file)));
  for (const [place, target] of Object.entries(layer.links ?? {}))
    entries.push({ type: 'symlink', path: place, target });
  return entries;
}

async function localhostPair(cacheDir: string): Promise<{ certificate: string; key: string }> {
  const folder = path.join(cacheDir, 'images', 'programs');
  await mkdir(folder, { recursive: true });
  const file = await cached(folder, 'localhost-pair.json', async (output) => {
    const from = new Date();
    const until = new Date(from);
    until.setUTCFullYear(until.getUTCFullYear() + CERTIFICATE_YEARS);
    const pair = issue(createAuthority('localhost-authority', from, until), {
      subject: { commonName: 'localhost' },
      usages: ['server'],
      names: ['localhost', '127.0.0.1'],
      notBefore: from,
      notAfter: until,
    });
    await writeFile(output, JSON.stringify(pair));
  });
  const value: unknown = JSON.parse(await readFile(file, 'utf8'));
  if (typeof value === 'object' && value !== null && 'certificate' in value && 'key' in value) {
    const { certificate, key } = value;
    if (typeof certificate === 'string' && typeof key === 'string') return { certificate, key };
  }
  throw new Error(`image: ${file} holds no certificate and key: remove it and run again`);
}
