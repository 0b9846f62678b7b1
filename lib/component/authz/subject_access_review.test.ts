import { FakeClock } from '../../base/fake_clock.ts';
import { nullLog } from '../../base/log.ts';
import { ApiError } from '../../client/errors.ts';
import type { ReviewClient } from '../review.ts';
import type { Attributes } from './authorizer.ts';
import { alwaysAllowPaths, anyOf, forbiddenMessage, privilegedGroups } from './authorizer.ts';
import { subjectAccessReviewAuthorizer } from './subject_access_review.ts';

const user = { name: 'alice', uid: '', groups: ['dev'], extra: {} };
const path: Attributes = { user, verb: 'get', path: '/metrics' };
const resource: Attributes = {
  user,
  verb: 'get',
  path: '/pods',
  resource: { group: '', version: 'v1', resource: 'nodes', subresource: 'proxy', namespace: '', name: 'n1' },
};

function setup(answer: () => unknown) {
  const clock = new FakeClock();
  const specs: unknown[] = [];
  const client: ReviewClient = {
    async request<R>(request: { body?: unknown }): Promise<R> {
      const { body } = request;
      specs.push(typeof body === 'object' && body !== null && 'spec' in body ? body.spec : undefined);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- answers of the test, of whatever shape
      return answer() as R;
    },
  };
  const authorizer = subjectAccessReviewAuthorizer({
    client,
    clock,
    log: nullLog,
    allowedTtlMs: 10_000,
    deniedTtlMs: 1000,
  });
  return { clock, specs, authorizer };
}

test.each<[Attributes, unknown]>([
  [
    path,
    { user: 'alice', groups: ['dev'], extra: {}, nonResourceAttributes: { path: '/metrics', verb: 'get' } },
  ],
  [
    resource,
    { user: 'alice', groups: ['dev'], extra: {}, resourceAttributes: { ...resource.resource, verb: 'get' } },
  ],
])('K26: asks about paths and resources', async (attributes, spec) => {
  const { authorizer, specs } = setup(() => ({ status: { allowed: true, reason: 'role x' } }));
  expect(await authorizer.authorize(attributes)).toEqual({ allowed: true, reason: 'role x' });
  expect(specs).toEqual([spec]);
});

test.each<[string, unknown, boolean]>([
  ['no', { status: { allowed: false } }, false],
  ['denied wins over allowed', { status: { allowed: true, denied: true } }, false],
  ['nonsense', { status: { allowed: 'true' } }, false],
  ['nothing', { status: null }, false],
])('K26: %s', async (_, answer, allowed) => {
  expect((await setup(() => answer).authorizer.authorize(path))?.allowed).toBe(allowed);
});

test.each([
  [true, 10_000],
  [false, 1000],
])('K26: a decision of %s is remembered for %i ms', async (allowed, ttl) => {
  const { authorizer, clock, specs } = setup(() => ({ status: { allowed } }));
  await authorizer.authorize(path);
  await clock.advance(ttl - 1);
  await authorizer.authorize(path);
  expect(specs.length).toBe(1);
  await clock.advance(1);
  await authorizer.authorize(path);
  expect(specs.length).toBe(2);
});

test('K26: questions of any length are not kept', async () => {
  const { authorizer, specs } = setup(() => ({ status: { allowed: false } }));
  const long = { ...path, path: `/${'x'.repeat(20_000)}` };
  await authorizer.authorize(long);
  await authorizer.authorize(long);
  expect(specs.length).toBe(2);
});

test('K26: a failure is an error, not a decision', async () => {
  const { authorizer } = setup(() => {
    throw new ApiError('forbidden', { status: 403, reason: 'Forbidden' });
  });
  await expect(authorizer.authorize(path)).rejects.toThrow('forbidden');
});

test('K26: always allowed paths are for paths alone', async () => {
  const authorizer = alwaysAllowPaths(['/healthz', '/debug/*']);
  const decide = async (p: string): Promise<boolean | undefined> =>
    (await authorizer.authorize({ user, verb: 'get', path: p }))?.allowed;
  expect(await Promise.all(['/healthz', '/debug/x/y', '/healthz/x', '/other'].map(decide))).toEqual([
    true,
    true,
    undefined,
    undefined,
  ]);
  expect(await authorizer.authorize({ ...resource, path: '/healthz' })).toBeUndefined();
  expect(() => alwaysAllowPaths(['/a*b'])).toThrow('only trailing * allowed');
});

test('K26: nobody having an opinion means no', async () => {
  expect(await anyOf([privilegedGroups('system:masters')]).authorize(path)).toEqual({
    allowed: false,
    reason: '',
  });
});

test.each<[Attributes, string, string]>([
  [path, '', 'User "alice" cannot get path "/metrics"'],
  [
    resource,
    'no role',
    'User "alice" cannot get resource "nodes/proxy" in API group "" at the cluster scope: no role',
  ],
])('K26: refusals are worded as everywhere', (attributes, reason, message) => {
  expect(forbiddenMessage(attributes, reason)).toBe(message);
});
