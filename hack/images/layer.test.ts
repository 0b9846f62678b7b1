import { createReadStream } from 'node:fs';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { orderedEntries, writeLayer, type LayerEntry } from './layer.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'layer-'));
});
afterEach(() => rm(dir, { recursive: true }));

async function headersOf(file: string, gzipped: boolean): Promise<object[]> {
  const headers: object[] = [];
  const reader = extract();
  const input = createReadStream(file);
  (gzipped ? input.pipe(createGunzip()) : input).pipe(reader);
  for await (const entry of reader) {
    const { name, type, mode, uid, gid, mtime, size, linkname } = entry.header;
    headers.push({ name, type, mode, uid, gid, mtime: mtime?.getTime(), size, linkname });
    entry.resume();
  }
  return headers;
}

describe('orderedEntries', () => {
  test('adds the parents and sorts', () => {
    const entries: LayerEntry[] = [
      { type: 'file', path: '/usr/bin/b', content: '' },
      { type: 'symlink', path: '/bin', target: 'usr/bin' },
    ];
    expect(orderedEntries(entries).map(({ path, type }) => [path, type])).toEqual([
      ['/bin', 'symlink'],
      ['/usr', 'directory'],
      ['/usr/bin', 'directory'],
      ['/usr/bin/b', 'file'],
    ]);
  });

  test('keeps a directory entry as it was given', () => {
    const entries: LayerEntry[] = [
      { type: 'directory', path: '/tmp', mode: 0o1777 },
      { type: 'file', path: '/tmp/a', content: '' },
    ];
    expect(orderedEntries(entries)).toEqual(entries);
  });

  test('takes equal entries once', () => {
    const entry: LayerEntry = { type: 'file', path: '/a', content: 'x' };
    expect(orderedEntries([entry, { ...entry }])).toEqual([entry]);
  });

  test.each(['a', '', '/', '/a/', '//a', '/a/../b', '/./a', '/a/..'])('refuses the path "%s"', (path) => {
    expect(() => orderedEntries([{ type: 'file', path, content: '' }])).toThrow(
      `image layer: path "${path}" must be absolute, without "." and ".."`,
    );
  });

  test('refuses two different entries at one path', () => {
    const entry: LayerEntry = { type: 'file', path: '/a', content: 'x' };
    expect(() => orderedEntries([entry, { ...entry, content: 'y' }])).toThrow('two different entries for /a');
  });

  test('refuses an entry below a link: the runtime would resolve it outside of what was meant', () => {
    const entries: LayerEntry[] = [
      { type: 'symlink', path: '/bin', target: 'usr/bin' },
      { type: 'file', path: '/bin/a', content: '' },
    ];
    expect(() => orderedEntries(entries)).toThrow('/bin/a lies below /bin, which is a symlink');
  });
});

describe('writeLayer', () => {
  const base: LayerEntry[] = [
    { type: 'directory', path: '/tmp', mode: 0o1777 },
    { type: 'symlink', path: '/link', target: '../x' },
    { type: 'file', path: '/etc/passwd', content: 'root', uid: 3, gid: 4 },
  ];

  test.each([false, true])('writes owners, modes and fixed times (compress: %s)', async (compress) => {
    const layer = await writeLayer(base, join(dir, 'layer'), { compress });
    expect(await headersOf(layer.file, compress)).toEqual([
      { name: 'etc', type: 'directory', mode: 0o755, uid: 0, gid: 0, mtime: 0, size: 0, linkname: null },
      { name: 'etc/passwd', type: 'file', mode: 0o644, uid: 3, gid: 4, mtime: 0, size: 4, linkname: null },
      { name: 'link', type: 'symlink', mode: 0o777, uid: 0, gid: 0, mtime: 0, size: 0, linkname: '../x' },
      { name: 'tmp', type: 'directory', mode: 0o1777, uid: 0, gid: 0, mtime: 0, size: 0, linkname: null },
    ]);
    expect(layer.diffId === layer.digest).toBe(!compress);
  });

  test('has a digest that depends on the content only', async () => {
    const source = join(dir, 'source');
    await writeFile(source, 'x'.repeat(200_000));
    const entries: LayerEntry[] = [{ type: 'file', path: '/big', content: { source } }, ...base];
    const first = await writeLayer(entries, join(dir, '1'), { compress: true });
    await utimes(source, 1, 1);
    const second = await writeLayer([...entries].reverse(), join(dir, '2'), { compress: true });
    expect(second).toEqual({ ...first, file: join(dir, '2') });
    await writeFile(source, 'y'.repeat(200_000));
    const third = await writeLayer(entries, join(dir, '3'), { compress: true });
    expect(third.digest).not.toBe(first.digest);
  });

  test('fails when a source is missing', async () => {
    const entries: LayerEntry[] = [{ type: 'file', path: '/a', content: { source: join(dir, 'none') } }];
    await expect(writeLayer(entries, join(dir, '1'), { compress: false })).rejects.toThrow(
      /writing image layer .* failed/,
    );
  });
});
