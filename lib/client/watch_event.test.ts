import { ApiError, isGone, TransportError } from './errors.ts';
import { CONFIG_MAPS } from './resource.ts';
import { parseWatchEvent } from './watch_event.ts';

const parse = (event: unknown) =>
  parseWatchEvent(typeof event === 'string' ? event : JSON.stringify(event), CONFIG_MAPS, 'watch x');

test('changes carry the object', () => {
  const object = { kind: 'ConfigMap', metadata: { name: 'a', resourceVersion: '7' }, unknown: { kept: 1 } };
  for (const type of ['ADDED', 'MODIFIED', 'DELETED'])
    expect(parse({ type, object })).toEqual({ type, object });
});

test.each([
  [{}, false],
  [{ annotations: { 'k8s.io/initial-events-end': 'true' } }, true],
  [{ annotations: { other: 'true' } }, false],
])('a bookmark with %j', (metadata, endsInitialEvents) => {
  const object = { kind: 'ConfigMap', metadata: { ...metadata, resourceVersion: '9' } };
  expect(parse({ type: 'BOOKMARK', object })).toEqual({
    type: 'BOOKMARK',
    resourceVersion: '9',
    endsInitialEvents,
  });
});

test('an ERROR event is the error it carries', () => {
  const status = { kind: 'Status', status: 'Failure', message: 'too old', reason: 'Expired', code: 410 };
  let thrown: unknown;
  try {
    parse({ type: 'ERROR', object: status });
  } catch (err) {
    thrown = err;
  }
  expect(thrown).toBeInstanceOf(ApiError);
  expect(isGone(thrown)).toBe(true);
  expect(String(thrown)).toBe('ApiError: watch x: too old');
});

test.each([
  ['not JSON', '{"type":"ADDED","obj'],
  ['no object', 'null'],
  ['an unknown type', { type: 'MOVED', object: { metadata: { name: 'a' } } }],
  ['an object of another kind', { type: 'ADDED', object: { kind: 'Pod', metadata: { name: 'a' } } }],
  ['an object without a name', { type: 'ADDED', object: { kind: 'ConfigMap', metadata: {} } }],
  ['a bookmark without version', { type: 'BOOKMARK', object: { metadata: {} } }],
  ['an ERROR that is no Status', { type: 'ERROR', object: { message: 7 } }],
])('%s is refused', (_name, event) => {
  expect(() => parse(event)).toThrow(TransportError);
});
