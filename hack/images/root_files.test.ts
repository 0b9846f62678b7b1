import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootFile, rootPrograms } from './root_files.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'root-'));
  mkdirSync(join(root, 'usr/lib'), { recursive: true });
  symlinkSync('usr/lib', join(root, 'lib'));
  writeFileSync(join(root, 'usr/lib/libx.so.1.2'), 'x');
  symlinkSync('libx.so.1.2', join(root, 'usr/lib/libx.so.1'));
});
afterEach(() => rmSync(root, { recursive: true }));

const file = (path: string, mode = 0o644): object => ({
  type: 'file',
  path,
  mode,
  content: { source: join(root, path) },
});

test('links on the way and the file itself, each at its place', async () => {
  expect(await rootFile(root, '/lib/libx.so.1')).toEqual([
    { type: 'symlink', path: '/lib', target: 'usr/lib' },
    { type: 'symlink', path: '/usr/lib/libx.so.1', target: 'libx.so.1.2' },
    file('/usr/lib/libx.so.1.2'),
  ]);
});

test('an absolute link stays within the root', async () => {
  symlinkSync('/lib/libx.so.1.2', join(root, 'usr/loader'));
  const entries = await rootFile(root, '/usr/loader');
  expect(entries.at(-1)).toEqual(file('/usr/lib/libx.so.1.2'));
});

test('the mode is kept, setuid included', async () => {
  chmodSync(join(root, 'usr/lib/libx.so.1.2'), 0o4755);
  expect(await rootFile(root, '/usr/lib/libx.so.1.2')).toEqual([file('/usr/lib/libx.so.1.2', 0o4755)]);
});

test('a directory comes without what is in it', async () => {
  expect(await rootFile(root, '/lib')).toEqual([
    { type: 'symlink', path: '/lib', target: 'usr/lib' },
    { type: 'directory', path: '/usr/lib', mode: 0o755 },
  ]);
});

test.each([
  ['/usr/lib/none', /usr\/lib\/none is not in .*nothing at \/usr\/lib\/none/],
  ['/circle', /too many symbolic links at \/circle/],
  ['/', /names no file/],
])('%p is refused', async (path, message) => {
  symlinkSync('circle', join(root, 'circle'));
  await expect(rootFile(root, path)).rejects.toThrow(message);
});

test('a program comes with its libraries, and with the loader at the path by which it asks for it', async () => {
  const entries = await rootPrograms('/', ['/bin/ls']);
  const files = entries.filter((entry) => entry.type === 'file').map((entry) => entry.path);
  expect(files.some((path) => path.endsWith('/bin/ls'))).toBe(true);
  expect(files.some((path) => path.endsWith('/libc.so.6'))).toBe(true);
  const loader = process.arch === 'x64' ? '/lib64/ld-linux-x86-64.so.2' : '/lib/ld-linux-aarch64.so.1';
  for (const entry of await rootFile('/', loader)) expect(entries).toContainEqual(entry);
});

test('a root without a dynamic linker gives no programs', async () => {
  await expect(rootPrograms(root, ['/usr/lib/libx.so.1'])).rejects.toThrow(/is not in/);
});
