import { readFileSync } from 'node:fs';
import path from 'node:path';
import { completeLock, platformOf } from './complete_lock.ts';

const lock = (packages: object): string => JSON.stringify({ lockfileVersion: 3, packages });

test('the lock file of this checkout is complete: else `npm ci` fails in a fresh clone', () => {
  const { added } = completeLock(readFileSync(path.resolve(__dirname, '../../package-lock.json'), 'utf8'));
  expect(added).toEqual([]); // if not: node hack/lockfile/complete.ts
});

test('a missing platform is added once', () => {
  const text = lock({
    'node_modules/a': {
      version: '1.0.0',
      dev: true,
      optionalDependencies: { '@a/darwin-arm64': '1.0.0', '@a/linux-x64': '1.0.0' },
    },
    'node_modules/@a/linux-x64': { version: '1.0.0' },
  });
  const first = completeLock(text);
  expect(first.added).toEqual(['@a/darwin-arm64']);
  expect(JSON.parse(first.text)).toMatchObject({
    packages: {
      'node_modules/@a/darwin-arm64': {
        version: '1.0.0',
        os: ['darwin'],
        cpu: ['arm64'],
        dev: true,
        optional: true,
      },
    },
  });
  expect(completeLock(first.text).added).toEqual([]);
});

test.each([
  ['@swc/core-linux-arm-gnueabihf', { os: ['linux'], cpu: ['arm'] }],
  ['@oxlint/binding-linux-x64-musl', { os: ['linux'], cpu: ['x64'], libc: ['musl'] }],
  ['@oxlint/binding-linux-ppc64-gnu', { os: ['linux'], cpu: ['ppc64'], libc: ['glibc'] }],
  ['@bufbuild/buf-linux-armv7', { os: ['linux'], cpu: ['arm'] }],
  ['@swc/core-win32-ia32-msvc', { os: ['win32'], cpu: ['ia32'] }],
  ['fsevents', undefined],
])('%s', (name, want) => {
  expect(platformOf(name)).toEqual(want);
});

test.each([
  [{ 'node_modules/a': { optionalDependencies: { 'a-linux-x64': '^1.0.0' } } }, 'which is no exact version'],
  [{ 'node_modules/a': { optionalDependencies: { fsevents: '2.3.3' } } }, 'for an unknown platform'],
])('%j is not guessed at', (packages, message) => {
  expect(() => completeLock(lock(packages))).toThrow(message);
});
