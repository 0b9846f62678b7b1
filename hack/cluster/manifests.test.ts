import type { Api, Json } from './api.ts';
import { ApiFailure } from './api.ts';
import { apply, objectPath, readManifests } from './manifests.ts';

test('values are filled in, unknown ones refused', () => {
  const text = 'a: ${X}\n---\n# nothing\n---\nb: 2\n';
  expect(readManifests(text, { X: '1' })).toEqual([{ a: 1 }, { b: 2 }]);
  expect(() => readManifests(text)).toThrow('no value for ${X}');
  expect(() => readManifests('a: [')).toThrow('Flow sequence');
});

const object = (apiVersion: string, kind: string, namespace?: string): Json => ({
  apiVersion,
  kind,
  metadata: { name: 'x', ...(namespace === undefined ? {} : { namespace }) },
});

test.each([
  [object('v1', 'Service', 'kube-system'), '/api/v1/namespaces/kube-system/services/x'],
  [object('apps/v1', 'Deployment'), '/apis/apps/v1/namespaces/default/deployments/x'],
  [
    object('rbac.authorization.k8s.io/v1', 'ClusterRole'),
    '/apis/rbac.authorization.k8s.io/v1/clusterroles/x',
  ],
])('%p', (value, want) => {
  expect(objectPath(value)).toBe(want);
});

test.each([object('v1', 'Pigeon'), object('v1', 'constructor'), {}, null])('%p has no place', (value) => {
  expect(() => objectPath(value)).toThrow('cannot apply');
});

test.each([
  ['made', undefined, { metadata: { generation: 1 } }, true],
  ['changed', { metadata: { generation: 1, resourceVersion: '5' } }, { metadata: { generation: 2 } }, true],
  [
    'as before, whatever its status did',
    { metadata: { generation: 1, resourceVersion: '5' } },
    { metadata: { generation: 1, resourceVersion: '9' } },
    false,
  ],
  ['as before', { metadata: { resourceVersion: '5' } }, { metadata: { resourceVersion: '5' } }, false],
])('apply tells: %s', async (_, before, after, want) => {
  const api: Api = {
    call: (method, path) => {
      if (method !== 'GET') return Promise.resolve(after);
      return before === undefined
        ? Promise.reject(new ApiFailure(method, path, 404, 'not found'))
        : Promise.resolve(before);
    },
  };
  await expect(apply(api, object('v1', 'ConfigMap'))).resolves.toBe(want);
});

test('a refusal is no absence', async () => {
  const api: Api = { call: (method, path) => Promise.reject(new ApiFailure(method, path, 403, 'forbidden')) };
  await expect(apply(api, object('v1', 'ConfigMap'))).rejects.toThrow('403 forbidden');
});
