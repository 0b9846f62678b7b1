import { podField, quote } from './pod_field.ts';

test('K7: all labels and annotations, sorted, quoted as Go does', () => {
  const pod = {
    metadata: { name: 'p', labels: { b: '2', a: 'x "y"\n\tz\\' }, annotations: {} },
    spec: { containers: [] },
  };
  expect(podField(pod, 'metadata.labels')).toBe('a="x \\"y\\"\\n\\tz\\\\"\nb="2"');
  expect(podField(pod, 'metadata.annotations')).toBe('');
  expect(() => podField(pod, 'status.podIP')).toThrow('unsupported fieldPath: status.podIP');
});

test.each([
  ['', '""'],
  ['ä€😀', '"ä€😀"'],
  ['\u0000\u007f', '"\\x00\\x7f"'],
  ['\u200b', '"\\u200b"'],
  ['\u00a0', '"\\u00a0"'],
])('K7: %j', (text, quoted) => expect(quote(text)).toBe(quoted));
