import { ANONYMOUS } from '../../component/authn/authenticator.ts';
import { kubeletAttributes } from './access.ts';

test.each([
  ['GET', '/pods', 'get', ['pods', 'proxy']],
  ['GET', '/runningpods/', 'get', ['pods', 'proxy']],
  ['GET', '/healthz/syncloop', 'get', ['healthz', 'proxy']],
  ['GET', '/configz', 'get', ['configz', 'proxy']],
  ['GET', '/statusz', 'get', ['statusz']],
  ['GET', '/flagz', 'get', ['configz']],
  ['GET', '/metrics', 'get', ['metrics']],
  ['GET', '/metrics/cadvisor', 'get', ['metrics']],
  ['GET', '/stats/summary', 'get', ['stats']],
  ['GET', '/logs/', 'get', ['log']],
  ['POST', '/checkpoint/a/b/c', 'create', ['checkpoint']],
  ['GET', '/containerLogs/a/b/c', 'get', ['proxy']],
  ['POST', '/exec/a/b/c', 'create', ['proxy']],
  ['PUT', '/debug/flags/v', 'update', ['proxy']],
  ['DELETE', '/pods', 'delete', ['pods', 'proxy']],
  ['GET', '/podsandmore', 'get', ['proxy']],
  ['GET', '/', 'get', ['proxy']],
  ['BREW', '/pods', '', ['pods', 'proxy']],
])('K26: %s %s asks to %s nodes/%j', (method, path, verb, subresources) => {
  const questions = kubeletAttributes('node-1')(ANONYMOUS, { path, query: new URLSearchParams() }, method);
  expect(questions.map((q) => q.resource)).toEqual(
    subresources.map((subresource) => ({
      group: '',
      version: 'v1',
      resource: 'nodes',
      subresource,
      namespace: '',
      name: 'node-1',
    })),
  );
  expect(new Set(questions.map((q) => q.verb))).toEqual(new Set([verb]));
});
