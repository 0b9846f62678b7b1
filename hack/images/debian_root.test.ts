import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianRoot } from './debian_root.ts';

let dir: string;
const searchPath = process.env['PATH'];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'debian-'));
  mkdirSync(join(dir, 'bin'));
  process.env['PATH'] = `${join(dir, 'bin')}:${searchPath}`;
});
afterEach(() => {
  process.env['PATH'] = searchPath;
  rmSync(dir, { recursive: true });
});

function program(name: string, script: string): void {
  const path = join(dir, 'bin', name);
  writeFileSync(path, `#!/bin/bash\necho "$@" >>"${dir}/calls"\n${script}\n`);
  chmodSync(path, 0o755);
}
const calls = (): string[] => readFileSync(join(dir, 'calls'), 'utf8').trim().split('\n');

/** An apt-get that puts one archive where it is told to, and a dpkg-deb that turns it into a tar. */
function distribution(): void {
  program(
    'apt-get',
    `for word; do case $word in Dir::Cache::archives=*) archives=\${word#*=};; esac; done
case " $* " in *" install "*) echo deb >"$archives/tool_1_amd64.deb";; esac`,
  );
  program(
    'dpkg-deb',
    `work=$(mktemp -d "${dir}/XXXX"); mkdir -p "$work/bin"; echo tool >"$work/bin/tool"; tar -C "$work" -c .`,
  );
}

test('packages are unpacked once, with the links of a merged root in place', async () => {
  distribution();
  const root = await debianRoot(['tool', 'tool'], { cacheDir: dir });
  expect(readFileSync(join(root, 'usr/bin/tool'), 'utf8')).toBe('tool\n');
  expect(readFileSync(join(root, 'bin/tool'), 'utf8')).toBe('tool\n');
  const install = calls().find((line) => line.includes(' install '));
  expect(install).toMatch(/Dir::State::status=\S+ .*--download-only tool$/);
  const before = calls().length;
  expect(await debianRoot(['tool'], { cacheDir: dir })).toBe(root);
  expect(calls()).toHaveLength(before);
  expect(readdirSync(join(dir, 'images/debian')).filter((name) => /tmp|archives/.test(name))).toEqual([]);
});

test('a package that apt does not have is named, and nothing is left', async () => {
  program('apt-get', 'echo "E: Unable to locate package tool" >&2; exit 100');
  await expect(debianRoot(['tool'], { cacheDir: dir })).rejects.toThrow(
    /apt does not give tool \(E: Unable to locate package tool\): .*check its sources/,
  );
  expect(readdirSync(join(dir, 'images/debian'))).toEqual(['apt']);
});

test('an archive that cannot be unpacked leaves no half root', async () => {
  distribution();
  program('dpkg-deb', 'exit 2');
  await expect(debianRoot(['tool'], { cacheDir: dir })).rejects.toThrow(
    /unpacking .*tool_1_amd64.deb failed/,
  );
  expect(readdirSync(join(dir, 'images/debian'))).toEqual(['apt']);
});

test.each(['-o=Foo::Bar', 'tool extra', ''])('%p is no name of a package', async (name) => {
  await expect(debianRoot([name], { cacheDir: dir })).rejects.toThrow(/is no name of a package/);
  expect(existsSync(join(dir, 'images'))).toBe(false);
});
