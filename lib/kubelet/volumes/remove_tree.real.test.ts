/** As root, with real bind mounts in a temporary directory. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bindMount, unmount } from './kernel.ts';
import { mountsBelow, readMountTable } from './mount_table.ts';
import { MountedError, removeTree } from './remove_tree.ts';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'tsk-remove-')));
  mkdirSync(join(root, 'tree/a/b'), { recursive: true });
  mkdirSync(join(root, 'precious'));
  writeFileSync(join(root, 'precious/data'), 'x');
});
afterEach(async () => {
  for (const mount of mountsBelow(await readMountTable(), root)) unmount(mount.mountPoint);
  rmSync(root, { recursive: true, force: true });
});

test('K15: removes files, directories and links, not what links point to', async () => {
  symlinkSync(join(root, 'precious'), join(root, 'tree/a/link'));
  writeFileSync(join(root, 'tree/a/b/file'), '');
  await removeTree(join(root, 'tree'));
  expect(existsSync(join(root, 'tree'))).toBe(false);
  expect(readFileSync(join(root, 'precious/data'), 'utf8')).toBe('x');
  await removeTree(join(root, 'tree'));
});

test.each(['tree', 'tree/a', 'tree/a/b'])(
  'refuses a bind mount of the same file system at %s',
  async (at) => {
    bindMount(join(root, 'precious'), join(root, at));
    await expect(removeTree(join(root, 'tree'))).rejects.toThrow(MountedError);
    await expect(removeTree(join(root, 'tree'))).rejects.toThrow(`${join(root, at)} is a mount point`);
    expect(readFileSync(join(root, 'precious/data'), 'utf8')).toBe('x');
  },
);

test('K15: refuses a file that is a mount point', async () => {
  writeFileSync(join(root, 'tree/file'), '');
  bindMount(join(root, 'precious/data'), join(root, 'tree/file'));
  await expect(removeTree(join(root, 'tree'))).rejects.toThrow(`${join(root, 'tree/file')} is a mount point`);
  expect(readFileSync(join(root, 'precious/data'), 'utf8')).toBe('x');
});
