import { runInNewContext } from 'node:vm';
import { abortReason, errorCode, errorMessage, isAbort, toError } from './errors.ts';

const circular: Record<string, unknown> = {};
circular['self'] = circular;
const loop = new Error('loop');
loop.cause = loop;

test.each([
  [new Error('a'), 'a'],
  [new Error('a', { cause: new Error('b', { cause: new Error('c') }) }), 'a: b: c'],
  [new Error('a: b', { cause: new Error('b') }), 'a: b'],
  [new Error('a', { cause: 'text' }), 'a: text'],
  [new AggregateError([new Error('x'), new Error('y')], 'both failed'), 'both failed: x; y'],
  [new AggregateError([new Error('x')]), 'x'],
  [Object.assign(new Error(''), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
  [new TypeError(''), 'TypeError'],
  [loop, 'loop'],
  ['text', 'text'],
  [undefined, 'undefined'],
  [42, '42'],
  [{ message: 'like an error' }, 'like an error'],
  [{ a: 1 }, '{"a":1}'],
  [circular, '[object Object]'],
])('%p reads %p', (err, text) => {
  expect(errorMessage(err)).toBe(text);
});

describe('isAbort', () => {
  const stopped = new AbortController();
  const reason = new Error('stopping');
  stopped.abort(reason);
  const plain = new AbortController();
  plain.abort('why');

  test.each([
    ['the reason itself', reason, stopped.signal, true],
    ['an error caused by the reason', new Error('x', { cause: reason }), stopped.signal, true],
    ['AbortError of a Node API', new DOMException('aborted', 'AbortError'), stopped.signal, true],
    ['another error after the abort', new Error('disk full'), stopped.signal, false],
    [
      'an AbortError while not aborted',
      new DOMException('x', 'AbortError'),
      new AbortController().signal,
      false,
    ],
    ['no signal', reason, undefined, false],
    ['a reason that is no Error', 'why', plain.signal, true],
    ['a wrapped reason that is no Error', abortReason(plain.signal), plain.signal, true],
    ['an error with a circular cause', loop, stopped.signal, false],
  ])('%s', (_, err, signal, expected) => {
    expect(isAbort(err, signal)).toBe(expected);
  });
});

test('toError keeps errors and wraps the rest', () => {
  expect(toError(loop)).toBe(loop);
  expect(toError('x')).toMatchObject({ message: 'x', cause: 'x' });
});

test('errors of another realm are errors too', () => {
  const foreign: unknown = runInNewContext('new TypeError("elsewhere")');
  expect(foreign).not.toBeInstanceOf(Error);
  expect(toError(foreign)).toBe(foreign);
  expect(errorMessage(foreign)).toBe('elsewhere');
  expect(abortReason(AbortSignal.abort(foreign))).toBe(foreign);
});

test('errorCode', () => {
  expect(errorCode(Object.assign(new Error('x'), { code: 'ENOENT' }))).toBe('ENOENT');
  expect(errorCode(Object.assign(new Error('x'), { code: 5 }))).toBeUndefined();
  expect(errorCode({ code: 'ENOENT' })).toBeUndefined();
});
