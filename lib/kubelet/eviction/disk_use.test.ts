import { link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../base/subprocess.ts';
import { directoryUse } from './disk_use.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tsk-du-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

test('counts as du does: blocks, names of one file once, nothing behind symlinks', async () => {
  await mkdir(join(dir, 'a/b'), { recursive: true });
  await writeFile(join(dir, 'a/b/file'), Buffer.alloc(100_000, 1));
  await link(join(dir, 'a/b/file'), join(dir, 'again'));
  await symlink('/usr', join(dir, 'elsewhere'));
  const { stdout } = await run(['du', '-s', '-x', '--block-size=1', dir], { timeoutMs: 10_000, check: true });
  const { bytes, inodes } = await directoryUse(dir);
  expect(bytes).toBe(Number(stdout.toString().split('\t')[0]));
  expect(inodes).toBe(5);
});

test('a directory that is not there takes nothing', async () => {
  expect(await directoryUse(join(dir, 'gone'))).toEqual({ bytes: 0, inodes: 0 });
});
