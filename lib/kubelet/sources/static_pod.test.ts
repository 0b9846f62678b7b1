import { staticPod } from './static_pod.ts';
import { isMirror, isStatic } from './pod_manager.ts';

const manifest = (spec: object = {}, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', ...metadata },
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
});
const make = (document: unknown, origin = '/m/web.yaml') =>
  staticPod(document, origin, 'file', 'node-1', '2026-01-01T00:00:00Z');

test('K1: name, UID, annotations and defaults', () => {
  const pod = make(manifest());
  const uid = pod.metadata.uid ?? '';
  expect(uid).toMatch(/^[0-9a-f]{32}$/);
  expect(pod.metadata).toMatchObject({
    name: 'web-node-1',
    namespace: 'default',
    annotations: {
      'kubernetes.io/config.hash': uid,
      'kubernetes.io/config.seen': '2026-01-01T00:00:00Z',
      'kubernetes.io/config.source': 'file',
    },
  });
  expect(pod.spec).toMatchObject({
    nodeName: 'node-1',
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    tolerations: [{ operator: 'Exists', effect: 'NoExecute' }],
    containers: [{ imagePullPolicy: 'Always', terminationMessagePath: '/dev/termination-log' }],
  });
  expect([isStatic(pod), isMirror(pod)]).toEqual([true, false]);
});

test.each<[string, unknown, string, boolean]>([
  ['the same again', manifest(), '/m/web.yaml', true],
  [
    'keys in another order',
    { spec: manifest().spec, metadata: { name: 'web' }, kind: 'Pod', apiVersion: 'v1' },
    '/m/web.yaml',
    true,
  ],
  ['another image', manifest({ containers: [{ name: 'c', image: 'j' }] }), '/m/web.yaml', false],
  ['another file', manifest(), '/m/other.yaml', false],
])('K1: UID of %s', (_, document, origin, same) => {
  expect(make(document, origin).metadata.uid === make(manifest()).metadata.uid).toBe(same);
});

test('K1: limits are requests where none are given; probes get their timings', () => {
  const containers = [
    { name: 'c', image: 'i', resources: { limits: { cpu: 1 } }, livenessProbe: { periodSeconds: 3 } },
  ];
  expect(make(manifest({ containers })).spec.containers[0]).toMatchObject({
    resources: { limits: { cpu: '1' }, requests: { cpu: '1' } },
    livenessProbe: { periodSeconds: 3, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3 },
  });
});

test.each<[string, unknown, string]>([
  ['text', 'hello', 'the manifest: got "hello", want an object'],
  [
    'another kind',
    { ...manifest(), kind: 'Deployment' },
    'got apiVersion "v1" and kind "Deployment", want v1 and Pod',
  ],
  ['no name', manifest({}, { name: undefined }), 'metadata.name: got undefined, want a DNS name'],
  ['a bad name', manifest({}, { name: '../x' }), 'metadata.name: got "../x", want a DNS name'],
  ['no containers', manifest({ containers: [] }), 'spec.containers: want at least one container'],
  [
    'a container without image',
    manifest({ containers: [{ name: 'c' }] }),
    'spec.containers[0].image: is required',
  ],
  [
    'a service account',
    manifest({ serviceAccountName: 'x' }),
    'static pods may not reference serviceaccounts',
  ],
  ['a pull secret', manifest({ imagePullSecrets: [{ name: 's' }] }), 'static pods may not reference secrets'],
  [
    'an environment from a ConfigMap',
    manifest({ containers: [{ name: 'c', image: 'i', envFrom: [{ configMapRef: { name: 'm' } }] }] }),
    'static pods may not reference configmaps',
  ],
  ...(
    [
      ['persistentvolumeclaims', { persistentVolumeClaim: { claimName: 'p' } }],
      ['secrets', { csi: { driver: 'd', nodePublishSecretRef: { name: 's' } } }],
      ['serviceaccounts', { projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }],
      ['clustertrustbundles', { projected: { sources: [{ clusterTrustBundle: { path: 't' } }] } }],
    ] as const
  ).map(([resource, source]): [string, unknown, string] => [
    `a volume of ${resource}`,
    manifest({ volumes: [{ name: 'v', ...source }] }),
    `static pods may not reference ${resource}`,
  ]),
])('K1: %s is refused', (_, document, message) => expect(() => make(document)).toThrow(message));

test('K1: without the gate a static pod may refer to objects of the API', () => {
  const document = manifest({ imagePullSecrets: [{ name: 's' }] });
  const pod = staticPod(document, '/m/web.yaml', 'file', 'node-1', '2026-01-01T00:00:00Z', true);
  expect(pod.spec.imagePullSecrets).toEqual([{ name: 's' }]);
});
