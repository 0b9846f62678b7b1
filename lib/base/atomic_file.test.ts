import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AtomicWriteError, removeLeftovers, writeFileAtomic } from './atomic_file.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'atomic-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

test('creates and replaces, with the mode asked for, leaving nothing else', async () => {
  const path = join(dir, 'state');
  await writeFileAtomic(path, 'one');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await writeFileAtomic(path, Buffer.from('two'), { mode: 0o666 });
  expect((await stat(path)).mode & 0o777).toBe(0o666);
  expect(await readFile(path, 'utf8')).toBe('two');
  expect(await readdir(dir)).toEqual(['state']);
});

test('a link is replaced, its target stays as it was', async () => {
  const target = join(dir, 'target');
  await writeFile(target, 'old');
  await symlink(target, join(dir, 'link'));
  await writeFileAtomic(join(dir, 'link'), 'new');
  expect(await readFile(target, 'utf8')).toBe('old');
  expect(await readFile(join(dir, 'link'), 'utf8')).toBe('new');
});

test('the folder is missing', async () => {
  const path = join(dir, 'no', 'state');
  await expect(writeFileAtomic(path, 'x')).rejects.toThrow(AtomicWriteError);
  await expect(writeFileAtomic(path, 'x')).rejects.toThrow(`cannot write ${path}: ENOENT`);
});

test('a failed rename leaves no temporary file', async () => {
  const path = join(dir, 'folder');
  await mkdir(path);
  await expect(writeFileAtomic(path, 'x')).rejects.toThrow(AtomicWriteError);
  expect(await readdir(dir)).toEqual(['folder']);
});

test('K31: what writers that were killed left behind is removed, and nothing else', async () => {
  const leftovers = ['.state.0123456789ab.tmp', '.kubelet-client-2026.pem.abcdef012345.tmp'];
  const others = ['state', '.hidden', '.state.tmp', 'x.0123456789ab.tmp'];
  for (const name of [...leftovers, ...others]) await writeFile(join(dir, name), '');
  await mkdir(join(dir, '.folder.0123456789ab.tmp'));
  expect(await removeLeftovers([dir, join(dir, 'nothing')])).toEqual(
    leftovers.map((name) => join(dir, name)).sort(),
  );
  expect((await readdir(dir)).sort()).toEqual([...others, '.folder.0123456789ab.tmp'].sort());
});

test('many writers at once: the result is whole and from one of them', async () => {
  const path = join(dir, 'state');
  const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000));
  await Promise.all(texts.map((text) => writeFileAtomic(path, text)));
  expect(texts).toContain(await readFile(path, 'utf8'));
  expect(await readdir(dir)).toEqual(['state']);
});
