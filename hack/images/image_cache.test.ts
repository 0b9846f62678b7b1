import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cachedLayerBlob, cachedLayerWriter, contentKey, prune } from './image_cache.ts';
import type { LayerEntry } from './layer.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'image-cache-'));
});
afterEach(() => rm(dir, { recursive: true }));

test('the key of small files depends on their content, not on their time', async () => {
  const source = join(dir, 'a');
  const entries: LayerEntry[] = [{ type: 'file', path: '/a', content: { source } }];
  await writeFile(source, '1');
  const first = await contentKey(entries, {});
  await utimes(source, 5, 5);
  expect(await contentKey(entries, {})).toBe(first);
  await writeFile(source, '2');
  expect(await contentKey(entries, {})).not.toBe(first);
});

test('the key depends on what else is packed', async () => {
  const entries: LayerEntry[] = [{ type: 'file', path: '/a', content: 'a' }];
  expect(await contentKey(entries, { refs: ['a'] })).not.toBe(await contentKey(entries, { refs: ['b'] }));
});

describe('cachedLayerWriter', () => {
  const entries: LayerEntry[] = [{ type: 'file', path: '/a', content: 'a' }];

  test('compresses equal layers once', async () => {
    const write = cachedLayerWriter(join(dir, 'layers'));
    const first = await write(entries, join(dir, 'free'), { compress: true });
    const before = await stat(first.file);
    expect(await write(entries, join(dir, 'free'), { compress: true })).toEqual(first);
    expect((await stat(first.file)).ino).toBe(before.ino);
  });

  test('a truncated blob is written again', async () => {
    const write = cachedLayerWriter(join(dir, 'layers'));
    const first = await write(entries, join(dir, 'free'), { compress: true });
    await writeFile(first.file, '');
    expect(await write(entries, join(dir, 'free'), { compress: true })).toEqual(first);
    expect((await stat(first.file)).size).toBe(first.size);
  });

  test('leaves no file of its own when it does not compress', async () => {
    await cachedLayerWriter(join(dir, 'layers'))(entries, join(dir, 'free'), { compress: false });
    expect(await readdir(dir)).toEqual(['free']);
  });
});

test('prune keeps the newest, the recently used and other images', async () => {
  const now = 1_000_000_000;
  const ages: [string, number][] = [
    ['a-01.tar', 7200],
    ['a-02.tar', 7300],
    ['a-03.tar', 7400],
    ['a-b-01.tar', 9000],
    ['a-04.cdx.json', 9000],
  ];
  for (const [name, age] of ages) {
    await writeFile(join(dir, name), '');
    await utimes(join(dir, name), now / 1000 - age, now / 1000 - age);
  }
  await prune(join(dir, 'a-01.tar'), 2, now);
  expect((await readdir(dir)).sort()).toEqual(['a-01.tar', 'a-02.tar', 'a-04.cdx.json', 'a-b-01.tar']);
  await prune(join(dir, 'a-01.tar'), 0, now - 7200 * 1000 + 1);
  expect((await readdir(dir)).sort()).toEqual(['a-01.tar', 'a-02.tar', 'a-04.cdx.json', 'a-b-01.tar']);
});

test('a layer that is found keeps its time: images that hold it keep their key', async () => {
  const blobOf = cachedLayerBlob(join(dir, 'layers'));
  const entries: LayerEntry[] = [{ type: 'file', path: '/a', content: 'a' }];
  const { file } = await blobOf(entries, { compress: false });
  await utimes(file, 5, 5);
  expect((await blobOf(entries, { compress: false })).file).toBe(file);
  expect((await stat(file)).mtimeMs).toBe(5000);
});
