import { containerAnnotations, containerHash } from './runtime_names.ts';

// What `HashContainer` of the stock kubelet 1.36.3 gives.
test.each([
  ['web', 'nginx:1.25', '3899ff6c'],
  ['a', 'b', '646fef1b'],
  ['c', 'x<y>&z', '83f86'],
])('hash of %s %s as stock', (name, image, want) => expect(containerHash({ name, image })).toBe(want));

test('annotations carry what the end of the container needs', () => {
  const lifecycle = { preStop: { sleep: { seconds: 3 } } };
  const annotations = containerAnnotations(
    { metadata: { name: 'p' }, spec: { containers: [], terminationGracePeriodSeconds: 7 } },
    { name: 'c', image: 'i', lifecycle, ports: [{ containerPort: 80 }] },
    4,
  );
  expect(annotations).toEqual({
    'io.kubernetes.container.hash': containerHash({ name: 'c', image: 'i' }),
    'io.kubernetes.container.restartCount': '4',
    'io.kubernetes.container.terminationMessagePath': '/dev/termination-log',
    'io.kubernetes.container.terminationMessagePolicy': 'File',
    'io.kubernetes.pod.terminationGracePeriod': '7',
    'io.kubernetes.container.preStopHandler': '{"sleep":{"seconds":3}}',
    'io.kubernetes.container.ports': '[{"containerPort":80}]',
  });
});
