import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copiedFile, filesIn, librariesOf } from './debian_files.ts';

let dir: string;
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'debian-')));
});
afterEach(() => rm(dir, { recursive: true }));

test('ldd output gives the libraries and the loader, not the vdso', () => {
  const output = `\tlinux-vdso.so.1 (0x00007f)
\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007fea3b8ee000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007fea3b9e6000)
`;
  expect(librariesOf(output)).toEqual(['/lib/x86_64-linux-gnu/libm.so.6', '/lib64/ld-linux-x86-64.so.2']);
});

test('a missing library is named', () => {
  expect(() => librariesOf('\tlibnone.so.1 => not found\n')).toThrow(
    'shared library libnone.so.1 is not installed',
  );
});

test('a file is copied with the links that lead to it, at their real places', async () => {
  await mkdir(join(dir, 'usr'));
  await symlink('usr', join(dir, 'merged'));
  await writeFile(join(dir, 'usr', 'lib.so.1.2'), 'x', { mode: 0o644 });
  await symlink('lib.so.1.2', join(dir, 'usr', 'lib.so.1'));
  expect(await copiedFile(join(dir, 'merged', 'lib.so.1'))).toEqual([
    { type: 'symlink', path: join(dir, 'usr', 'lib.so.1'), target: 'lib.so.1.2' },
    {
      type: 'file',
      path: join(dir, 'usr', 'lib.so.1.2'),
      mode: 0o644,
      content: { source: join(dir, 'usr', 'lib.so.1.2') },
    },
  ]);
});

test('a link that ends nowhere, a loop and a directory are errors', async () => {
  await symlink('none', join(dir, 'dangling'));
  await symlink('loop', join(dir, 'loop'));
  await expect(copiedFile(join(dir, 'dangling'))).rejects.toThrow('ENOENT');
  await expect(copiedFile(join(dir, 'loop'))).rejects.toThrow('too many symbolic links');
  await expect(copiedFile(dir)).rejects.toThrow('is not a regular file');
});

test('filesIn lists matching names in order, and nothing where there is no directory', async () => {
  for (const name of ['libxt_b.so', 'libxt_a.so', 'README']) await writeFile(join(dir, name), '');
  expect(await filesIn(dir, /\.so$/)).toEqual([join(dir, 'libxt_a.so'), join(dir, 'libxt_b.so')]);
  expect(await filesIn(join(dir, 'none'), /./)).toEqual([]);
});
