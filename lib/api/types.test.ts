import type { Node, Pod } from './types.ts';
import { keyOf } from './types.ts';

test.each([
  { metadata: { namespace: 'ns', name: 'a' }, key: 'ns/a' },
  { metadata: { name: 'node' }, key: 'node' },
  { metadata: { namespace: '', name: 'node' }, key: 'node' },
])('key of %j', ({ metadata, key }) => {
  expect(keyOf({ metadata })).toBe(key);
});

test('objects are typed as plain JSON: timestamps are strings', () => {
  const pod: Pod = {
    metadata: { name: 'p', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { containers: [] },
  };
  const node: Node = { metadata: { name: 'n' } };
  const created: string | undefined = pod.metadata.creationTimestamp;
  expect([created, keyOf(node)]).toEqual(['2026-01-01T00:00:00Z', 'n']);
});
