import {
  ApiError,
  errorFromResponse,
  isAlreadyExists,
  isConflict,
  isForbidden,
  isGone,
  isNamespaceTerminating,
  isNotFound,
  isRetriable,
  isTooManyRequests,
  parseRetryAfter,
  TransportError,
} from './errors.ts';

const status = (fields: Record<string, unknown>): string => JSON.stringify({ kind: 'Status', ...fields });

test.each([
  ['a Status with a reason', 404, status({ reason: 'NotFound', message: 'pods "a" not found' }), isNotFound],
  ['AlreadyExists', 409, status({ reason: 'AlreadyExists' }), isAlreadyExists],
  ['Conflict', 409, status({ reason: 'Conflict' }), isConflict],
  ['Expired', 410, status({ reason: 'Expired' }), isGone],
  ['a proxy without a Status', 404, '<html>not here</html>', isNotFound],
  ['an empty body', 403, '', isForbidden],
  ['an empty body', 410, '', isGone],
  ['a Status with wrong types', 429, status({ message: 5 }), isTooManyRequests],
])('%s of HTTP %i is recognised', (_name, code, body, is) => {
  expect(is(errorFromResponse(code, body, 'GET /x'))).toBe(true);
});

test('409 AlreadyExists is no conflict, and the other way round', () => {
  expect(isConflict(errorFromResponse(409, status({ reason: 'AlreadyExists' }), 'x'))).toBe(false);
  expect(isAlreadyExists(errorFromResponse(409, status({ reason: 'Conflict' }), 'x'))).toBe(false);
});

test('a namespace that is being deleted is told from other refusals', () => {
  const body = status({ reason: 'Forbidden', details: { causes: [{ reason: 'NamespaceTerminating' }] } });
  expect(isNamespaceTerminating(errorFromResponse(403, body, 'x'))).toBe(true);
  expect(isNamespaceTerminating(errorFromResponse(403, status({ reason: 'Forbidden' }), 'x'))).toBe(false);
});

test('the message names the request and what the server said', () => {
  const body = status({ reason: 'NotFound', message: 'pods "a" not found' });
  expect(errorFromResponse(404, body, 'GET /api/v1/pods/a').message).toBe(
    'GET /api/v1/pods/a: pods "a" not found',
  );
  expect(errorFromResponse(502, 'Bad gateway\n', 'GET /x').message).toBe('GET /x: HTTP 502: Bad gateway');
});

test.each([
  ['7', 7_000],
  ['Thu, 01 Jan 1970 00:00:20 GMT', 10_000],
  ['Thu, 01 Jan 1970 00:00:01 GMT', 0],
  ['soon', undefined],
  [undefined, undefined],
])('Retry-After %s', (header, ms) => {
  expect(parseRetryAfter(header, 10_000)).toBe(ms);
});

test('the header wins over details.retryAfterSeconds', () => {
  const body = status({ reason: 'TooManyRequests', details: { retryAfterSeconds: 3 } });
  expect(errorFromResponse(429, body, 'x').retryAfterMs).toBe(3_000);
  expect(errorFromResponse(429, body, 'x', '1').retryAfterMs).toBe(1_000);
});

test.each([
  [new TransportError('reset'), true],
  [new ApiError('x', { status: 429, reason: '' }), true],
  [new ApiError('x', { status: 500, reason: '' }), true],
  [new ApiError('x', { status: 404, reason: '' }), false],
  [new Error('x'), false],
])('%s retriable: %s', (err, retriable) => {
  expect(isRetriable(err)).toBe(retriable);
});
