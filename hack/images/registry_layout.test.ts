import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packImages, type ImageSpec } from './image.ts';
import { blobsOf, layOutRegistry, linksOf, namedImages } from './registry_layout.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'registry-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const HEX = 'a'.repeat(64);
const digest = `sha256:${HEX}`;
const image = { repository: 'e2e/pause', tag: '3.10', digest };
const spec = (ref: string, content: string): ImageSpec => ({
  refs: [ref],
  config: { cmd: ['run'] },
  layers: [[{ type: 'file', path: '/file', content }]],
  compress: false,
});
const read = (folder: string, path: string): string =>
  readFileSync(join(folder, 'docker/registry/v2', path), 'utf8');

test('every image is found by its tag, and its blobs by their digests', async () => {
  const tar = join(dir, 'images.tar');
  const [first, second] = await packImages([spec('host.test/a:1', 'x'), spec('host.test/b/c:2', 'y')], tar);
  const folder = join(dir, 'registry');
  expect(await layOutRegistry([tar], folder)).toBe(true);
  expect(read(folder, 'repositories/a/_manifests/tags/1/current/link')).toBe(first);
  expect(read(folder, 'repositories/b/c/_manifests/tags/2/current/link')).toBe(second);
  const hex = second?.replace('sha256:', '') ?? '';
  expect(read(folder, `repositories/b/c/_manifests/revisions/sha256/${hex}/link`)).toBe(second);
  const manifest = read(folder, `blobs/sha256/${hex.slice(0, 2)}/${hex}/data`);
  for (const blob of blobsOf(manifest, image)) {
    const part = blob.replace('sha256:', '');
    expect(read(folder, `repositories/b/c/_layers/sha256/${part}/link`)).toBe(blob);
    expect(existsSync(join(folder, 'docker/registry/v2/blobs/sha256', part.slice(0, 2), part, 'data'))).toBe(
      true,
    );
  }
});

test('it is laid out once for the same tars, and anew for others', async () => {
  const [one, two] = [join(dir, '1.tar'), join(dir, '2.tar')];
  await packImages([spec('host.test/a:1', 'x')], one);
  await packImages([spec('host.test/b:1', 'x')], two);
  const folder = join(dir, 'registry');
  await layOutRegistry([one], folder);
  expect(await layOutRegistry([one], folder)).toBe(false);
  expect(await layOutRegistry([two], folder)).toBe(true);
  expect(existsSync(join(folder, 'docker/registry/v2/repositories/a'))).toBe(false);
  expect(existsSync(join(folder, 'docker/registry/v2/repositories/b'))).toBe(true);
});

test('a broken tar leaves what was there', async () => {
  const [good, bad] = [join(dir, '1.tar'), join(dir, '2.tar')];
  await packImages([spec('host.test/a:1', 'x')], good);
  writeFileSync(bad, Buffer.alloc(1024));
  const folder = join(dir, 'registry');
  await layOutRegistry([good], folder);
  await expect(layOutRegistry([bad], folder)).rejects.toThrow(/2.tar is no image layout/);
  expect(existsSync(join(folder, 'docker/registry/v2/repositories/a'))).toBe(true);
});

test('the files of an image', () => {
  const blob = `sha256:${'b'.repeat(64)}`;
  const folder = 'docker/registry/v2/repositories/e2e/pause';
  expect(linksOf(image, [blob])).toEqual([
    [`${folder}/_manifests/revisions/sha256/${HEX}/link`, digest],
    [`${folder}/_manifests/tags/3.10/current/link`, digest],
    [`${folder}/_manifests/tags/3.10/index/sha256/${HEX}/link`, digest],
    [`${folder}/_layers/sha256/${'b'.repeat(64)}/link`, blob],
  ]);
});

test.each([
  ['no name', { digest }],
  ['no host', { digest, annotations: { 'io.containerd.image.name': 'pause:1' } }],
  ['no tag', { digest, annotations: { 'io.containerd.image.name': 'host.test/pause' } }],
  ['a way out', { digest, annotations: { 'io.containerd.image.name': 'host.test/../../etc:1' } }],
  ['no digest', { digest: 'sha256:x', annotations: { 'io.containerd.image.name': 'host.test/a:1' } }],
])('an index entry with %s is refused', (_, entry) => {
  expect(() => namedImages(JSON.stringify({ manifests: [entry] }))).toThrow(/names no image/);
});

test.each(['{}', '{"config":{},"layers":[]}', `{"config":{"digest":"${digest}"},"layers":[{}]}`])(
  'the manifest %p is refused',
  (text) => {
    expect(() => blobsOf(text, image)).toThrow('the manifest of e2e/pause:3.10');
  },
);
