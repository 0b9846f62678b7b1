import { apiVersionOf, LEASES, NODES, PODS, resourcePath } from './resource.ts';

test.each([
  [PODS, {}, '/api/v1/pods'],
  [PODS, { namespace: 'a' }, '/api/v1/namespaces/a/pods'],
  [PODS, { namespace: 'a', name: 'b' }, '/api/v1/namespaces/a/pods/b'],
  [PODS, { namespace: 'a', name: 'b', subresource: 'status' }, '/api/v1/namespaces/a/pods/b/status'],
  [NODES, { name: 'n1' }, '/api/v1/nodes/n1'],
  [NODES, { name: 'n1', namespace: 'ignored' }, '/api/v1/nodes/n1'],
  [LEASES, { namespace: 'a' }, '/apis/coordination.k8s.io/v1/namespaces/a/leases'],
  [NODES, { name: 'a:b%c d' }, '/api/v1/nodes/a%3Ab%25c%20d'],
])('%j %j', (r, key, path) => {
  expect(resourcePath(r, key)).toBe(path);
});

test.each([
  [{ name: 'b' }, 'Pod "b": namespace is required'],
  [{ namespace: 'a', name: '' }, 'name ""'],
  [{ namespace: 'a', name: '..' }, 'name ".."'],
  [{ namespace: '../x', name: 'b' }, 'namespace "../x"'],
  [{ namespace: 'a', name: 'b/status' }, 'name "b/status"'],
])('%j does not address a pod', (key, message) => {
  expect(() => resourcePath(PODS, key)).toThrow(message);
});

test('apiVersion', () => {
  expect([PODS, LEASES].map(apiVersionOf)).toEqual(['v1', 'coordination.k8s.io/v1']);
});
