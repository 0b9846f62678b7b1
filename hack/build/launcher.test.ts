import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launcher } from './launcher.ts';

let dir: string;
let program: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsk-launcher-'));
  mkdirSync(join(dir, 'dist'));
  mkdirSync(join(dir, 'path'));
  program = join(dir, 'dist', 'ts-x');
  executable(program, `${launcher('../pinned/node')}console.log(JSON.stringify(process.argv.slice(2)));\n`);
});
afterEach(() => rmSync(dir, { recursive: true }));

function executable(file: string, text: string): void {
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}

/** A stand-in for Node that says who it is and what it was given. */
function fakeNode(folder: string, version: string): string {
  mkdirSync(join(dir, folder), { recursive: true });
  const file = join(dir, folder, 'node');
  executable(
    file,
    `#!/bin/sh\nif [ "$1" = --version ]; then echo ${version}; else echo "${folder} $1 $2"; fi\n`,
  );
  return file;
}

function run(file: string, env: Record<string, string> = {}, args: string[] = ['a b']): string {
  const path = `${join(dir, 'path')}:/usr/bin:/bin`;
  return execFileSync(file, args, { env: { PATH: path, ...env }, stdio: 'pipe', encoding: 'utf8' }).trim();
}

test('the file is JavaScript as well', () => {
  expect(execFileSync(process.execPath, [program, 'a b', '-v'], { encoding: 'utf8' })).toBe('["a b","-v"]\n');
});

test('TSK_NODE comes first, then the pinned one, one beside the program, one on PATH', () => {
  const own = fakeNode('own', 'v24.0.0');
  fakeNode('path', 'v24.1.0');
  expect(run(program)).toBe(`path ${program} a b`);
  fakeNode('dist', 'v24.0.0');
  expect(run(program)).toBe(`dist ${program} a b`);
  fakeNode('pinned', 'v24.0.0');
  expect(run(program)).toBe(`pinned ${program} a b`);
  expect(run(program, { TSK_NODE: own })).toBe(`own ${program} a b`);
});

test('options of Node.js come before the program; the C library keeps few arenas unless told otherwise', () => {
  executable(program, launcher('../pinned/node', ['--max-semi-space-size=4']));
  executable(
    join(dir, 'path', 'node'),
    '#!/bin/sh\n[ "$1" = --version ] && echo v24.0.0 || echo "$1 $2 $3 $MALLOC_ARENA_MAX"\n',
  );
  expect(run(program)).toBe(`--max-semi-space-size=4 ${program} a b 2`);
  expect(run(program, { MALLOC_ARENA_MAX: '7' })).toBe(`--max-semi-space-size=4 ${program} a b 7`);
});

test.each([
  ['with the help of bash', '/usr/bin:/bin'],
  ['where /bin/sh itself can set it', ''],
])('argument 0 is the path that it was started by: %s', (_shell, rest) => {
  const link = join(dir, 'path', 'kubelet');
  symlinkSync(program, link);
  symlinkSync('/usr/bin/readlink', join(dir, 'path', 'readlink'));
  symlinkSync(process.execPath, join(dir, 'path', 'node'));
  executable(
    program,
    `${launcher('../pinned/node')}console.log(JSON.stringify([process.argv0, process.argv.slice(1)]));\n`,
  );
  const shown = run(link, { PATH: `${join(dir, 'path')}:${rest}` }, ['a b', '$x']);
  const possible = rest === '' ? [link, join(dir, 'path', 'node')] : [link];
  expect(possible.map((argv0) => JSON.stringify([argv0, [link, 'a b', '$x']]))).toContain(shown);
});

test('a link to the program finds what lies beside it, and gives the process its name', () => {
  fakeNode('pinned', 'v24.0.0');
  symlinkSync(program, join(dir, 'path', 'ts-link'));
  const link = join(dir, 'path', 'ts-link');
  expect(run(link)).toBe(`pinned ${link} a b`);
});

test.each([
  [
    'v18.20.4',
    /ts-x: .*path\/node is Node\.js 18\.20\.4, want 24 or newer: set TSK_NODE, or run npm ci in the checkout/,
  ],
  ['nonsense', /is Node\.js nonsense, want 24 or newer/],
])('a Node of version %s on PATH is refused', (version, message) => {
  fakeNode('path', version);
  expect(() => run(program)).toThrow(message);
});

test('a path that would need quoting is refused', () => {
  expect(() => launcher('../a b/node')).toThrow('characters outside');
});
