import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { extract } from 'tar-stream';
import { imageArchitecture, packImage, packImages, type ImageSpec } from './image.ts';
import { writeLayer } from './layer.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'image-'));
});
afterEach(() => rm(dir, { recursive: true }));

const spec: ImageSpec = {
  refs: ['example.test/a:1', 'example.test/b:2'],
  config: { entrypoint: ['/a', 'b'], cmd: ['c'], user: '1:2', env: { X: 'y' } },
  layers: [[{ type: 'file', path: '/a', content: 'a' }], [{ type: 'file', path: '/b', content: 'b' }]],
  compress: false,
};

async function filesOf(tar: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const reader = extract();
  createReadStream(tar).pipe(reader);
  for await (const entry of reader) files.set(entry.header.name, await text(entry));
  return files;
}

test('the tar is an OCI layout whose index names every reference', async () => {
  const tar = join(dir, 'image.tar');
  const digest = await packImage(spec, tar);
  const files = await filesOf(tar);
  expect(files.get('oci-layout')).toBe('{"imageLayoutVersion":"1.0.0"}');
  const index: unknown = JSON.parse(files.get('index.json') ?? '');
  expect(index).toMatchObject({
    schemaVersion: 2,
    manifests: spec.refs.map((ref) => ({ digest, annotations: { 'io.containerd.image.name': ref } })),
  });
  const manifest: unknown = JSON.parse(files.get(`blobs/${digest.replace(':', '/')}`) ?? '');
  expect(manifest).toMatchObject({ layers: [{}, {}] });
  for (const [name, content] of files) {
    const hex = /^blobs\/sha256\/(.+)$/.exec(name)?.[1];
    if (hex !== undefined) expect(createHash('sha256').update(content).digest('hex')).toBe(hex);
  }
  const config = [...files.values()].find((content) => content.includes('"rootfs"')) ?? '';
  expect(JSON.parse(config)).toMatchObject({
    created: '1970-01-01T00:00:00.000Z',
    os: 'linux',
    config: {
      Entrypoint: ['/a', 'b'],
      Cmd: ['c'],
      User: '1:2',
      Env: [expect.stringMatching(/^PATH=/), 'X=y'],
    },
    rootfs: { type: 'layers', diff_ids: [expect.any(String), expect.any(String)] },
  });
});

test('two builds are equal byte for byte', async () => {
  await packImage(spec, join(dir, '1'));
  await packImage(spec, join(dir, '2'));
  expect((await readFile(join(dir, '1'))).equals(await readFile(join(dir, '2')))).toBe(true);
});

test('equal layers are stored once', async () => {
  const [layer] = spec.layers;
  await packImage({ ...spec, layers: [layer ?? [], layer ?? []] }, join(dir, '1'));
  const blobs = [...(await filesOf(join(dir, '1'))).keys()].filter((name) => name.startsWith('blobs/'));
  expect(blobs).toHaveLength(3);
});

test('a failed build leaves nothing behind', async () => {
  const broken: ImageSpec = {
    ...spec,
    layers: [[{ type: 'file', path: '/a', content: { source: join(dir, 'none') } }]],
  };
  await expect(packImage(broken, join(dir, 'out.tar'))).rejects.toThrow('writing image layer');
  expect(await readdir(dir)).toEqual([]);
});

test.each([
  ['x64', 'amd64'],
  ['arm64', 'arm64'],
])('architecture %s is %s', (arch, name) => expect(imageArchitecture(arch)).toBe(name));

test('an architecture without images is refused', () => {
  expect(() => imageArchitecture('mips')).toThrow('images can be built on x64 and arm64, not on mips');
});

test('images in one tar share their layers and keep their own configuration', async () => {
  const tar = join(dir, 'image.tar');
  let written = 0;
  const second: ImageSpec = { ...spec, refs: ['example.test/c:3'], config: { cmd: ['sh'], user: '7' } };
  const digests = await packImages([spec, second], tar, (...layer) => {
    written++;
    return writeLayer(...layer);
  });
  expect(written).toBe(2);
  expect(new Set(digests).size).toBe(2);
  const files = await filesOf(tar);
  expect(files.size).toBe(2 + 2 + 2 + 2); // layout and index; manifests; configurations; layers
  expect(JSON.parse(files.get('index.json') ?? '')).toMatchObject({
    manifests: [{ digest: digests[0] }, { digest: digests[0] }, { digest: digests[1] }],
  });
  const configs = [...files.values()].filter((content) => content.includes('"rootfs"'));
  const own = configs.find((content) => !content.includes('Entrypoint'));
  expect(JSON.parse(own ?? '')).toMatchObject({ config: { Cmd: ['sh'], User: '7' } });
});
