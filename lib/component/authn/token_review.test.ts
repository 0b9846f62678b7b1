import { FakeClock } from '../../base/fake_clock.ts';
import { nullLog } from '../../base/log.ts';
import { ApiError, TransportError } from '../../client/errors.ts';
import type { ReviewClient } from '../review.ts';
import { AuthenticationError } from './authenticator.ts';
import { bearerToken, tokenReviewAuthenticator } from './token_review.ts';

type Answer = () => unknown;

function setup(answers: Answer[], audiences?: string[]) {
  const clock = new FakeClock();
  const bodies: unknown[] = [];
  const client: ReviewClient = {
    async request<R>(request: { body?: unknown }): Promise<R> {
      bodies.push(request.body);
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- answers of the test, of whatever shape
      return answer?.() as R;
    },
  };
  const authenticator = tokenReviewAuthenticator({
    client,
    clock,
    log: nullLog,
    cacheTtlMs: 10_000,
    ...(audiences === undefined ? {} : { audiences }),
  });
  const ask = (header: string | undefined) =>
    authenticator.authenticate({ headers: header === undefined ? {} : { authorization: [header] } });
  return { clock, bodies, ask };
}

const alice = { username: 'alice', uid: '1', groups: ['dev'], extra: { scopes: ['a'] } };
const yes: Answer = () => ({ status: { authenticated: true, user: alice } });

test('K26: the user of a good token', async () => {
  const { ask, bodies } = setup([yes]);
  expect(await ask('Bearer good')).toEqual({
    name: 'alice',
    uid: '1',
    groups: ['dev'],
    extra: { scopes: ['a'] },
  });
  expect(bodies).toEqual([
    { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'good' } },
  ]);
});

test('K26: without a token there is no user and no question', async () => {
  const { ask, bodies } = setup([yes]);
  expect(await ask(undefined)).toBeUndefined();
  expect(await ask('Basic abc')).toBeUndefined();
  expect(bodies).toEqual([]);
});

test.each<[string, unknown, string]>([
  ['refused', { status: { authenticated: false } }, 'invalid bearer token'],
  ['refused with a reason', { status: { authenticated: false, error: 'token expired' } }, 'token expired'],
  ['answered without a user', { status: { authenticated: true } }, 'invalid bearer token'],
  ['answered with nonsense', { status: 'yes' }, 'invalid bearer token'],
])('K26: a token that is %s', async (_, answer, message) => {
  const { ask } = setup([() => answer]);
  await expect(ask('Bearer bad')).rejects.toThrow(new AuthenticationError(message));
});

test('K26: verdicts of both kinds are remembered for their time', async () => {
  const { ask, clock, bodies } = setup([yes]);
  await ask('Bearer good');
  await ask('Bearer good');
  expect(bodies.length).toBe(1);
  await clock.advance(10_000);
  await ask('Bearer good');
  expect(bodies.length).toBe(2);
});

test('K26: an apiserver that is away for a moment is asked again', async () => {
  const away: Answer = () => {
    throw new TransportError('ECONNREFUSED');
  };
  const { ask, clock, bodies } = setup([away, away, yes]);
  const answer = ask('Bearer good');
  await clock.advance(2000);
  expect(await answer).toMatchObject({ name: 'alice' });
  expect(bodies.length).toBe(3);
});

test('K26: an apiserver that stays away means 401, and is asked again by the next request', async () => {
  const { ask, clock, bodies } = setup([
    () => {
      throw new TransportError('ECONNREFUSED');
    },
  ]);
  const answer = ask('Bearer good');
  await Promise.all([
    expect(answer).rejects.toThrow(/token review failed: ECONNREFUSED/),
    clock.advance(60_000),
  ]);
  expect(bodies.length).toBe(5);
});

test('K26: a refusal to review is not tried again', async () => {
  const { ask, bodies } = setup([
    () => {
      throw new ApiError('tokenreviews is forbidden', { status: 403, reason: 'Forbidden' });
    },
  ]);
  await expect(ask('Bearer good')).rejects.toThrow(/forbidden/);
  expect(bodies.length).toBe(1);
});

test('K26: a token for another audience is refused', async () => {
  const { ask, bodies } = setup(
    [() => ({ status: { authenticated: true, user: alice, audiences: ['other'] } })],
    ['me'],
  );
  await expect(ask('Bearer good')).rejects.toThrow('token is for another audience');
  expect(bodies).toMatchObject([{ spec: { audiences: ['me'] } }]);
});

test.each([
  ['Bearer abc', 'abc'],
  ['bearer abc', 'abc'],
  [' Bearer abc ', 'abc'],
  ['Bearer', undefined],
  ['Bearer a b', undefined],
  ['', undefined],
  [undefined, undefined],
])('K26: "%s"', (header, token) => {
  expect(bearerToken(header)).toBe(token);
});
