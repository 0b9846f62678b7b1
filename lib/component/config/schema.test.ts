import type { Schema } from './schema.ts';
import {
  boolean,
  choice,
  duration,
  integer,
  json,
  lazy,
  list,
  map,
  number,
  object,
  optional,
  quantity,
  refine,
  string,
  withDefault,
} from './schema.ts';
import type { Problem } from './schema.ts';

function decode<T>(schema: Schema<T>, value: unknown): { value: T } | { problems: string[] } {
  const problems: Problem[] = [];
  const decoded = schema.decode(value, 'f', problems);
  return problems.length > 0
    ? { problems: problems.map((p) => `${p.path}: ${p.message}`) }
    : { value: decoded };
}

test.each<[string, Schema<unknown>, unknown, unknown]>([
  ['string', string(), '', ''],
  ['string of a set', string({ oneOf: ['a', 'b'] }), 'b', 'b'],
  ['choice', choice(['a', 'b']), 'a', 'a'],
  ['boolean', boolean(), false, false],
  ['integer at its bound', integer({ min: 0, max: 5 }), 5, 5],
  ['number', number(), 0.25, 0.25],
  ['duration in milliseconds', duration(), '1m30s', 90_000],
  ['quantity', quantity(), '500Mi', '500Mi'],
  ['quantity given as a number', quantity(), 2, '2'],
  ['list', list(integer()), [1, 2], [1, 2]],
  ['map', map(string()), { 'a/b': 'c' }, { 'a/b': 'c' }],
  ['optional absent', optional(string()), undefined, undefined],
  ['optional null', optional(string()), null, undefined],
  ['default', withDefault(duration(), 5), undefined, 5],
  ['default for null', withDefault(integer(), 7), null, 7],
  ['given in place of the default', withDefault(integer(), 7), 8, 8],
  ['absent object of defaults', object({ a: withDefault(integer(), 1) }), undefined, { a: 1 }],
  ['json', json(), { any: [1] }, { any: [1] }],
  ['lazy', lazy('a number', () => integer()), 3, 3],
  ['refined', refine(integer(), 'an even number', (n) => n % 2 === 0), 4, 4],
])('%s decodes', (_, schema, given, want) => {
  expect(decode(schema, given)).toEqual({ value: want });
});

test.each<[string, Schema<unknown>, unknown, string[]]>([
  ['number for a string', string(), 5, ['f: got 5, want a string']],
  ['string outside the set', string({ oneOf: ['a', 'b'] }), 'c', ['f: got "c", want one of "a", "b"']],
  ['string against a pattern', string({ pattern: /^x/, wants: 'an x' }), 'y', ['f: got "y", want an x']],
  ['string for a boolean', boolean(), 'true', ['f: got "true", want true or false']],
  ['integer out of range', integer({ min: 0, max: 5 }), 6, ['f: got 6, want a whole number from 0 to 5']],
  ['fraction for an integer', integer(), 1.5, ['f: got 1.5, want a whole number']],
  ['number for a duration', duration(), 60, ['f: got 60, want a duration such as "1m30s"']],
  ['bad duration', duration(), '5 minutes', ['f: got "5 minutes", want a duration such as "1m30s"']],
  ['bad quantity', quantity(), '5 MB', ['f: got "5 MB", want a quantity such as "500Mi"']],
  ['object for a list', list(integer()), {}, ['f: got {}, want a list']],
  ['list entry', list(integer()), [1, 'x'], ['f[1]: got "x", want a whole number']],
  ['list for a map', map(string()), [], ['f: got [], want an object']],
  ['map entry', map(string()), { 'memory.available': 5 }, ['f.memory.available: got 5, want a string']],
  ['missing field', object({ a: string() }), {}, ['f.a: is required: want a string']],
  [
    'unknown field near a known one',
    object({ port: optional(integer()) }),
    { prot: 1 },
    ['f.prot: unknown field, did you mean "port"?'],
  ],
  [
    'unknown field in another case',
    object({ clusterDNS: optional(string()) }),
    { clusterDns: '' },
    ['f.clusterDns: unknown field, did you mean "clusterDNS"?'],
  ],
  [
    'unknown field',
    object({ port: optional(integer()) }),
    { nothing: 1 },
    ['f.nothing: unknown field, known are port'],
  ],
  [
    'inherited name',
    object({ port: optional(integer()) }),
    { constructor: 1 },
    ['f.constructor: unknown field, known are port'],
  ],
  [
    'refinement',
    refine(integer(), 'an even number', (n) => n % 2 === 0),
    3,
    ['f: got 3, want an even number'],
  ],
  [
    'everything wrong at once',
    object({ a: integer(), b: list(object({ c: string() })) }),
    { a: 'x', b: [{}, { c: 1 }] },
    [
      'f.a: got "x", want a whole number',
      'f.b[0].c: is required: want a string',
      'f.b[1].c: got 1, want a string',
    ],
  ],
])('%s is refused', (_, schema, given, want) => {
  expect(decode(schema, given)).toEqual({ problems: want });
});

test('long values are cut in messages', () => {
  const outcome = decode(integer(), 'x'.repeat(200));
  expect('problems' in outcome && outcome.problems[0]?.length).toBeLessThan(150);
});

test('a decoded object encodes to what it was decoded from, defaults filled in', () => {
  const schema = object({
    wait: withDefault(duration(), 1500),
    names: withDefault(list(string()), []),
    limits: withDefault(map(quantity()), {}),
    inner: object({ on: withDefault(boolean(), true), note: optional(string()) }),
  });
  const outcome = decode(schema, { names: ['a'], limits: { cpu: '1' } });
  expect('value' in outcome && schema.encode(outcome.value)).toEqual({
    wait: '1.5s',
    names: ['a'],
    limits: { cpu: '1' },
    inner: { on: true },
  });
});
