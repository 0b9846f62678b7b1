import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StockCatalogue } from '../../../hack/cluster/stock_catalogue.ts';
import type { LayerEntry } from '../../../hack/images/layer.ts';
import { recipeImages } from './catalogue.ts';
import { imageSpecs } from './content.ts';
import type { ImageRecipe, RecipeLayer } from './recipe.ts';

let cacheDir: string;
beforeEach(() => {
  cacheDir = mkdtempSync(join(tmpdir(), 'content-'));
});
afterEach(() => rmSync(cacheDir, { recursive: true }));

const stock: StockCatalogue = { version: () => 'v1', file: (name) => join(cacheDir, name) };
const recipe = (layers: readonly RecipeLayer[], ...tags: string[]): ImageRecipe => ({
  repository: 'example.test/image',
  tags: ['1', ...tags],
  layers,
  config: { cmd: ['run'] },
});
const page: RecipeLayer = { kind: 'files', entries: [{ type: 'file', path: '/page', content: 'text' }] };
const specsOf = (...recipes: readonly ImageRecipe[]): ReturnType<typeof imageSpecs> =>
  imageSpecs(recipeImages(recipes), { repoDir: '/', cacheDir, stock });
const textAt = (entries: readonly LayerEntry[] | undefined, path: string): string => {
  const entry = entries?.find((one) => one.path === path);
  if (entry?.type !== 'file' || typeof entry.content !== 'string') throw new Error(`no text at ${path}`);
  return entry.content;
};

test('each tag is an image of its own that differs in its version only', async () => {
  const [first, second] = await specsOf(recipe([page], '2'));
  expect(first).toMatchObject({
    refs: ['example.test/image:1'],
    config: { cmd: ['run'], labels: { 'org.opencontainers.image.version': '1' } },
  });
  expect(second?.config.labels).toEqual({ 'org.opencontainers.image.version': '2' });
  expect(second?.layers[0]).toBe(first?.layers[0]);
});

test('layers of equal description are one layer', async () => {
  const [first, second] = await specsOf(recipe([page]), recipe([{ ...page }]));
  expect(second?.layers[0]).toBe(first?.layers[0]);
});

test('stock programs come from the catalogue', async () => {
  const layers = [{ kind: 'stock', programs: { etcd: '/usr/local/bin/etcd' } }] as const;
  await expect(specsOf(recipe(layers))).rejects.toThrow(
    /etcd is missing: build it with hack\/stock-binaries etcd/,
  );
  writeFileSync(stock.file('etcd'), 'program');
  const [spec] = await specsOf(recipe(layers));
  expect(spec?.layers).toEqual([
    [{ type: 'file', path: '/usr/local/bin/etcd', mode: 0o755, content: { source: stock.file('etcd') } }],
  ]);
});

test('an image within an image lies as its registry server looks for it', async () => {
  const [spec] = await specsOf(
    recipe([{ kind: 'registry', folder: '/var/registry', images: { 'pause:testing': recipe([page]) } }]),
  );
  const entries = spec?.layers[0];
  const place = (kind: string, digest: string): string => {
    const hex = digest.replace('sha256:', '');
    return `/var/registry/pause/${kind}/sha256/${hex.slice(0, 2)}/${hex}/data`;
  };
  const index: unknown = JSON.parse(
    textAt(entries, place('manifests', textAt(entries, '/var/registry/pause/manifests/testing'))),
  );
  const digest = (value: unknown, ...keys: string[]): string => {
    const found = keys.reduce<unknown>(
      (at, key) => Object.entries(at ?? {}).find(([k]) => k === key)?.[1],
      value,
    );
    return typeof found === 'string' ? found : '';
  };
  const manifest: unknown = JSON.parse(
    textAt(entries, place('manifests', digest(index, 'manifests', '0', 'digest'))),
  );
  const config: unknown = JSON.parse(textAt(entries, place('blobs', digest(manifest, 'config', 'digest'))));
  expect(config).toMatchObject({ config: { Labels: { 'org.opencontainers.image.version': 'testing' } } });
  const layer = entries?.find(
    (one) => one.path === place('blobs', digest(manifest, 'layers', '0', 'digest')),
  );
  if (layer?.type !== 'file' || typeof layer.content === 'string') throw new Error('the layer has no file');
  expect(readFileSync(layer.content.source, 'utf8')).toContain('text');
});

test('the certificate is made once', async () => {
  const layer: RecipeLayer = { kind: 'certificate', certificate: '/c', key: '/k' };
  const [first] = await specsOf(recipe([layer]));
  const [again] = await specsOf(recipe([layer]));
  expect(again?.layers).toEqual(first?.layers);
  const certificate = new X509Certificate(textAt(first?.layers[0], '/c'));
  expect(certificate.subjectAltName).toContain('DNS:localhost');
});

test('a call that was ended builds nothing', async () => {
  const signal = AbortSignal.abort(new Error('interrupted'));
  await expect(
    imageSpecs(recipeImages([recipe([page])]), { repoDir: '/', cacheDir, stock, signal }),
  ).rejects.toThrow('interrupted');
});
