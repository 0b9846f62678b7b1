import { defaultPullPolicy, parseImageReference, withDefaultTag } from './image_reference.ts';

test.each([
  ['busybox', { domain: 'docker.io', path: 'library/busybox' }],
  ['a/b:1', { domain: 'docker.io', path: 'a/b', tag: '1' }],
  ['localhost:5000/a', { domain: 'localhost:5000', path: 'a' }],
  ['r.example/a/b:v1', { domain: 'r.example', path: 'a/b', tag: 'v1' }],
  [
    `r.example/a@sha256:${'0'.repeat(64)}`,
    { domain: 'r.example', path: 'a', digest: `sha256:${'0'.repeat(64)}` },
  ],
])('K14: %s', (text, want) => expect(parseImageReference(text)).toEqual(want));

test.each([
  ['', 'invalid reference format'],
  ['UPPER', 'repository name (library/UPPER) must be lowercase'],
  ['a b', 'invalid reference format'],
  ['a:', 'invalid reference format'],
  ['a@sha256:12', 'invalid reference format'],
  ['a:b:c', 'invalid reference format'],
  ['f'.repeat(64), 'cannot specify 64-byte hexadecimal strings'],
])('K14: %j is refused', (text, message) => expect(() => parseImageReference(text)).toThrow(message));

test.each([
  ['a', 'a:latest', 'Always'],
  ['a:latest', 'a:latest', 'Always'],
  ['a:1', 'a:1', 'IfNotPresent'],
  [`a@sha256:${'0'.repeat(64)}`, `a@sha256:${'0'.repeat(64)}`, 'IfNotPresent'],
])('K14: %s gets tag and policy', (text, tagged, policy) => {
  expect([withDefaultTag(text), defaultPullPolicy(text)]).toEqual([tagged, policy]);
});
